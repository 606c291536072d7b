#pragma once

#include "cpu/context.h"
#include "engine/device.h"

namespace lstm::cpu {

class CpuDense : public DenseOp {
 public:
  CpuDense(Context& context, const DenseConfig& config);

  void forward(const DenseForward& args) override;
  void backward(const DenseBackward& args) override;
  size_t heldBytes() const override {
    return forwardPanels_.sizeBytes() + backwardPanels_.sizeBytes() + inputPanels_.sizeBytes();
  }

 private:
  void activate(const Team& team, int64_t rows, float* y) const;
  void activateBackward(const Team& team, int64_t rows, const float* y, float* dy) const;
  int threadsFor(int64_t rows) const;

  Context& context_;
  DenseConfig config_;
  AlignedBuffer forwardPanels_;   // weight^T [in, units]
  AlignedBuffer backwardPanels_;  // weight [units, in]
  AlignedBuffer inputPanels_;     // x [rows, in]
  WeightsKey forwardKey_;
  WeightsKey backwardKey_;
};

}  // namespace lstm::cpu
