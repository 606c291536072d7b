#pragma once

#include "cpu/kernels/math.h"

namespace lstm::cpu::LSTM_ARCH {

struct SoftmaxRow {
  float max;
  double sum;  // of exp(z - max)
};

LSTM_INLINE float maxOf(const float* z, int classes) {
  float max = z[0];
  int i = 0;
  if (classes >= W) {
    Vec best = load(z);
    for (i = W; i + W <= classes; i += W) {
      const Vec v = load(z + i);
      best = select(v > best, v, best);
    }
    for (int lane = 0; lane < W; ++lane) max = best[lane] > max ? best[lane] : max;
  }
  for (; i < classes; ++i) max = z[i] > max ? z[i] : max;
  return max;
}

// out = exp(z - max); out may be z. Lane sums are float32: W*2^24 classes would be needed to make them
// coarse.
LSTM_INLINE SoftmaxRow exponentials(const float* z, float* out, int classes) {
  const float max = maxOf(z, classes);
  Vec sums = {};
  double rest = 0;
  int i = 0;
  for (; i + W <= classes; i += W) {
    const Vec e = vexp(load(z + i) - max);
    store(out + i, e);
    sums += e;
  }
  if (i < classes) {
    const int lanes = classes - i;
    const Vec e = vexp(loadPartial(z + i, lanes) - max);
    storePartial(out + i, e, lanes);
    for (int lane = 0; lane < lanes; ++lane) rest += e[lane];
  }
  for (int lane = 0; lane < W; ++lane) rest += sums[lane];
  return {max, rest};
}

LSTM_INLINE void scaleRow(float* y, int classes, float factor) {
  for (int i = 0; i < classes; ++i) y[i] *= factor;
}

LSTM_INLINE int argmax(const float* z, int classes) {
  int best = 0;
  for (int i = 1; i < classes; ++i)
    if (z[i] > z[best]) best = i;
  return best;
}

}  // namespace lstm::cpu::LSTM_ARCH
