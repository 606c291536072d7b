#include "cuda/library/discovery.h"

#include <cstdio>
#include <string>
#include <vector>

#include "cuda/library/libraries.h"

namespace lstm::gpu {
namespace {

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// 0 = no driver
int driverVersion() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return version;
}

std::string whyNoDevice(cudaError_t status) {
  const int driver = driverVersion();
  const char* floor = CUDART_VERSION >= 13000 ? "580.65" : "525.60";
  if (driver == 0)
    return std::string("no NVIDIA driver was found (libcuda.so.1): install the driver, ") + floor +
           " or newer";
  if (status == cudaErrorInsufficientDriver)
    return "the NVIDIA driver is too old: it serves CUDA " + versionText(driver) +
           ", this build needs CUDA " + versionText(CUDART_VERSION) + " (driver " + floor + " or newer)";
  return std::string(cudaGetErrorName(status)) + ": " + cudaGetErrorString(status) + " (driver for CUDA " +
         versionText(driver) + ")";
}

// Whether the process holds a CUDA context of the device already, which costs hundreds of megabytes to make.
bool hasContext(int index) {
  using GetState = int (*)(int device, unsigned* flags, int* active);
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
#if CUDART_VERSION >= 13000
  const cudaError_t status = cudaGetDriverEntryPointByVersion("cuDevicePrimaryCtxGetState", &function, 12000,
                                                              cudaEnableDefault, &found);
#else
  const cudaError_t status =
      cudaGetDriverEntryPoint("cuDevicePrimaryCtxGetState", &function, cudaEnableDefault, &found);
#endif
  if (status != cudaSuccess || found != cudaDriverEntryPointSuccess || !function) {
    cudaGetLastError();
    return false;
  }
  unsigned flags = 0;
  int isActive = 0;
  return reinterpret_cast<GetState>(function)(index, &flags, &isActive) == 0 && isActive != 0;
}

uint64_t freeBytesOf(int index) {
  if (!hasContext(index)) return 0;
  int before = 0;
  size_t available = 0;
  size_t total = 0;
  if (cudaGetDevice(&before) != cudaSuccess || cudaSetDevice(index) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  if (cudaMemGetInfo(&available, &total) != cudaSuccess) {
    cudaGetLastError();
    available = 0;
  }
  if (before != index && hasContext(before)) cudaSetDevice(before);
  return available;
}

void requireIndex(int index) {
  const int count = deviceCount();
  if (index < 0 || index >= count)
    fail(kRuntimeUnavailable, "device",
         "there is no device " + std::to_string(index) + ": " + std::to_string(count) +
             (count == 1 ? " device is there" : " devices are there"));
}

RuntimePlace driverPlace() {
  RuntimePlace place{};
  std::snprintf(place.library, sizeof place.library, "driver");
  std::snprintf(place.path, sizeof place.path, "libcuda.so.1");
  std::string outcome;
  try {
    const int count = deviceCount();
    outcome = "serves CUDA " + versionText(driverVersion()) + ", " + std::to_string(count) +
              (count == 1 ? " device" : " devices");
  } catch (const Failure& failure) {
    outcome = failure.text;
  }
  std::snprintf(place.outcome, sizeof place.outcome, "%s", outcome.c_str());
  return place;
}

}  // namespace

int deviceCount() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return count;
  cudaGetLastError();
  fail(kRuntimeUnavailable, "cudaGetDeviceCount",
       whyNoDevice(status == cudaSuccess ? cudaErrorNoDevice : status), static_cast<int>(status));
}

RuntimeDeviceInfo deviceInfo(int index) {
  requireIndex(index);
  cudaDeviceProp properties{};
  LSTM_CUDA_CALL(cudaGetDeviceProperties, &properties, index);
  RuntimeDeviceInfo info{};
  std::snprintf(info.name, sizeof info.name, "%.127s", properties.name);
  info.index = index;
  info.computeMajor = properties.major;
  info.computeMinor = properties.minor;
  info.multiprocessors = properties.multiProcessorCount;
  info.totalBytes = properties.totalGlobalMem;
  info.freeBytes = freeBytesOf(index);
  info.driverVersion = driverVersion();
  LSTM_CUDA_CALL(cudaRuntimeGetVersion, &info.runtimeVersion);
  if (!librariesFailure()) {
    info.cudnnVersion = libraries().cudnnVersion;
    info.cublasLtVersion = libraries().cublasLtVersion;
  }
  return info;
}

void requireDevice(int index) {
  requireIndex(index);
  int major = 0;
  int minor = 0;
  LSTM_CUDA_CALL(cudaDeviceGetAttribute, &major, cudaDevAttrComputeCapabilityMajor, index);
  LSTM_CUDA_CALL(cudaDeviceGetAttribute, &minor, cudaDevAttrComputeCapabilityMinor, index);
  if (major * 10 + minor < 75)
    fail(kRuntimeUnavailable, "device",
         "device " + std::to_string(index) + " has compute capability " + std::to_string(major) + "." +
             std::to_string(minor) + ": expected 7.5 (Turing) or newer");
}

int places(RuntimePlace* places, int capacity) {
  librariesFailure();  // looks
  openNvrtc();
  std::vector<RuntimePlace> all = {driverPlace()};
  for (const RuntimePlace& place : triedPlaces()) all.push_back(place);
  if (places)
    for (int i = 0; i < capacity && i < static_cast<int>(all.size()); ++i) places[i] = all[i];
  return static_cast<int>(all.size());
}

}  // namespace lstm::gpu
