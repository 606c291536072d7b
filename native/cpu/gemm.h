#pragma once

#include <span>

#include "cpu/aligned_buffer.h"
#include "cpu/kernels.h"
#include "cpu/thread_pool.h"

// Products over packed panels, dealt to the threads of a region by parts of the result: every element is
// summed by one thread in the order of k, so bits do not depend on the number of threads. None of these waits
// at a barrier.
namespace lstm::cpu {

// Panel width in vectors at which `threads` threads share n columns best.
int choosePanelVectors(const Kernels& kernels, int n, int threads);

// A view of B [k, n] in panels: [panel][k][panel columns], each panel's columns padded with zeros to whole
// vectors.
struct PackedB {
  float* data = nullptr;
  int64_t k = 0;
  int n = 0;
  int vectors = 0;
  int width = 0;     // of a vector
  bool far = false;  // it does not stay in the second-level cache between two uses: see gemm.cpp

  int panelColumns() const { return vectors * width; }
  int panels() const { return (n + panelColumns() - 1) / panelColumns(); }
  int columnsOf(int panel) const;
  int vectorsOf(int panel) const { return (columnsOf(panel) + width - 1) / width; }
  const float* at(int panel, int64_t row) const {
    return data + static_cast<int64_t>(panel) * panelColumns() * k + row * vectorsOf(panel) * width;
  }
};

// Whether so many floats do not stay in the second-level cache between two uses.
bool isFar(int64_t floats);
PackedB packedView(const Kernels& kernels, float* data, int64_t k, int n, int vectors);
int64_t packedFloats(const Kernels& kernels, int64_t k, int n);

// This thread's part of a packing; wait() before the result is read.
void packRows(const Team& team, const Kernels& kernels, const PackedB& to, const float* b, int64_t ldb);
void packTransposed(const Team& team, const Kernels& kernels, const PackedB& to, const float* b, int64_t ldb);

// C of one panel: C[m, columns of panel] = start + A[m, k] · panel. c and bias point at the panel's first
// column.
void multiplyPanel(const Team& team, const Kernels& kernels, int64_t m, const float* a, int64_t lda,
                   const PackedB& b, int panel, float* c, int64_t ldc, Start start, const float* bias);

// This thread's part of C[m, n] = start + A[m, k] · B
void multiply(const Team& team, const Kernels& kernels, int64_t m, const float* a, int64_t lda,
              const PackedB& b, float* c, int64_t ldc, Start start, const float* bias);

// C[m, n] += A^T · B
struct TransposedProduct {
  PackedB b;
  float* c;
  int64_t ldc;
};

// This thread's part of products with the same A [k, m], row-major, which is packed once for all of them; scratch
// of transposedScratchFloats() is its own.
void multiplyTransposed(const Team& team, const Kernels& kernels, int64_t m, const float* a, int64_t lda,
                        std::span<const TransposedProduct> products, float* scratch);
int64_t transposedScratchFloats(const Kernels& kernels);

}  // namespace lstm::cpu
