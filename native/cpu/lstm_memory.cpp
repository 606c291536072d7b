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
    : layers_(config.numLayers), directions_(config.directions()), projected_(config.projectionSize > 0) {
  const int64_t hidden = config.hiddenSize;
  const int64_t output = config.outputSize();
  const int64_t widestInput = std::max<int64_t>(config.inputSize, layers_ > 1 ? directions_ * output : 0);
  gateStride_ = 4 * hidden + (4 * hidden % 1024 == 0 ? 16 : 0);
  gates_ = lines(shape.rows * gateStride_);
  rowsH_ = lines(shape.rows * hidden);
  rowsP_ = lines(shape.rows * output);
  outputs_ = lines(shape.rows * directions_ * output);
  cState_ = lines(shape.batchSize * hidden);
  hState_ = lines(shape.batchSize * output);
  bias_ = lines(4 * hidden);
  packedInput_ = lines(shape.rows * roundUp(widestInput, vectorWidth));
  packedHPrev_ = lines(shape.rows * roundUp(output, vectorWidth));
  packedM_ = projected_ ? lines(shape.rows * roundUp(hidden, vectorWidth)) : 0;
}

int64_t LstmMemory::reserveFloats(bool training) const {
  return training ? layers_ * directions_ * savedFloats() + (layers_ - 1) * outputs_ : 0;
}

int64_t LstmMemory::workspaceFloats(bool training) const {
  const int64_t below = layers_ > 1 ? 2 * outputs_ : 0;
  if (!training) return cState_ + 2 * hState_ + gates_ + below + (projected_ ? cState_ : 0);
  const int64_t projection = projected_ ? rowsP_ + cState_ + packedM_ : 0;
  return hState_ + cState_ + bias_ + packedInput_ + packedHPrev_ + below + projection;
}

SavedSteps LstmMemory::saved(float* reserve, int layer, int direction) const {
  float* gates = reserve + (layer * directions_ + direction) * savedFloats();
  float* cPrev = gates + gates_;
  float* hPrev = cPrev + 2 * rowsH_;
  return {gates, cPrev, cPrev + rowsH_, hPrev, projected_ ? hPrev + rowsP_ : nullptr};
}

float* LstmMemory::output(float* reserve, int layer) const {
  return reserve + layers_ * directions_ * savedFloats() + layer * outputs_;
}

// c stands first: it is all that a training forward pass uses.
ForwardScratch LstmMemory::forward(float* workspace) const {
  float* h = workspace + cState_;
  float* gates = h + 2 * hState_;
  float* outputs = gates + gates_;
  float* m = outputs + (layers_ > 1 ? 2 * outputs_ : 0);
  return {workspace, {h, h + hState_}, gates, {outputs, outputs + outputs_}, m};
}

BackwardScratch LstmMemory::backward(float* workspace) const {
  float* dc = workspace + hState_;
  float* dBias = dc + cState_;
  float* inputs = dBias + bias_;
  float* hPrev = inputs + packedInput_;
  float* dLayer = hPrev + packedHPrev_;
  float* dProjected = dLayer + (layers_ > 1 ? 2 * outputs_ : 0);
  float* dm = dProjected + rowsP_;
  return {workspace, dc, dBias, inputs, hPrev, {dLayer, dLayer + outputs_}, dProjected, dm, dm + cState_};
}

}  // namespace lstm::cpu
