#pragma once

#include <string>

#include "cuda/runtime.h"

namespace lstm::cuda {

// "cudnnRNNForward failed with 5003: the library's text"
std::string describe(const RuntimeError& error);

// The one place where a status becomes an exception:
//   kRuntimeOutOfMemory  -> OutOfMemory         kRuntimeNotSupported -> InvalidArgument
//   kRuntimeUnavailable  -> DeviceUnavailable   kRuntimeInvalid, kRuntimeLost and any other -> CudaFailure
[[noreturn]] void throwStatus(RuntimeStatus status, const RuntimeError& error);

inline void check(RuntimeStatus status, const RuntimeError& error) {
  if (status != kRuntimeOk) throwStatus(status, error);
}

// What every call says once the device is lost; `first` is the failure that lost it.
[[noreturn]] void throwLost(const RuntimeError& first);

}  // namespace lstm::cuda
