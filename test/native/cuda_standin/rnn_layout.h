#pragma once

#include <cstdint>
#include <vector>

#include "cuda/runtime.h"

namespace standin {

// A configuration with the shape that was set: where everything stands. Pseudo-layer p = layer * D + direction.
struct Rnn {
  RuntimeRnnConfig config;
  int batchSize = 0, timeSteps = 0;
  std::vector<int> lengths;
  std::vector<int64_t> rowOffset;  // [T + 1]

  int halfKind() const {
    return config.precision == kPrecisionFp16   ? kHalfFp16
           : config.precision == kPrecisionBf16 ? kHalfBf16
                                                : kHalfNone;
  }
  size_t elementBytes() const { return halfKind() == kHalfNone ? sizeof(float) : sizeof(uint16_t); }
  int64_t rows() const { return rowOffset.back(); }
  int D() const { return config.bidirectional ? 2 : 1; }
  int H() const { return config.hiddenSize; }
  int P() const { return config.projectionSize; }
  bool projected() const { return P() < H(); }
  int inputOf(int layer) const { return layer == 0 ? config.inputSize : D() * P(); }
  int64_t yFloats() const { return rows() * D() * P(); }
  int64_t row(int t, int n) const { return rowOffset[t] + n; }

  // Weights, in floats from the start of the weight space.
  int64_t wAt(int p) const { return matricesBefore(p); }                             // [4H, in]
  int64_t rAt(int p) const { return wAt(p) + int64_t{4} * H() * inputOf(p / D()); }  // [4H, P]
  int64_t projectionAt(int p) const { return rAt(p) + int64_t{4} * H() * P(); }      // [P, H]
  int64_t biasAt(int p) const {  // [4H] each: the input's, then the recurrent one
    return matricesBefore(config.numLayers * D()) + int64_t{p} * config.biasMode * 4 * H();
  }
  int64_t weightFloats() const { return biasAt(config.numLayers * D()); }

  // Reserve, in floats. A header, then for each pseudo-layer gates [rows, 4H] (backward: their gradients),
  // c [rows, H], o tanh(c) [rows, H], the gradient at h [rows, P]; then the outputs of the layers below the last. Always
  // of float32, for convenience.
  static constexpr int64_t kHeader = 64;
  int64_t perPseudoLayer() const { return rows() * (6 * H() + P()); }
  int64_t gatesAt(int p) const { return kHeader + p * perPseudoLayer(); }
  int64_t cAt(int p) const { return gatesAt(p) + rows() * 4 * H(); }
  int64_t cellOutputAt(int p) const { return cAt(p) + rows() * H(); }
  int64_t dhAt(int p) const { return cellOutputAt(p) + rows() * H(); }
  int64_t outputAt(int layer) const {
    return kHeader + config.numLayers * D() * perPseudoLayer() + layer * yFloats();
  }
  // With dropout: of each layer below the last what it was multiplied by, and the result.
  int64_t maskAt(int layer) const { return outputAt(config.numLayers - 1) + 2 * layer * yFloats(); }
  int64_t droppedAt(int layer) const { return maskAt(layer) + yFloats(); }
  int64_t reserveFloats() const {
    return config.dropout > 0 ? maskAt(config.numLayers - 1) : outputAt(config.numLayers - 1);
  }

 private:
  int64_t matricesBefore(int p) const {
    int64_t floats = 0;
    for (int q = 0; q < p; ++q)
      floats += int64_t{4} * H() * (inputOf(q / D()) + P()) + (projected() ? int64_t{P()} * H() : 0);
    return floats;
  }
};

}  // namespace standin

struct RuntimeRnn : standin::Rnn {};
