#include "cpu/gemm.h"

#include <algorithm>

namespace lstm::cpu {
namespace {

// Rows of A between two walks over all panels, and columns with which they stay in L2: of longer rows some columns at a
// time pass under all panels, and C is read and written for each.
constexpr int64_t kBlockRows = 192;
constexpr int64_t kBlockColumns = 1024;

// Depth of a packed A^T: with kBlockRows rows it stays in L2 while all panels pass. Every such piece reads and writes
// all of C, so deep ones spare memory.
constexpr int64_t kTransposedDepth = 352;

// Floats of B that stay in the second-level cache beside everything else.
constexpr int64_t kNear = 192 * 1024;

// The size of pieces of nearly equal size, `most` at most, so that no short one is left.
int64_t pieceOf(int64_t size, int64_t most) {
  const int64_t pieces = std::max<int64_t>(1, (size + most - 1) / most);
  return (size + pieces - 1) / pieces;
}

int64_t depthOf(const Kernels& kernels, int64_t k) {
  return pieceOf(k, kernels.blockK);
}

PanelProduct panelProduct(const PackedB& b, int panel, int64_t k0, int64_t depth) {
  PanelProduct p{};
  p.k = static_cast<int>(depth);
  p.panel = b.at(panel, k0);
  p.vectors = b.vectorsOf(panel);
  p.columns = b.columnsOf(panel);
  return p;
}

// A piece of B that comes from far away is asked for while the one before it is multiplied. One thread gains 3 to 12 %;
// of two, which read at the same time, each loses 7 % (measured).
bool fetchesAhead(const Team& team, const PackedB& b) {
  return b.far && team.count() == 1;
}

bool hasRowsForAll(const Team& team, const Kernels& kernels, int64_t m) {
  return (m + kernels.tileRows - 1) / kernels.tileRows >= 4 * team.count();
}

// Rows alone where there are enough of them, else panels alone.
struct Parts {
  Range rows;
  Range panels;
};

Parts partsOf(const Team& team, const Kernels& kernels, int64_t m, const PackedB& b) {
  const int64_t tiles = (m + kernels.tileRows - 1) / kernels.tileRows;
  if (hasRowsForAll(team, kernels, m) || tiles >= b.panels())
    return {team.share(m, kernels.tileRows), {0, b.panels()}};
  return {{0, m}, team.share(b.panels())};
}

// Rows of a product with A^T, and a part of k: packed in pieces of depthOf(depth), one after the other.
struct TransposedPiece {
  int64_t row;
  int64_t rows;
  int64_t k0;
  int64_t depth;
  float* packed;
};

void packPiece(const Kernels& kernels, const TransposedPiece& piece, const float* a, int64_t lda) {
  const int64_t step = depthOf(kernels, piece.depth);
  for (int64_t at = 0; at < piece.depth; at += step)
    kernels.packA(piece.rows, static_cast<int>(std::min(step, piece.depth - at)),
                  a + (piece.k0 + at) * lda + piece.row, lda, piece.packed + at * piece.rows);
}

void multiplyPiece(const Team& team, const Kernels& kernels, const TransposedPiece& piece,
                   const TransposedProduct& product, Range panels) {
  const int64_t step = depthOf(kernels, piece.depth);
  for (int64_t panel = panels.begin; panel < panels.end; ++panel)
    for (int64_t at = 0; at < piece.depth; at += step) {
      PanelProduct p =
          panelProduct(product.b, static_cast<int>(panel), piece.k0 + at, std::min(step, piece.depth - at));
      p.m = piece.rows;
      p.a = piece.packed + at * piece.rows;
      p.c = product.c + piece.row * product.ldc + panel * product.b.panelColumns();
      p.ldc = product.ldc;
      p.start = Start::kAccumulate;
      if (fetchesAhead(team, product.b) && panel + 1 < panels.end)
        p.next = product.b.at(static_cast<int>(panel) + 1, piece.k0 + at);
      kernels.productPackedA(p);
    }
}

// C of one panel from the columns k0 to before k1 of A.
void multiplyDepth(const Team& team, const Kernels& kernels, int64_t m, const float* a, int64_t lda,
                   const PackedB& b, int panel, int64_t k0, int64_t k1, float* c, int64_t ldc, Start start,
                   const float* bias) {
  const int64_t step = depthOf(kernels, b.k);
  for (; k0 < k1; k0 += step) {
    PanelProduct p = panelProduct(b, panel, k0, std::min(step, k1 - k0));
    p.m = m;
    p.a = a + k0;
    p.lda = lda;
    p.c = c;
    p.ldc = ldc;
    p.start = k0 == 0 ? start : Start::kAccumulate;
    p.bias = bias;
    if (fetchesAhead(team, b)) p.next = p.panel + int64_t{p.k} * p.vectors * kernels.width;
    kernels.productRows(p);
  }
}

}  // namespace

int choosePanelVectors(const Kernels& kernels, int n, int threads) {
  const int vectors = (n + kernels.width - 1) / kernels.width;
  int best = 1;
  double bestCost = 0;
  for (int width = kernels.panelVectors; width >= 1; --width) {
    const int panels = (vectors + width - 1) / width;
    const int busiest = std::min(vectors, (panels + threads - 1) / threads * width);
    // A panel of v vectors loads v + 1 operands for v multiply-adds a row.
    const double cost = busiest * (1.0 + 0.5 / width);
    if (width == kernels.panelVectors || cost < bestCost) {
      best = width;
      bestCost = cost;
    }
  }
  return best;
}

int PackedB::columnsOf(int panel) const {
  return std::min(panelColumns(), n - panel * panelColumns());
}

bool isFar(int64_t floats) {
  return floats > kNear;
}

PackedB packedView(const Kernels& kernels, float* data, int64_t k, int n, int vectors) {
  return {data, k, n, vectors, kernels.width, isFar(k * n)};
}

int64_t packedFloats(const Kernels& kernels, int64_t k, int n) {
  return (n + kernels.width - 1) / kernels.width * kernels.width * k;
}

void packRows(const Team& team, const Kernels& kernels, const PackedB& to, const float* b, int64_t ldb) {
  const Range rows = team.share(to.k, 8);
  kernels.packBRows(to.k, to.n, b, ldb, to.vectors, rows.begin, rows.end, to.data);
}

void packTransposed(const Team& team, const Kernels& kernels, const PackedB& to, const float* b,
                    int64_t ldb) {
  const Range panels = team.share(to.panels());
  kernels.packBTransposed(to.k, to.n, b, ldb, to.vectors, static_cast<int>(panels.begin),
                          static_cast<int>(panels.end), to.data);
}

void multiplyPanel(const Team& team, const Kernels& kernels, int64_t m, const float* a, int64_t lda,
                   const PackedB& b, int panel, float* c, int64_t ldc, Start start, const float* bias) {
  multiplyDepth(team, kernels, m, a, lda, b, panel, 0, b.k, c, ldc, start, bias);
}

void multiply(const Team& team, const Kernels& kernels, int64_t m, const float* a, int64_t lda,
              const PackedB& b, float* c, int64_t ldc, Start start, const float* bias) {
  const Parts parts = partsOf(team, kernels, m, b);
  const int64_t deep = b.k > kBlockColumns ? depthOf(kernels, b.k) : b.k;
  for (int64_t row = parts.rows.begin; row < parts.rows.end; row += kBlockRows) {
    const int64_t rows = std::min(kBlockRows, parts.rows.end - row);
    for (int64_t k0 = 0; k0 < b.k; k0 += deep)
      for (int64_t panel = parts.panels.begin; panel < parts.panels.end; ++panel) {
        const int64_t column = panel * b.panelColumns();
        multiplyDepth(team, kernels, rows, a + row * lda, lda, b, static_cast<int>(panel), k0,
                      std::min(k0 + deep, b.k), c + row * ldc + column, ldc, start,
                      bias ? bias + column : nullptr);
      }
  }
}

int64_t transposedScratchFloats(const Kernels&) {
  return kBlockRows * kTransposedDepth;
}

void multiplyTransposed(const Team& team, const Kernels& kernels, int64_t m, const float* a, int64_t lda,
                        std::span<const TransposedProduct> products, float* scratch) {
  const int64_t k = products[0].b.k;
  const bool byRows = hasRowsForAll(team, kernels, m);
  const Range mine = byRows ? team.share(m, kernels.tileRows) : Range{0, m};
  const int64_t block = pieceOf(mine.size(), kBlockRows);
  const int64_t deep = pieceOf(k, kTransposedDepth);
  for (int64_t row = mine.begin; row < mine.end; row += block) {
    const int64_t rows = std::min(block, mine.end - row);
    for (int64_t k0 = 0; k0 < k; k0 += deep) {
      const TransposedPiece piece = {row, rows, k0, std::min(deep, k - k0), scratch};
      packPiece(kernels, piece, a, lda);
      for (const TransposedProduct& product : products) {
        const int64_t all = product.b.panels();
        multiplyPiece(team, kernels, piece, product, byRows ? Range{0, all} : team.share(all));
      }
    }
  }
}

}  // namespace lstm::cpu
