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

}  // namespace

void packA(int64_t m, int k, const float* a, int64_t lda, float* out) {
  if (m == 0) return;
  const Tiles tiles = tilesOf(m);
  for (int64_t t = 0; t < tiles.count; ++t) {
    const int rows = tiles.height + (t < tiles.taller);
    packTile(rows, k, a, lda, out);
    a += rows;
    out += static_cast<int64_t>(rows) * k;
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
      const int64_t k1 = k0 + 16 < k ? k0 + 16 : k;
      for (int c = 0; c < columns; ++c) {
        const float* from = b + (column + c) * ldb;
        for (int64_t i = k0; i < k1; ++i) to[i * padded + c] = from[i];
      }
      for (int c = columns; c < padded; ++c)
        for (int64_t i = k0; i < k1; ++i) to[i * padded + c] = 0;
    }
  }
}

}  // namespace lstm::cpu::LSTM_ARCH
