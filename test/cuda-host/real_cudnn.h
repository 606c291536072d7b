#pragma once

#include <cstdlib>

#include "cuda/library/libraries.h"
#include "harness.h"

// The real library: the one whose headers were built with, unless the environment names another. What is asked of it here reads no device; where a call wants a handle it gets zeroes.
inline const lstm::gpu::CudnnApi& realCudnn() {
  setenv("CUDNN_ROOT", LSTM_CUDNN_ROOT, 0);
  try {
    return lstm::gpu::libraries().cudnn;
  } catch (const lstm::gpu::Failure& failure) {
    throw harness::Failure{"cuDNN cannot be opened: " + failure.text};
  }
}

inline cudnnHandle_t noHandle() {
  alignas(64) static unsigned char zeroes[1 << 16];
  return reinterpret_cast<cudnnHandle_t>(zeroes);
}

// The status that `body` is refused with; kRuntimeOk when it is not.
template <typename Body>
RuntimeStatus refusalOf(Body body) {
  try {
    body();
    return kRuntimeOk;
  } catch (const lstm::gpu::Failure& failure) {
    return failure.status;
  }
}
