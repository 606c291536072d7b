#include "cuda/runtime.h"

extern "C" __attribute__((visibility("default"))) const CudaRuntime* cudnn_lstm_cuda_runtime(int) {
  return nullptr;
}
