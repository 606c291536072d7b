#pragma once

#include <stdint.h>

#include "engine/philox.h"

// Pooling over time of one sequence n and one channel c, on packed rows: the row of (t, n) is rowOffset[t] + n.
namespace lstm::elements {

constexpr int kPoolLast = 0;
constexpr int kPoolMean = 1;
constexpr int kPoolMax = 2;

// argmax is written for kPoolMax alone: the row that the maximum came from, the first of equals.
LSTM_HOST_DEVICE inline float poolElement(int mode, int n, int c, int length, const int64_t* rowOffset,
                                          int channels, const float* x, int32_t* argmax) {
  if (mode == kPoolLast) return x[(rowOffset[length - 1] + n) * channels + c];
  float value = mode == kPoolMax ? x[static_cast<int64_t>(n) * channels + c] : 0.0f;
  int32_t best = n;
  for (int t = mode == kPoolMax ? 1 : 0; t < length; ++t) {
    const int64_t row = rowOffset[t] + n;
    const float next = x[row * channels + c];
    if (mode == kPoolMean) {
      value += next;
    } else if (next > value) {
      value = next;
      best = static_cast<int32_t>(row);
    }
  }
  if (mode == kPoolMean) return value / static_cast<float>(length);
  *argmax = best;
  return value;
}

// The gradient of step t's element: dy is the gradient of the pooled element, argmax its row (kPoolMax alone).
LSTM_HOST_DEVICE inline float poolGradientElement(int mode, int t, int64_t row, int length, float dy,
                                                  int32_t argmax) {
  if (mode == kPoolLast) return t == length - 1 ? dy : 0.0f;
  if (mode == kPoolMean) return dy / static_cast<float>(length);
  return row == argmax ? dy : 0.0f;
}

}  // namespace lstm::elements
