#include "cpu/lstm_memory.h"

#include <algorithm>

namespace lstm::cpu {
namespace {

int64_t roundUp(int64_t size, int64_t to) {
  return (size + to - 1) / to * to;
}
int64_t lines(int64_t floats) {
  return roundUp(floats, 16);
}

}  // namespace

LstmMemory::LstmMemory(const LstmConfig& config, const BatchShape& shape, int vectorWidth)
    : layers_(config.numLayers), directions_(config.directions()) {
  const int64_t hidden = config.hiddenSize;
  const int64_t widestInput = std::max<int64_t>(config.inputSize, layers_ > 1 ? directions_ * hidden : 0);
  gateStride_ = 4 * hidden + (4 * hidden % 1024 == 0 ? 16 : 0);
  gates_ = lines(shape.rows * gateStride_);
  rowsH_ = lines(shape.rows * hidden);
  outputs_ = lines(shape.rows * directions_ * hidden);
  state_ = lines(shape.batchSize * hidden);
  bias_ = lines(4 * hidden);
  packedInput_ = lines(shape.rows * roundUp(widestInput, vectorWidth));
  packedH_ = lines(shape.rows * roundUp(hidden, vectorWidth));
}

int64_t LstmMemory::reserveFloats(bool training) const {
  return training ? layers_ * directions_ * savedFloats() + (layers_ - 1) * outputs_ : 0;
}

int64_t LstmMemory::workspaceFloats(bool training) const {
  const int64_t below = layers_ > 1 ? 2 * outputs_ : 0;
  if (!training) return 3 * state_ + gates_ + below;
  return std::max(state_, 2 * state_ + bias_ + packedInput_ + packedH_ + below);
}

SavedSteps LstmMemory::saved(float* reserve, int layer, int direction) const {
  float* gates = reserve + (layer * directions_ + direction) * savedFloats();
  float* cPrev = gates + gates_;
  return {gates, cPrev, cPrev + rowsH_, cPrev + 2 * rowsH_};
}

float* LstmMemory::output(float* reserve, int layer) const {
  return reserve + layers_ * directions_ * savedFloats() + layer * outputs_;
}

// c stands first: it is all that a training forward pass uses.
ForwardScratch LstmMemory::forward(float* workspace) const {
  float* h = workspace + state_;
  float* gates = h + 2 * state_;
  float* outputs = gates + gates_;
  return {workspace, {h, h + state_}, gates, {outputs, outputs + outputs_}};
}

BackwardScratch LstmMemory::backward(float* workspace) const {
  float* dc = workspace + state_;
  float* dBias = dc + state_;
  float* inputs = dBias + bias_;
  float* hPrev = inputs + packedInput_;
  float* dLayer = hPrev + packedH_;
  return {workspace, dc, dBias, inputs, hPrev, {dLayer, dLayer + outputs_}};
}

}  // namespace lstm::cpu
