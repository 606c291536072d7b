#include "cpu/kernels/cell.h"
#include "cpu/kernels/table.h"

namespace lstm::cpu::LSTM_ARCH {

// Each stage is one chain of dependent operations: several rows of one are taken before the other, so that the
// chains of neighbouring vectors overlap.
constexpr int kStageRows = 8;

// i, f, o = sigmoid, g = tanh;  c_t = f c_{t-1} + i g, clamped where there is a clip
template <bool kClip>
LSTM_INLINE void cellUnits(const CellForward& p, int n, int u, int lanes) {
  float* gate = p.gates + n * p.gateStride;
  const int64_t at = n * p.hidden;
  const Vec i = vsigmoid(loadUpTo(gate + u, lanes));
  const Vec f = vsigmoid(loadUpTo(gate + p.hidden + u, lanes));
  const Vec g = vtanh(loadUpTo(gate + 2 * p.hidden + u, lanes));
  const Vec o = vsigmoid(loadUpTo(gate + 3 * p.hidden + u, lanes));
  const Vec before = loadUpTo(p.c + at + u, lanes);
  Vec c = f * before + i * g;
  if (kClip) c = clamped(c, p.clip);
  storeUpTo(p.c + at + u, c, lanes);
  storeUpTo(gate + 3 * p.hidden + u, o, lanes);
  if (!p.cPrev) return;
  storeUpTo(gate + u, i, lanes);
  storeUpTo(gate + p.hidden + u, f, lanes);
  storeUpTo(gate + 2 * p.hidden + u, g, lanes);
  storeUpTo(p.cPrev + at + u, before, lanes);
}

// h_t = o tanh(c_t)
LSTM_INLINE void outputUnits(const CellForward& p, int n, int u, int lanes) {
  const int64_t at = n * p.hidden;
  const Vec t = vtanh(loadUpTo(p.c + at + u, lanes));
  const Vec h = loadUpTo(p.gates + n * p.gateStride + 3 * p.hidden + u, lanes) * t;
  storeUpTo(p.y + n * p.yStride + u, h, lanes);
  if (n < p.hNextRows) storeUpTo(p.hNext + at + u, h, lanes);
  if (p.tanhC) storeUpTo(p.tanhC + at + u, t, lanes);
}

// Rows lie pages apart, where the processor fetches nothing ahead by itself: what large layers keep of a step comes from
// memory, `kRowsAhead` rows before it is needed.
constexpr int kRowsAhead = 8;

template <bool kWrites>
LSTM_INLINE void fetchUnits(const float* row, int units) {
  for (int u = 0; u < units; u += 16) __builtin_prefetch(row + u, kWrites);
  __builtin_prefetch(row + units - 1, kWrites);
}

LSTM_INLINE void fetchRow(const CellForward& p, int n) {
  if (n >= p.rows || !p.cPrev) return;
  const int64_t at = n * p.hidden;
  fetchUnits<true>(p.cPrev + at, p.units);
  fetchUnits<true>(p.tanhC + at, p.units);
  fetchUnits<true>(p.y + n * p.yStride, p.units);
  if (n < p.hNextRows) fetchUnits<true>(p.hNext + at, p.units);
}

LSTM_INLINE void fetchRow(const CellBackward& p, int n) {
  if (n >= p.rows) return;
  const int64_t at = n * p.hidden;
  for (int q = 0; q < 4; ++q) fetchUnits<true>(p.gates + n * p.gateStride + q * p.hidden, p.units);
  fetchUnits<false>(p.cPrev + at, p.units);
  fetchUnits<false>(p.tanhC + at, p.units);
}

template <typename Body>
LSTM_INLINE void overUnits(int units, Body body) {
  int u = 0;
  for (; u + W <= units; u += W) body(u, W);
  if (u < units) body(u, units - u);
}

template <bool kClip>
LSTM_INLINE void forwardCell(const CellForward& p) {
  for (int first = 0; first < p.rows; first += kStageRows) {
    const int end = p.rows - first < kStageRows ? p.rows : first + kStageRows;
    for (int n = first; n < end; ++n) {
      fetchRow(p, n + kRowsAhead);
      overUnits(p.units,
                [&](int u, int lanes) __attribute__((always_inline)) { cellUnits<kClip>(p, n, u, lanes); });
    }
    for (int n = first; n < end; ++n)
      overUnits(p.units,
                [&](int u, int lanes) __attribute__((always_inline)) { outputUnits(p, n, u, lanes); });
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
LSTM_INLINE void backwardUnits(const CellBackward& p, int n, int u, int lanes) {
  float* gate = p.gates + n * p.gateStride;
  const int64_t at = n * p.hidden;
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

template <bool kClip>
LSTM_INLINE void backwardCell(const CellBackward& p) {
  for (int n = 0; n < p.rows; ++n) {
    fetchRow(p, n + kRowsAhead);
    overUnits(p.units,
              [&](int u, int lanes) __attribute__((always_inline)) { backwardUnits<kClip>(p, n, u, lanes); });
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
