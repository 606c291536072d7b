#pragma once

#include "cpu/kernels/vec.h"

// exp, sigmoid, tanh over vectors. The greatest errors, over all floats, are in test/native/math_test.cpp:
// exp 1.1 ulp, sigmoid 2.5 ulp, tanh 2.6 ulp (units in the last place of the result, denormals included).
// NaN gives NaN; exp(-Inf) = 0, exp(Inf) = Inf, sigmoid(±Inf) = 1, 0, tanh(±Inf) = ±1, tanh(-0) = -0.
namespace lstm::cpu::LSTM_ARCH {

// x = n ln 2 + r, |r| <= ln 2 / 2; expm1(r) by the polynomial of Cephes' expf (Moshier 1989).
struct Reduced {
  IntVec n;
  Vec expm1;
};

LSTM_INLINE Reduced reduceExp(Vec x) {
  const float kRound =
      12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, held in the low mantissa bits
  const Vec shifted = x * 1.44269504088896341f + kRound;
  const Vec n = shifted - kRound;
  Vec r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  Vec p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r;
  return {(IntVec)((UintVec)shifted - (UintVec)splat(kRound)), p};
}

// 2^n for -126 <= n <= 127
LSTM_INLINE Vec exp2Int(IntVec n) {
  return (Vec)(((UintVec)n + 127u) << 23);
}

LSTM_INLINE Vec vexp(Vec x) {
  const Reduced e = reduceExp(atLeast(atMost(x, 89.0f), -104.0f));
  const IntVec half = e.n >> 1;  // two factors reach both the denormals and the overflow to Inf
  return (e.expm1 + 1.0f) * exp2Int(half) * exp2Int(e.n - half);
}

LSTM_INLINE Vec absolute(Vec x) {
  return (Vec)((IntVec)x & 0x7fffffff);
}

// 1 / (1 + e^-x) with e^-x = (1 + m) 2^n, as 2^-h / (2^-h + 2^(n-h) + m 2^(n-h)) with h = n / 2: neither side
// overflows where the quotient is denormal.
LSTM_INLINE Vec vsigmoid(Vec x) {
  const Reduced e = reduceExp(atLeast(atMost(-x, 104.0f), -104.0f));
  const IntVec half = e.n >> 1;
  const Vec one = exp2Int(-half);
  const Vec scale = exp2Int(e.n - half);
  return one / (e.expm1 * scale + (one + scale));
}

// m / (m + 2) with m = expm1(2 x): no cancellation at small x; beyond +-20 the quotient is +-1. The sign is
// there for -0.
LSTM_INLINE Vec vtanh(Vec x) {
  const Reduced e = reduceExp(atLeast(atMost(x * 2.0f, 40.0f), -40.0f));
  const Vec scale = exp2Int(e.n);
  const Vec m = e.expm1 * scale + (scale - 1.0f);
  const Vec quotient = m / (m + 2.0f);
  return (Vec)((IntVec)quotient | ((IntVec)x & (int32_t)0x80000000));
}

}  // namespace lstm::cpu::LSTM_ARCH
