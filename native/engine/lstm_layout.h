#pragma once

#include <cstdint>
#include <vector>

namespace lstm {

enum class BiasMode { kNone, kSingle, kDouble };

struct LstmConfig {
  int inputSize = 0;
  int hiddenSize = 0;
  int numLayers = 1;
  bool bidirectional = false;
  BiasMode bias = BiasMode::kDouble;
  float dropout = 0;  // between layers

  int directions() const { return bidirectional ? 2 : 1; }
  int layerInputSize(int layer) const { return layer == 0 ? inputSize : directions() * hiddenSize; }
};

// One layer and direction. Offsets in elements from the start of the node's block; -1 = absent.
struct LstmTensors {
  int64_t weightIh;  // [4H, in]
  int64_t weightHh;  // [4H, H]
  int64_t biasIh;    // [4H]
  int64_t biasHh;    // [4H]
};

struct LstmLayout {
  std::vector<LstmTensors> tensors;  // [L*D], index layer*D + direction
  int64_t size = 0;                  // elements of the block
};

// cuDNN's weight space: all matrices of all pseudo-layers (W i f g o, then R i f g o), then all biases
// (input i f g o, then recurrent). With dropout between layers each layer is a call of its own, so each
// layer is such a block by itself, one after the other. BiasMode::kSingle has the input bias alone.
LstmLayout lstmLayout(const LstmConfig& config);

}  // namespace lstm
