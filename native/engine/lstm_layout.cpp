#include "engine/lstm_layout.h"

namespace lstm {
namespace {

// Lays out layers [first, last) as one weight space from `offset` on; returns the offset after it.
int64_t layoutBlock(const LstmConfig& config, int first, int last, int64_t offset,
                    std::vector<LstmTensors>& out) {
  const int64_t gates = 4 * static_cast<int64_t>(config.hiddenSize);
  const int directions = config.directions();
  for (int layer = first; layer < last; ++layer)
    for (int d = 0; d < directions; ++d) {
      LstmTensors tensors{};
      tensors.weightIh = offset;
      offset += gates * config.layerInputSize(layer);
      tensors.weightHh = offset;
      offset += gates * config.outputSize();
      tensors.weightHr = config.projectionSize > 0 ? offset : -1;
      offset += static_cast<int64_t>(config.projectionSize) * config.hiddenSize;
      out.push_back(tensors);
    }
  for (int p = first * directions; p < last * directions; ++p) {
    out[p].biasIh = config.bias == BiasMode::kNone ? -1 : offset;
    if (config.bias != BiasMode::kNone) offset += gates;
    out[p].biasHh = config.bias == BiasMode::kDouble ? offset : -1;
    if (config.bias == BiasMode::kDouble) offset += gates;
  }
  return offset;
}

}  // namespace

LstmLayout lstmLayout(const LstmConfig& config) {
  LstmLayout layout;
  layout.tensors.reserve(config.numLayers * config.directions());
  const bool layerByLayer = config.dropout > 0 && config.numLayers > 1 && !config.librarySeed;
  const int step = layerByLayer ? 1 : config.numLayers;
  for (int first = 0; first < config.numLayers; first += step)
    layout.size = layoutBlock(config, first, first + step, alignWeightSpace(layout.size), layout.tensors);
  return layout;
}

}  // namespace lstm
