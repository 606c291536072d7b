#pragma once

#include <cuda_runtime_api.h>

// The part of failure.h that the kernels' launchers need; nvcc reads every header once for each architecture.
namespace lstm::gpu {

// Throws Failure kRuntimeInvalid: nothing ran.
void refuseArguments(const char* call, const char* text);

inline void require(bool condition, const char* call, const char* text) {
  if (!condition) refuseArguments(call, text);
}

// Throws Failure with the status that the error stands for.
void check(cudaError_t status, const char* call);

}  // namespace lstm::gpu

#define LSTM_CUDA_CALL(function, ...) ::lstm::gpu::check(function(__VA_ARGS__), #function)
