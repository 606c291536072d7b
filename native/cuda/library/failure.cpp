#include "cuda/library/failure.h"

#include <cstdio>
#include <cstring>
#include <utility>

#include "cuda/library/libraries.h"

namespace lstm::gpu {
namespace {

RuntimeStatus statusOf(cudaError_t status) {
  switch (static_cast<int>(status)) {
    case cudaErrorMemoryAllocation:
      return kRuntimeOutOfMemory;
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorInvalidDevice:
    case cudaErrorInvalidResourceHandle:
    case cudaErrorInvalidMemcpyDirection:
    case cudaErrorInvalidDevicePointer:
      return kRuntimeInvalid;
    case cudaErrorInitializationError:
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:
    case cudaErrorDevicesUnavailable:
    case cudaErrorNoDevice:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
      return kRuntimeUnavailable;
    case cudaErrorNotSupported:
    case cudaErrorLaunchOutOfResources:
    case cudaErrorCooperativeLaunchTooLarge:
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureMerge:
    case cudaErrorStreamCaptureUnmatched:
    case cudaErrorStreamCaptureUnjoined:
    case cudaErrorStreamCaptureIsolation:
    case cudaErrorStreamCaptureImplicit:
    case cudaErrorCapturedEvent:
    case cudaErrorStreamCaptureWrongThread:
      return kRuntimeNotSupported;
    default:
      return kRuntimeLost;
  }
}

// Categories of cuDNN 9: 1xxx initialisation, 2xxx arguments, 3xxx not supported, 4xxx internal, 5xxx execution.
RuntimeStatus statusOf(cudnnStatus_t status) {
  if (status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
      static_cast<int>(status) == 4004)  // of the device; not in the first headers of version 9
    return kRuntimeOutOfMemory;
  switch (static_cast<int>(status) / 1000) {
    case 1:
      return kRuntimeUnavailable;
    case 2:
      return kRuntimeInvalid;
    case 3:
      return kRuntimeNotSupported;
    default:
      return kRuntimeLost;
  }
}

RuntimeStatus statusOf(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_ALLOC_FAILED:
      return kRuntimeOutOfMemory;
    case CUBLAS_STATUS_INVALID_VALUE:
      return kRuntimeInvalid;
    case CUBLAS_STATUS_NOT_SUPPORTED:
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return kRuntimeNotSupported;
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return kRuntimeUnavailable;
    default:
      return kRuntimeLost;
  }
}

void copyText(char* to, size_t capacity, const std::string& from) {
  std::snprintf(to, capacity, "%s", from.c_str());
}

}  // namespace

void fail(RuntimeStatus status, std::string call, std::string text, int code) {
  throw Failure{status, code, std::move(call), std::move(text)};
}

void refuseArguments(const char* call, const char* text) {
  fail(kRuntimeInvalid, call, text);
}

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // a sticky error comes back by itself, another one must not reach the next check
  fail(statusOf(status), call, std::string(cudaGetErrorName(status)) + ": " + cudaGetErrorString(status),
       static_cast<int>(status));
}

void check(cudnnStatus_t status, const char* call, const CudnnApi& api) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char last[768] = "";
  api.cudnnGetLastErrorString(last, sizeof last);
  std::string text = api.cudnnGetErrorString(status);
  if (last[0]) text += std::string(": ") + last;
  Failure failure{statusOf(status), static_cast<int>(status), call, text};
  failure.askDevice = failure.status == kRuntimeLost;
  throw failure;
}

void check(cublasStatus_t status, const char* call, const CublasLtApi& api) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  Failure failure{statusOf(status), static_cast<int>(status), call, api.cublasLtGetStatusString(status)};
  failure.askDevice = failure.status == kRuntimeLost;
  throw failure;
}

void report(const Failure& failure, RuntimeError* error) {
  if (!error) return;
  error->code = failure.code;
  copyText(error->call, sizeof error->call, failure.call);
  copyText(error->text, sizeof error->text, failure.text);
}

}  // namespace lstm::gpu
