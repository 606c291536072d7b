#include "cpu/kernels/table.h"
#include "cpu/kernels/tile.h"

namespace lstm::cpu::LSTM_ARCH {
namespace {

// Steps of k between two requests for what the next product reads.
constexpr int64_t kFetchSteps = 32;

// What is asked for on the way, a few cache lines at a time: the inner loop has room beside it, not in it.
struct Fetch {
  const float* next;
  int lines;  // every kFetchSteps
};

// Each element of C is one chain of multiply-adds in the order of k, whatever tile it falls into: results do
// not depend on how rows and panels were dealt to threads.
template <int kRows, int kVectors, bool kPacked, bool kFetches>
void tile(const PanelProduct& p, const float* __restrict a, float* c, Fetch fetch) {
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
  for (int64_t k = 0; k < depth;) {
    int64_t end = depth;
    if (kFetches) {
      end = depth - k < kFetchSteps ? depth : k + kFetchSteps;
      for (int line = 0; line < fetch.lines; ++line) __builtin_prefetch(fetch.next + line * kLine);
      fetch.next += fetch.lines * kLine;
    }
#pragma GCC unroll 2
    for (; k < end; ++k) {
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
  }

#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
    float* to = c + i * p.ldc;
#pragma GCC unroll 8
    for (int j = 0; j < kVectors - 1; ++j) store(to + j * W, sum[i][j]);
    storeUpTo(to + (kVectors - 1) * W, sum[i][kVectors - 1], last);
  }
}

using TileFunction = void (*)(const PanelProduct&, const float* __restrict, float*, Fetch);

template <int kVectors, bool kPacked, bool kFetches>
TileFunction tileOfHeight(int rows) {
  switch (rows) {
    case 1:
      return tile<1, kVectors, kPacked, kFetches>;
    case 2:
      return tile<2, kVectors, kPacked, kFetches>;
    case 3:
      return tile<3, kVectors, kPacked, kFetches>;
    case 4:
      return tile<4, kVectors, kPacked, kFetches>;
#if LSTM_VECTOR_WIDTH > 4 || defined(__aarch64__)
    case 5:
      return tile<5, kVectors, kPacked, kFetches>;
    case 6:
      return tile<6, kVectors, kPacked, kFetches>;
#endif
#if LSTM_VECTOR_WIDTH > 8 || defined(__aarch64__)
    case 7:
      return tile<7, kVectors, kPacked, kFetches>;
    case 8:
      return tile<8, kVectors, kPacked, kFetches>;
#endif
    default:
      return nullptr;
  }
}

template <bool kPacked, bool kFetches>
TileFunction tileOf(int rows, int vectors) {
  if (vectors == 1) return tileOfHeight<1, kPacked, kFetches>(rows);
  if (vectors == 2) return tileOfHeight<2, kPacked, kFetches>(rows);
  return tileOfHeight<kPanelVectors, kPacked, kFetches>(rows);
}

// The next product's piece of B is as large as this one's; every tile asks for a part of it.
Fetch fetchOf(const PanelProduct& p, int64_t tiles) {
  const int64_t lines = (int64_t{p.k} * p.vectors * W + kLine - 1) / kLine;
  const int64_t requests = tiles * ((p.k + kFetchSteps - 1) / kFetchSteps);
  return {p.next, static_cast<int>((lines + requests - 1) / requests)};
}

template <bool kPacked, bool kFetches>
void productOf(const PanelProduct& p) {
  const Tiles tiles = tilesOf(p.m);
  const float* a = p.a;
  float* c = p.c;
  Fetch fetch = kFetches ? fetchOf(p, tiles.count) : Fetch{nullptr, 0};
  const int64_t fetched = (p.k + kFetchSteps - 1) / kFetchSteps * fetch.lines * kLine;  // by a tile
  int height = 0;
  TileFunction run = nullptr;
  for (int64_t t = 0; t < tiles.count; ++t) {
    const int rows = tiles.height + (t < tiles.taller);
    if (rows != height) run = tileOf<kPacked, kFetches>(height = rows, p.vectors);
    const int64_t below = rows * p.ldc;
    // The next tile's part of C comes from far away as a rule.
    if (t + 1 < tiles.count)
      for (int64_t i = 0; i < tiles.height; ++i) __builtin_prefetch(c + below + i * p.ldc, 1);
    run(p, a, c, fetch);
    if (kFetches) fetch.next += fetched;
    a += rows * (kPacked ? p.k : p.lda);
    c += below;
  }
}

template <bool kPacked>
void product(const PanelProduct& p) {
  if (p.m == 0) return;
  if (p.next) {
    productOf<kPacked, true>(p);
  } else {
    productOf<kPacked, false>(p);
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
