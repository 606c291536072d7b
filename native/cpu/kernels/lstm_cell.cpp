#include "cpu/kernels/math.h"
#include "cpu/kernels/table.h"

namespace lstm::cpu::LSTM_ARCH {

// NaN stays NaN.
LSTM_INLINE Vec clamped(Vec c, float clip) {
  c = select(c > clip, splat(clip), c);
  return select(c < -clip, splat(-clip), c);
}

// i, f, o = sigmoid, g = tanh;  c_t = f c_{t-1} + i g, clamped where there is a clip;  h_t = o tanh(c_t)
template <bool kClip>
LSTM_INLINE void forwardCell(const CellForward& p) {
  for (int n = 0; n < p.rows; ++n) {
    float* gate = p.gates + n * p.gateStride;
    const int64_t at = n * p.hidden;
    for (int u = 0; u < p.units; u += W) {
      const int lanes = p.units - u;
      const Vec i = vsigmoid(loadUpTo(gate + u, lanes));
      const Vec f = vsigmoid(loadUpTo(gate + p.hidden + u, lanes));
      const Vec g = vtanh(loadUpTo(gate + 2 * p.hidden + u, lanes));
      const Vec o = vsigmoid(loadUpTo(gate + 3 * p.hidden + u, lanes));
      const Vec before = loadUpTo(p.c + at + u, lanes);
      Vec c = f * before + i * g;
      if (kClip) c = clamped(c, p.clip);
      const Vec t = vtanh(c);
      const Vec h = o * t;
      storeUpTo(p.c + at + u, c, lanes);
      storeUpTo(p.y + n * p.yStride + u, h, lanes);
      if (n < p.hNextRows) storeUpTo(p.hNext + at + u, h, lanes);
      if (p.cPrev) {
        storeUpTo(gate + u, i, lanes);
        storeUpTo(gate + p.hidden + u, f, lanes);
        storeUpTo(gate + 2 * p.hidden + u, g, lanes);
        storeUpTo(gate + 3 * p.hidden + u, o, lanes);
        storeUpTo(p.cPrev + at + u, before, lanes);
        storeUpTo(p.tanhC + at + u, t, lanes);
      }
    }
  }
}

void cellForward(const CellForward& p) {
  if (p.clip > 0) {
    forwardCell<true>(p);
  } else {
    forwardCell<false>(p);
  }
}

// dc += dh o (1 - tanh(c)^2), 0 where c was clamped;  d of the pre-activations by sigmoid' = s (1 - s),
// tanh' = 1 - t^2
template <bool kClip>
LSTM_INLINE void backwardCell(const CellBackward& p) {
  for (int n = 0; n < p.rows; ++n) {
    float* gate = p.gates + n * p.gateStride;
    const int64_t at = n * p.hidden;
    for (int u = 0; u < p.units; u += W) {
      const int lanes = p.units - u;
      const Vec i = loadUpTo(gate + u, lanes);
      const Vec f = loadUpTo(gate + p.hidden + u, lanes);
      const Vec g = loadUpTo(gate + 2 * p.hidden + u, lanes);
      const Vec o = loadUpTo(gate + 3 * p.hidden + u, lanes);
      const Vec t = loadUpTo(p.tanhC + at + u, lanes);
      const Vec before = loadUpTo(p.cPrev + at + u, lanes);
      Vec dh = loadUpTo(p.dh + at + u, lanes);
      if (p.dy) dh = dh + loadUpTo(p.dy + n * p.dyStride + u, lanes);
      Vec dc = loadUpTo(p.dc + at + u, lanes) + dh * o * (1.0f - t * t);
      if (kClip) dc = select(absolute(f * before + i * g) > p.clip, splat(0.0f), dc);
      storeUpTo(gate + u, dc * g * (i * (1.0f - i)), lanes);
      storeUpTo(gate + p.hidden + u, dc * before * (f * (1.0f - f)), lanes);
      storeUpTo(gate + 2 * p.hidden + u, dc * i * (1.0f - g * g), lanes);
      storeUpTo(gate + 3 * p.hidden + u, dh * t * (o * (1.0f - o)), lanes);
      storeUpTo(p.dc + at + u, dc * f, lanes);
    }
  }
}

void cellBackward(const CellBackward& p) {
  if (p.clip > 0) {
    backwardCell<true>(p);
  } else {
    backwardCell<false>(p);
  }
}

}  // namespace lstm::cpu::LSTM_ARCH
