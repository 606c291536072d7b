#include "addon/cuda_probe.h"

#include <algorithm>
#include <cstring>

#include "cuda/runtime_library.h"

namespace lstm::addon {
namespace {

std::string textOf(const RuntimeError& error) {
  if (error.text[0]) return error.text;
  return std::string(error.call[0] ? error.call : "a CUDA call") + " failed with " +
         std::to_string(error.code);
}

std::vector<RuntimePlace> placesOf(const CudaRuntime& runtime) {
  std::vector<RuntimePlace> places(static_cast<size_t>(std::max(runtime.places(nullptr, 0), 0)));
  const int count = runtime.places(places.data(), static_cast<int>(places.size()));
  places.resize(std::min(places.size(), static_cast<size_t>(std::max(count, 0))));
  return places;
}

std::string capabilityOf(const RuntimeDeviceInfo& info) {
  return std::to_string(info.computeMajor) + "." + std::to_string(info.computeMinor);
}

CudaProbe::Gpu probeGpu(const CudaRuntime& runtime, int index) {
  CudaProbe::Gpu gpu;
  gpu.index = index;
  RuntimeError error{};
  if (runtime.deviceInfo(index, &gpu.info, &error) != kRuntimeOk)
    gpu.failure = textOf(error);
  else if (gpu.info.computeMajor * 10 + gpu.info.computeMinor < 75)
    gpu.failure = "its compute capability is " + capabilityOf(gpu.info) + ": expected 7.5 or newer";
  else if (gpu.info.cudnnVersion == 0 && !isStandIn(runtime))
    gpu.failure = "cuDNN 9 and cuBLASLt were not both found";
  return gpu;
}

// CUDA's 13000 is 13.0.
std::string cudaVersion(int64_t version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// cuDNN's 92400 is 9.24.0, cuBLASLt's 130101 is 13.1.1.
std::string libraryVersion(int64_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000 / 100) + "." +
         std::to_string(version % 100);
}

Napi::Object toJs(Napi::Env env, const RuntimePlace& place) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("library", place.library);
  object.Set("path", place.path);
  object.Set("outcome", place.outcome);
  return object;
}

Napi::Object toJs(Napi::Env env, const CudaProbe::Gpu& gpu) {
  Napi::Object object = Napi::Object::New(env);
  if (gpu.failure.empty()) {
    setGpu(object, gpu.info);
  } else {
    object.Set("index", gpu.index);
    object.Set("failure", gpu.failure);
  }
  return object;
}

template <typename T>
Napi::Array arrayOf(Napi::Env env, const std::vector<T>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); ++i) array.Set(static_cast<uint32_t>(i), toJs(env, values[i]));
  return array;
}

}  // namespace

bool isStandIn(const CudaRuntime& runtime) {
  return std::strcmp(runtime.implementation, "cuda") != 0;
}

CudaProbe probeCuda(const std::string& path, bool withPlaces) {
  CudaProbe probe;
  const cuda::RuntimeLibrary library = cuda::openRuntime(path, "");
  if (!library.runtime) {
    probe.failure = library.reason;
    return probe;
  }
  const CudaRuntime& runtime = *library.runtime;
  probe.opened = true;
  probe.standIn = isStandIn(runtime);
  int count = 0;
  RuntimeError error{};
  if (runtime.deviceCount(&count, &error) != kRuntimeOk)
    probe.failure = textOf(error);
  else if (count == 0)
    probe.failure = "the driver shows no GPU";
  else
    for (int index = 0; index < count; ++index) probe.gpus.push_back(probeGpu(runtime, index));
  if (withPlaces) probe.places = placesOf(runtime);
  return probe;
}

void setGpu(Napi::Object object, const RuntimeDeviceInfo& info) {
  const Napi::Env env = object.Env();
  object.Set("index", info.index);
  object.Set("name", info.name);
  object.Set("totalBytes", Napi::Number::New(env, static_cast<double>(info.totalBytes)));
  if (info.freeBytes > 0)
    object.Set("freeBytes", Napi::Number::New(env, static_cast<double>(info.freeBytes)));
  object.Set("computeCapability", capabilityOf(info));
  object.Set("multiprocessors", info.multiprocessors);
  object.Set("driverVersion", cudaVersion(info.driverVersion));
  object.Set("runtimeVersion", cudaVersion(info.runtimeVersion));
  if (info.cudnnVersion > 0) object.Set("cudnnVersion", libraryVersion(info.cudnnVersion));
  if (info.cublasLtVersion > 0) object.Set("cublasLtVersion", libraryVersion(info.cublasLtVersion));
}

Napi::Object toJs(Napi::Env env, const CudaProbe& probe) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("opened", Napi::Boolean::New(env, probe.opened));
  object.Set("standIn", Napi::Boolean::New(env, probe.standIn));
  object.Set("places", arrayOf(env, probe.places));
  if (!probe.failure.empty()) object.Set("failure", probe.failure);
  object.Set("gpus", arrayOf(env, probe.gpus));
  return object;
}

}  // namespace lstm::addon
