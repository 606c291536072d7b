#pragma once

#include "engine/batch_shape.h"
#include "engine/lstm_layout.h"

namespace lstm::cpu {

// What a layer and direction keeps of every live row for the backward pass.
struct SavedSteps {
  float*
      gates;  // [rows, 4H], row stride gateStride: activations i f g o, then gradients of the pre-activations
  float* cPrev;  // [rows, H] c_{t-1}
  float* tanhC;  // [rows, H] tanh(c_t)
  float* hPrev;  // [rows, H] h_{t-1}
};

struct ForwardScratch {
  float* c;           // [N, H]
  float* h[2];        // [N, H] each, inference: h of this step and of the next
  float* gates;       // as in SavedSteps, inference
  float* outputs[2];  // [rows, D*H] each, inference: layers below the last
};

struct BackwardScratch {
  float* dh;         // [N, H]
  float* dc;         // [N, H]
  float* dBias;      // [4H]
  float* inputs;     // the layer's input in panels
  float* hPrev;      // h_{t-1} in panels
  float* dLayer[2];  // [rows, D*H] each: gradients at the outputs of layers below the last
};

// Where things stand in the reserve and the workspace of one batch shape. Every piece starts on a cache line.
class LstmMemory {
 public:
  LstmMemory(const LstmConfig& config, const BatchShape& shape, int vectorWidth);

  // 4H, and a cache line more where rows would otherwise be a multiple of 4096 bytes apart: a block of units
  // would then fall into one set of the first-level cache.
  int64_t gateStride() const { return gateStride_; }

  int64_t reserveFloats(bool training) const;
  int64_t workspaceFloats(bool training) const;

  SavedSteps saved(float* reserve, int layer, int direction) const;
  float* output(float* reserve, int layer) const;  // [rows, D*H] of a layer below the last, training
  ForwardScratch forward(float* workspace) const;
  BackwardScratch backward(float* workspace) const;

 private:
  int64_t savedFloats() const { return gates_ + 3 * rowsH_; }

  int layers_;
  int directions_;
  int64_t gateStride_;
  int64_t gates_;    // [rows, gateStride]
  int64_t rowsH_;    // [rows, H]
  int64_t outputs_;  // [rows, D*H]
  int64_t state_;    // [N, H]
  int64_t bias_;     // [4H]
  int64_t packedInput_;
  int64_t packedH_;
};

}  // namespace lstm::cpu
