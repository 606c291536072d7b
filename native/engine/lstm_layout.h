#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lstm {

enum class BiasMode { kNone, kSingle, kDouble };

struct LstmConfig {
  int inputSize = 0;
  int hiddenSize = 0;
  int numLayers = 1;
  bool bidirectional = false;
  BiasMode bias = BiasMode::kDouble;
  float dropout = 0;       // between layers
  int projectionSize = 0;  // P of h_t = W_hr (o tanh(c_t)), 1 <= P < H; 0 = none
  float cellClip = 0;      // c_t is clamped to [-cellClip, cellClip]; 0 = none
  // Set: the device's library drops between layers, by a generator of its own with this seed. The stack is then one
  // weight space all the same.
  std::optional<uint64_t> librarySeed = std::nullopt;

  int directions() const { return bidirectional ? 2 : 1; }
  // Channels of h of one direction: P, or H without projection.
  int outputSize() const { return projectionSize > 0 ? projectionSize : hiddenSize; }
  int layerInputSize(int layer) const { return layer == 0 ? inputSize : directions() * outputSize(); }
};

// One layer and direction. Offsets in elements from the start of the node's block; -1 = absent.
struct LstmTensors {
  int64_t weightIh;  // [4H, in]
  int64_t weightHh;  // [4H, P], P = outputSize()
  int64_t weightHr;  // [P, H], with projection
  int64_t biasIh;    // [4H]
  int64_t biasHh;    // [4H]
};

struct LstmLayout {
  std::vector<LstmTensors> tensors;  // [L*D], index layer*D + direction
  int64_t size = 0;                  // elements of the block
};

// Elements that a weight space starts at a multiple of, in the arenas and here: 256 bytes also of a copy in half
// precision.
constexpr int64_t kWeightSpaceAlign = 128;

inline int64_t alignWeightSpace(int64_t offset) {
  return (offset + kWeightSpaceAlign - 1) / kWeightSpaceAlign * kWeightSpaceAlign;
}

// cuDNN's weight space: all matrices of all pseudo-layers (W i f g o, R i f g o, then the projection), then
// all biases (input i f g o, then recurrent). With our dropout between layers each layer is a call of its own, so
// each layer is such a weight space by itself, the next one starting at a multiple of kWeightSpaceAlign: what
// lies between belongs to no tensor. BiasMode::kSingle has the input bias alone.
LstmLayout lstmLayout(const LstmConfig& config);

}  // namespace lstm
