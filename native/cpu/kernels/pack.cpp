#include "cpu/kernels/table.h"
#include "cpu/kernels/tile.h"

namespace lstm::cpu::LSTM_ARCH {
namespace {

LSTM_INLINE int smaller(int a, int b) {
  return a < b ? a : b;
}

template <int kRows>
void packTile(int k, const float* __restrict a, int64_t lda, float* __restrict out) {
  for (int i = 0; i < k; ++i) {
    for (int r = 0; r < kRows; ++r) out[r] = a[r];
    a += lda;
    out += kRows;
  }
}

void packTile(int rows, int k, const float* a, int64_t lda, float* out) {
  switch (rows) {
    case 4:
      return packTile<4>(k, a, lda, out);
    case 5:
      return packTile<5>(k, a, lda, out);
    case 6:
      return packTile<6>(k, a, lda, out);
    case 7:
      return packTile<7>(k, a, lda, out);
    case 8:
      return packTile<8>(k, a, lda, out);
    default:
      for (int i = 0; i < k; ++i)
        for (int r = 0; r < rows; ++r) out[i * rows + r] = a[i * lda + r];
  }
}

// Swaps the S-th bits of row and lane: after S = 1, 2, .. W/2 the square is transposed.
template <int S>
LSTM_INLINE void swapBit(Vec* v) {
  IntVec low, high;
  for (int j = 0; j < W; ++j) {
    low[j] = j & S ? W + j - S : j;
    high[j] = j & S ? W + j : j + S;
  }
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) {
    if (i & S) continue;
    const Vec first = v[i];
    v[i] = __builtin_shuffle(first, v[i + S], low);
    v[i + S] = __builtin_shuffle(first, v[i + S], high);
  }
}

LSTM_INLINE void transpose(Vec* v) {
  swapBit<1>(v);
  swapBit<2>(v);
#if LSTM_VECTOR_WIDTH >= 8
  swapBit<4>(v);
#endif
#if LSTM_VECTOR_WIDTH == 16
  swapBit<8>(v);
#endif
}

// to[i][r] = b[r][i] for W values of r, those beyond `rows` zero, and `depth` values of i.
LSTM_INLINE void packSquare(const float* b, int64_t ldb, int rows, int depth, float* to, int64_t ldTo) {
  Vec v[W];
  if (rows == W && depth == W) {
#pragma GCC unroll 16
    for (int r = 0; r < W; ++r) v[r] = load(b + r * ldb);
    transpose(v);
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) store(to + i * ldTo, v[i]);
    return;
  }
  for (int i = 0; i < depth; ++i) {
    for (int r = 0; r < rows; ++r) to[i * ldTo + r] = b[r * ldb + i];
    for (int r = rows; r < W; ++r) to[i * ldTo + r] = 0;
  }
}

}  // namespace

void packA(int64_t m, int k, const float* a, int64_t lda, float* out) {
  if (m == 0) return;
  const Tiles tiles = tilesOf(m);
  // A few rows of the source at a time, so that each of their cache lines is read once.
  constexpr int kStrip = 16;
  for (int k0 = 0; k0 < k; k0 += kStrip) {
    const int strip = smaller(kStrip, k - k0);
    const float* from = a + k0 * lda;
    float* to = out;
    for (int64_t t = 0; t < tiles.count; ++t) {
      const int rows = tiles.height + (t < tiles.taller);
      packTile(rows, strip, from, lda, to + static_cast<int64_t>(k0) * rows);
      from += rows;
      to += static_cast<int64_t>(rows) * k;
    }
  }
}

void packBRows(int64_t k, int n, const float* b, int64_t ldb, int vectors, int64_t kBegin, int64_t kEnd,
               float* out) {
  const int panelColumns = vectors * W;
  for (int column = 0; column < n; column += panelColumns) {
    const int columns = smaller(panelColumns, n - column);
    const int padded = (columns + W - 1) / W * W;
    float* to = out + column * k + kBegin * padded;
    for (int64_t row = kBegin; row < kEnd; ++row, to += padded) {
      const float* from = b + row * ldb + column;
      for (int c = 0; c < columns; c += W) store(to + c, loadUpTo(from + c, columns - c));
    }
  }
}

void packBTransposed(int64_t k, int n, const float* b, int64_t ldb, int vectors, int panelBegin, int panelEnd,
                     float* out) {
  const int panelColumns = vectors * W;
  for (int panel = panelBegin; panel < panelEnd; ++panel) {
    const int column = panel * panelColumns;
    const int columns = smaller(panelColumns, n - column);
    const int padded = (columns + W - 1) / W * W;
    float* to = out + column * k;
    // A cache line of the source holds 16 values of k: all of them are used while it is in L1.
    for (int64_t k0 = 0; k0 < k; k0 += 16) {
      const int depth = k - k0 < 16 ? static_cast<int>(k - k0) : 16;
      for (int c = 0; c < columns; c += W)
        for (int i = 0; i < depth; i += W)
          packSquare(b + (column + c) * ldb + k0 + i, ldb, smaller(W, columns - c), smaller(W, depth - i),
                     to + (k0 + i) * padded + c, padded);
    }
  }
}

}  // namespace lstm::cpu::LSTM_ARCH
