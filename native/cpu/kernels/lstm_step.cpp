#include "cpu/kernels/cell.h"
#include "cpu/kernels/int8.h"
#include "cpu/kernels/table.h"

// A time step of a few sequences. The four gates of a block of units stand next to each other in memory, so one walk
// over k fills all four sums, and the cell follows while they are in registers. What limits it is the rate at which
// weights arrive. Each sum is one chain in the order of k, as in gemm.cpp: both ways to a time step give the same bits.
namespace lstm::cpu::LSTM_ARCH {
namespace {

// Weights of one k and one panel: gate q of W units.
struct FloatWeights {
  using Element = float;
  LSTM_INLINE void read(const float* p, Vec* out) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) out[q] = load(p + q * W);
  }
};

// Two bfloat16 share 32 bits, i and f, then g and o; the first is the low half. Widening is exact.
struct BfloatWeights {
  using Element = uint16_t;
  LSTM_INLINE void read(const uint16_t* p, Vec* out) {
#pragma GCC unroll 2
    for (int pair = 0; pair < 2; ++pair) {
      UintVec both;
      __builtin_memcpy(&both, p + pair * 2 * W, sizeof both);
      out[2 * pair] = (Vec)(both << 16);
      out[2 * pair + 1] = (Vec)(both & 0xffff0000u);
    }
  }
};

template <class Weights, int kRows, int kPanels>
LSTM_INLINE void accumulate(const StepProduct& p, const float* x, int panel, Vec (&sum)[kRows][kPanels][4]) {
  using Element = typename Weights::Element;
  const int64_t size = int64_t{4} * W * p.k;
  const Element* weights = static_cast<const Element*>(p.panels) + panel * size;
  for (int64_t k = 0; k < p.k; ++k) {
#pragma GCC unroll 2
    for (int b = 0; b < kPanels; ++b) {
      Vec w[4];
      Weights::read(weights + b * size + k * 4 * W, w);
#pragma GCC unroll 4
      for (int n = 0; n < kRows; ++n) {
        const Vec left = splat(x[n * p.ldx + k]);
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q) sum[n][b][q] += left * w[q];
      }
    }
  }
}

LSTM_INLINE void begin(const LstmStep& s, int n, int panel, Vec* sum) {
  const float* from = s.start ? s.start + n * s.startStride + panel * 4 * W : nullptr;
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) sum[q] = from ? load(from + q * W) : Vec{};
}

LSTM_INLINE void finish(const LstmStep& s, int n, int panel, const Vec* sum) {
  if (s.gates) {
    float* to = s.gates + n * s.gateStride + panel * 4 * W;
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) store(to + q * W, sum[q]);
    return;
  }
  const int unit = panel * W;
  const int lanes = s.hidden - unit;
  float* c = s.c + int64_t{n} * s.hidden + unit;
  Vec cell = loadUpTo(c, lanes);
  const Vec h = s.clip > 0 ? cellOf<true>(sum[0], sum[1], sum[2], sum[3], s.clip, cell)
                           : cellOf<false>(sum[0], sum[1], sum[2], sum[3], 0, cell);
  storeUpTo(c, cell, lanes);
  storeUpTo(s.y + n * s.yStride + unit, h, lanes);
  if (s.h) storeUpTo(s.h + int64_t{n} * s.hidden + unit, h, lanes);
}

template <class Weights, int kRows, int kPanels>
void block(const LstmStep& s, int row, int panel) {
  Vec sum[kRows][kPanels][4];
#pragma GCC unroll 4
  for (int n = 0; n < kRows; ++n)
#pragma GCC unroll 2
    for (int b = 0; b < kPanels; ++b) begin(s, row + n, panel + b, sum[n][b]);
  accumulate<Weights, kRows, kPanels>(s.input, s.input.x + row * s.input.ldx, panel, sum);
  accumulate<Weights, kRows, kPanels>(s.recurrent, s.recurrent.x + row * s.recurrent.ldx, panel, sum);
#pragma GCC unroll 4
  for (int n = 0; n < kRows; ++n)
#pragma GCC unroll 2
    for (int b = 0; b < kPanels; ++b) finish(s, row + n, panel + b, sum[n][b]);
}

template <class Weights>
void rowsOfPanel(const LstmStep& s, int panel) {
  const int groups = (s.rows + 2) / 3;
  for (int row = 0, group = 0; group < groups; ++group) {
    const int rows = (s.rows - row + groups - group - 1) / (groups - group);
    if (rows == 3) {
      block<Weights, 3, 1>(s, row, panel);
    } else if (rows == 2) {
      block<Weights, 2, 1>(s, row, panel);
    } else {
      block<Weights, 1, 1>(s, row, panel);
    }
    row += rows;
  }
}

// Products of 15-bit inputs and 7-bit weights are added in pairs and in int32; after kExact of them the sum could
// overflow, so it goes on in float.
constexpr int kExact = 512;

LSTM_INLINE void accumulateInt8(const StepProduct& p, int row, int panel, Vec* sum) {
  const int64_t depth = (p.k + 1) / 2 * 2;
  const int8_t* weights = static_cast<const int8_t*>(p.panels) + panel * 4 * W * depth;
  const int16_t* x = p.quantized + row * depth;
  Vec whole[4] = {};
  for (int64_t k0 = 0; k0 < depth; k0 += kExact) {
    const int64_t end = depth - k0 < kExact ? depth : k0 + kExact;
    IntVec exact[4] = {};
#pragma GCC unroll 2
    for (int64_t k = k0; k < end; k += 2) {
      int32_t pair;
      __builtin_memcpy(&pair, x + k, sizeof pair);
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) exact[q] = addPairs(exact[q], weights + k * 4 * W + q * 2 * W, pair);
    }
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) whole[q] += toFloat(exact[q]);
  }
  const float* scales = p.scales + panel * 4 * W;
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) sum[q] += whole[q] * (load(scales + q * W) * p.inputScales[row]);
}

void int8Step(const LstmStep& s, int panel) {
  for (int row = 0; row < s.rows; ++row) {
    Vec sum[4];
    begin(s, row, panel, sum);
    if (s.input.k > 0) accumulateInt8(s.input, row, panel, sum);
    if (s.recurrent.k > 0) accumulateInt8(s.recurrent, row, panel, sum);
    finish(s, row, panel, sum);
  }
}

// One row takes two panels at once: four chains of multiply-adds would wait for each other.
template <class Weights>
void allPanels(const LstmStep& s) {
  const int together = s.rows == 1 ? 2 : 1;
  const int count = s.panelEnd - s.panelBegin;
  for (int done = 0; done < count; done += together) {
    const int panels = count - done < together ? 1 : together;
    const int panel = s.descending ? s.panelEnd - done - panels : s.panelBegin + done;
    if (panels == 2) {
      block<Weights, 1, 2>(s, 0, panel);
    } else {
      rowsOfPanel<Weights>(s, panel);
    }
  }
}

}  // namespace

void lstmStep(const LstmStep& s) {
  if (s.form == StepWeights::kFloat32) return allPanels<FloatWeights>(s);
  if (s.form == StepWeights::kBfloat16) return allPanels<BfloatWeights>(s);
  for (int i = s.panelBegin; i < s.panelEnd; ++i)
    int8Step(s, s.descending ? s.panelEnd - 1 - (i - s.panelBegin) : i);
}

// scale = max |x| / 32767. A row with a NaN or an infinity gets the scale NaN.
void quantizeRow(int k, const float* x, int16_t* q, float* scale) {
  Vec maxima = {};
  Vec zeros = {};  // x * 0 is 0 for finite x and NaN otherwise
  for (int i = 0; i < k; i += W) {
    const Vec v = loadUpTo(x + i, k - i);
    const Vec magnitude = absolute(v);
    maxima = select(magnitude > maxima, magnitude, maxima);
    zeros += v * 0.0f;
  }
  float max = 0;
  for (int lane = 0; lane < W; ++lane) max = maxima[lane] > max ? maxima[lane] : max;
  const bool usable = sumLanes(zeros) == 0;
  *scale = usable ? max / 32767.0f : __builtin_nanf("");
  const float factor = usable && max > 0 ? 32767.0f / max : 0;
  for (int i = 0; i < k; ++i) {
    // Adding 1.5 * 2^23 rounds to an integer, held in the low mantissa bits.
    const float shifted = (usable ? x[i] : 0.0f) * factor + 12582912.0f;
    int32_t bits;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    q[i] = static_cast<int16_t>(bits);
  }
  if (k % 2) q[k] = 0;
}

}  // namespace lstm::cpu::LSTM_ARCH
