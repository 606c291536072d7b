#pragma once

#include "cpu/kernels/vec.h"

// The register tile: kTileRows rows of A times kPanelVectors vectors of a panel. On x86 the accumulators, a
// row of the panel and a broadcast fill the register file: 16 registers hold 6x2 + 2 + 1, 32 hold 8x3 + 3 +
// 1.
namespace lstm::cpu::LSTM_ARCH {

#if LSTM_VECTOR_WIDTH == 16
constexpr int kTileRows = 8;
constexpr int kPanelVectors = 3;
constexpr int kBlockK = 128;
#elif LSTM_VECTOR_WIDTH == 8
constexpr int kTileRows = 6;
constexpr int kPanelVectors = 2;
constexpr int kBlockK = 256;
#elif defined(__aarch64__)
constexpr int kTileRows = 8;
constexpr int kPanelVectors = 3;
constexpr int kBlockK = 256;
#else
constexpr int kTileRows = 4;
constexpr int kPanelVectors = 2;
constexpr int kBlockK = 256;
#endif

constexpr int kLine = 16;  // floats of a cache line

// m rows are cut into as few tiles as possible, of heights that differ by at most one: 20 rows by 6 are 5 5 5
// 5.
struct Tiles {
  int64_t count;
  int height;      // of the later tiles
  int64_t taller;  // so many first tiles are one row higher
};

LSTM_INLINE Tiles tilesOf(int64_t m) {
  const int64_t count = (m + kTileRows - 1) / kTileRows;
  const int64_t height = m / count;
  return {count, static_cast<int>(height), m - height * count};
}

}  // namespace lstm::cpu::LSTM_ARCH
