#pragma once

#include "cuda/core.h"
#include "engine/device.h"

namespace lstm::cuda {

// Products by the library's GEMM with the bias, and ReLU, in its epilogue; other activations in a pass behind it. In
// half precision x, dy and the weight are rounded, and y, the bias and every gradient are float32.
class CudaDense : public DenseOp {
 public:
  CudaDense(Core& core, const DenseConfig& config) : core_(core), config_(config) {}

  void forward(const DenseForward& args) override;
  void backward(const DenseBackward& args) override;

 private:
  Core& core_;
  DenseConfig config_;
};

}  // namespace lstm::cuda
