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
  float* hPrev;  // [rows, P] h_{t-1}
  float* m;      // [rows, H] o tanh(c_t), what is projected; null without projection
};

struct ForwardScratch {
  float* c;           // [N, H]
  float* h[2];        // [N, P] each, inference: h of this step and of the next
  float* gates;       // as in SavedSteps, inference
  float* outputs[2];  // [rows, D*P] each, inference: layers below the last
  float* m;           // [N, H], inference with projection: o tanh(c_t) of this step
};

struct BackwardScratch {
  float* dh;         // [N, P]
  float* dc;         // [N, H]
  float* dBias;      // [4H]
  float* inputs;     // the layer's input in panels
  float* hPrev;      // h_{t-1} in panels
  float* dLayer[2];  // [rows, D*P] each: gradients at the outputs of layers below the last
  // With projection alone:
  float* dProjected;  // [rows, P] gradients at h_t, from above and from the future
  float* dm;          // [N, H] gradients at o tanh(c_t) of this step
  float* m;           // o tanh(c_t) in panels
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
  float* output(float* reserve, int layer) const;  // [rows, D*P] of a layer below the last, training
  ForwardScratch forward(float* workspace) const;
  BackwardScratch backward(float* workspace) const;

 private:
  int64_t savedFloats() const { return gates_ + (projected_ ? 3 : 2) * rowsH_ + rowsP_; }

  int layers_;
  int directions_;
  bool projected_;
  int64_t gateStride_;
  int64_t gates_;    // [rows, gateStride]
  int64_t rowsH_;    // [rows, H]
  int64_t rowsP_;    // [rows, P]
  int64_t outputs_;  // [rows, D*P]
  int64_t cState_;   // [N, H]
  int64_t hState_;   // [N, P]
  int64_t bias_;     // [4H]
  int64_t packedInput_;
  int64_t packedHPrev_;
  int64_t packedM_;  // 0 without projection
};

}  // namespace lstm::cpu
