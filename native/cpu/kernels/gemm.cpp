#include "cpu/kernels/table.h"
#include "cpu/kernels/tile.h"

namespace lstm::cpu::LSTM_ARCH {
namespace {

// Each element of C is one chain of multiply-adds in the order of k, whatever tile it falls into: results do
// not depend on how rows and panels were dealt to threads.
template <int kRows, int kVectors, bool kPacked>
void tile(const PanelProduct& p, const float* __restrict a, float* c) {
  Vec sum[kRows][kVectors];
  const int last = p.columns - (kVectors - 1) * W;
  if (p.start == Start::kZero) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) sum[i][j] = Vec{};
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const float* from = p.start == Start::kBias ? p.bias : c + i * p.ldc;
#pragma GCC unroll 8
      for (int j = 0; j < kVectors - 1; ++j) sum[i][j] = load(from + j * W);
      sum[i][kVectors - 1] = loadUpTo(from + (kVectors - 1) * W, last);
    }
  }

  const float* __restrict b = p.panel;
  const float* row[kRows];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) row[i] = a + (kPacked ? 0 : i * p.lda);
  const int64_t depth = p.k;
#pragma GCC unroll 2
  for (int64_t k = 0; k < depth; ++k) {
    Vec right[kVectors];
#pragma GCC unroll 8
    for (int j = 0; j < kVectors; ++j) right[j] = load(b + j * W);
    b += kVectors * W;
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const Vec left = splat(kPacked ? a[i] : row[i][k]);
#pragma GCC unroll 8
      for (int j = 0; j < kVectors; ++j) sum[i][j] += left * right[j];
    }
    if (kPacked) a += kRows;
  }

#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
    float* to = c + i * p.ldc;
#pragma GCC unroll 8
    for (int j = 0; j < kVectors - 1; ++j) store(to + j * W, sum[i][j]);
    storeUpTo(to + (kVectors - 1) * W, sum[i][kVectors - 1], last);
  }
}

using TileFunction = void (*)(const PanelProduct&, const float* __restrict, float*);

template <int kVectors, bool kPacked>
TileFunction tileOfHeight(int rows) {
  switch (rows) {
    case 1:
      return tile<1, kVectors, kPacked>;
    case 2:
      return tile<2, kVectors, kPacked>;
    case 3:
      return tile<3, kVectors, kPacked>;
    case 4:
      return tile<4, kVectors, kPacked>;
#if LSTM_VECTOR_WIDTH > 4 || defined(__aarch64__)
    case 5:
      return tile<5, kVectors, kPacked>;
    case 6:
      return tile<6, kVectors, kPacked>;
#endif
#if LSTM_VECTOR_WIDTH > 8 || defined(__aarch64__)
    case 7:
      return tile<7, kVectors, kPacked>;
    case 8:
      return tile<8, kVectors, kPacked>;
#endif
    default:
      return nullptr;
  }
}

template <bool kPacked>
TileFunction tileOf(int rows, int vectors) {
  if (vectors == 1) return tileOfHeight<1, kPacked>(rows);
  if (vectors == 2) return tileOfHeight<2, kPacked>(rows);
  return tileOfHeight<kPanelVectors, kPacked>(rows);
}

template <bool kPacked>
void product(const PanelProduct& p) {
  if (p.m == 0) return;
  const Tiles tiles = tilesOf(p.m);
  const float* a = p.a;
  float* c = p.c;
  int height = 0;
  TileFunction run = nullptr;
  for (int64_t t = 0; t < tiles.count; ++t) {
    const int rows = tiles.height + (t < tiles.taller);
    if (rows != height) run = tileOf<kPacked>(height = rows, p.vectors);
    const int64_t below = rows * p.ldc;
    // The next tile's part of C comes from far away as a rule.
    if (t + 1 < tiles.count)
      for (int64_t i = 0; i < tiles.height; ++i) __builtin_prefetch(c + below + i * p.ldc, 1);
    run(p, a, c);
    a += rows * (kPacked ? p.k : p.lda);
    c += below;
  }
}

}  // namespace

void productRows(const PanelProduct& p) {
  product<false>(p);
}
void productPackedA(const PanelProduct& p) {
  product<true>(p);
}

}  // namespace lstm::cpu::LSTM_ARCH
