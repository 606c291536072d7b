#pragma once

#include <stdint.h>

#include "engine/philox.h"

// The gradient of an embedding table without atomics. `order` [rows] holds the row numbers sorted by token, then by
// row, so a token's rows are one run of it and are added in row order: the same bits every time.
namespace lstm::elements {

LSTM_HOST_DEVICE inline bool beginsRun(const int32_t* tokens, const int32_t* order, int64_t at) {
  return at == 0 || tokens[order[at - 1]] != tokens[order[at]];
}

// Where the run that begins at `at` ends.
LSTM_HOST_DEVICE inline int64_t runEnd(int64_t rows, const int32_t* tokens, const int32_t* order,
                                       int64_t at) {
  const int32_t token = tokens[order[at]];
  int64_t end = at + 1;
  while (end < rows && tokens[order[end]] == token) ++end;
  return end;
}

// Column c of the rows order[begin..end), added to `start` one by one.
LSTM_HOST_DEVICE inline float addRun(float start, int size, const int32_t* order, int64_t begin, int64_t end,
                                     int c, const float* dy) {
  float sum = start;
#if defined(__CUDA_ARCH__)
#pragma unroll 8  // the loads of several rows are under way at once; the additions keep their order
#endif
  for (int64_t at = begin; at < end; ++at) sum += dy[static_cast<int64_t>(order[at]) * size + c];
  return sum;
}

}  // namespace lstm::elements
