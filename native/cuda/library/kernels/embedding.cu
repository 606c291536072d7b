#include "cuda/elements/embedding.h"

#include "cuda/library/kernels/launch.cuh"

// Forward: 8 bytes of an element. Backward: 4, and 8 of every table element that a token of the batch names.
namespace lstm::gpu {
namespace {

constexpr int kColumns = 128;

template <typename Unit>
__global__ void gatherKernel(int64_t rows, int units, const int32_t* __restrict__ tokens,
                             const Unit* __restrict__ table, Unit* __restrict__ y) {
  for (int64_t i = globalThread(); i < rows * units; i += gridThreads()) {
    const int64_t row = i / units;
    const int unit = static_cast<int>(i - row * units);
    y[i] = table[static_cast<int64_t>(tokens[row]) * units + unit];
  }
}

// A block for each place in the order; those that do not begin a token's run have nothing to do. The block finds the
// run's end together, then every thread adds its column's rows one by one.
__global__ void scatterKernel(int64_t rows, int size, const int32_t* __restrict__ tokens,
                              const int32_t* __restrict__ order, const float* __restrict__ dy, float* table) {
  const int64_t begin = blockIdx.x;
  if (!elements::beginsRun(tokens, order, begin)) return;
  const int32_t token = tokens[order[begin]];
  int64_t end = begin + 1;
  for (;;) {
    const int64_t at = end + threadIdx.x;
    const bool isOfRun = at < rows && tokens[order[at]] == token;
    const int more = __syncthreads_count(isOfRun);  // sorted: those of the run come first
    end += more;
    if (more < kColumns) break;
  }
  const int c = blockIdx.y * kColumns + threadIdx.x;
  if (c >= size) return;
  float* to = table + static_cast<int64_t>(token) * size + c;
  *to = elements::addRun(*to, size, order, begin, end, c, dy);
}

}  // namespace

void embeddingForward(const Launch& launch, int64_t rows, int size, const int32_t* tokens, const float* table,
                      float* y) {
  require(rows >= 0 && size >= 1 && (rows == 0 || (tokens && table && y)), "embeddingForward",
          "expected tokens, table and y");
  if (rows == 0) return;
  if (size % 4 == 0 && isAligned(table) && isAligned(y)) {
    gatherKernel<<<gridFor(launch, rows * (size / 4)), kThreads, 0, launch.stream>>>(
        rows, size / 4, tokens, reinterpret_cast<const float4*>(table), reinterpret_cast<float4*>(y));
  } else {
    gatherKernel<<<gridFor(launch, rows * size), kThreads, 0, launch.stream>>>(rows, size, tokens, table, y);
  }
  checkLaunch("gatherKernel");
}

void embeddingBackward(const Launch& launch, int64_t rows, int size, const int32_t* tokens,
                       const int32_t* order, const float* dy, float* dTable) {
  require(rows >= 0 && rows <= INT32_MAX && size >= 1 && (rows == 0 || (tokens && order && dy && dTable)),
          "embeddingBackward", "expected tokens, their order, dy and the table's gradient");
  if (rows == 0) return;
  const dim3 grid(static_cast<unsigned>(rows), (size + kColumns - 1) / kColumns);
  scatterKernel<<<grid, kColumns, 0, launch.stream>>>(rows, size, tokens, order, dy, dTable);
  checkLaunch("scatterKernel");
}

}  // namespace lstm::gpu
