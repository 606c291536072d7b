#pragma once

#include <stdint.h>

#include "engine/philox.h"

// Inverted dropout (Srivastava et al. 2014): element e of a draw is dropped when its Philox word (word e % 4 of block
// e / 4) is below the threshold; survivors are scaled in float32. The backward pass is the same call on dy.
namespace lstm::elements {

struct DropoutDraw {
  RandomKey key;
  uint32_t threshold;
  float scale;
};

LSTM_HOST_DEVICE inline DropoutDraw dropoutDraw(uint64_t seed, uint32_t stream, uint32_t step, float rate) {
  return {{seed, stream, step}, dropoutThreshold(rate), 1.0f / (1.0f - rate)};
}

LSTM_HOST_DEVICE inline float dropped(const DropoutDraw& draw, uint32_t word, float x) {
  return word < draw.threshold ? 0.0f : x * draw.scale;
}

// Elements first to first + count of the draw, at most four and all of one Philox block.
LSTM_HOST_DEVICE inline void dropoutWithinBlock(const DropoutDraw& draw, uint64_t first, int count,
                                                const float* x, float* y) {
  const Philox4 words = philoxBlock(draw.key, first / 4);
  const int skip = static_cast<int>(first % 4);
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
  for (int word = 0; word < 4; ++word) {  // a constant index keeps the words in registers
    const int i = word - skip;
    if (i >= 0 && i < count) y[i] = dropped(draw, words.v[word], x[i]);
  }
}

// Of a row that is kept or dropped whole.
LSTM_HOST_DEVICE inline float droppedByRow(const DropoutDraw& draw, int32_t rowKey, float x) {
  return dropped(draw, philoxWord(draw.key, static_cast<uint64_t>(rowKey)), x);
}

}  // namespace lstm::elements
