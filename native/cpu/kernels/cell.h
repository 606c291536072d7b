#pragma once

#include "cpu/kernels/math.h"

namespace lstm::cpu::LSTM_ARCH {

// NaN stays NaN.
LSTM_INLINE Vec clamped(Vec c, float clip) {
  c = select(c > clip, splat(clip), c);
  return select(c < -clip, splat(-clip), c);
}

// From pre-activations: i, f, o = sigmoid, g = tanh;  c = f c + i g, clamped where there is a clip. Gives o tanh(c).
template <bool kClip>
LSTM_INLINE Vec cellOf(Vec preI, Vec preF, Vec preG, Vec preO, float clip, Vec& c) {
  const Vec i = vsigmoid(preI);
  const Vec f = vsigmoid(preF);
  const Vec g = vtanh(preG);
  const Vec o = vsigmoid(preO);
  c = f * c + i * g;
  if (kClip) c = clamped(c, clip);
  return o * vtanh(c);
}

}  // namespace lstm::cpu::LSTM_ARCH
