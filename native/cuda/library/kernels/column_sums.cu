#include "cuda/library/kernels/launch.cuh"

// sums[c] += sum over rows of x[row, c]: 4 bytes of an element. A block holds 32 columns and walks its rows with 32
// threads a column; the threads are added as a tree, the blocks of one column (slices) in their order.
namespace lstm::gpu {
namespace {

constexpr int kColumns = 32;
constexpr int kLanes = 32;
constexpr int64_t kRowsOfSlice = 512;
constexpr int kMostSlices = 64;

__global__ void columnKernel(int64_t rows, int channels, int64_t sliceRows, const float* __restrict__ x,
                             float* out, bool adds) {
  __shared__ float partial[kLanes][kColumns + 1];
  const int c = blockIdx.x * kColumns + threadIdx.x;
  const int64_t begin = blockIdx.y * sliceRows;
  const int64_t end = begin + sliceRows < rows ? begin + sliceRows : rows;
  float sum = 0;
  if (c < channels) {
#pragma unroll 4
    for (int64_t row = begin + threadIdx.y; row < end; row += kLanes) sum += x[row * channels + c];
  }
  partial[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  for (int half = kLanes / 2; half > 0; half /= 2) {
    if (threadIdx.y < half) partial[threadIdx.y][threadIdx.x] += partial[threadIdx.y + half][threadIdx.x];
    __syncthreads();
  }
  if (threadIdx.y != 0 || c >= channels) return;
  float* to = out + static_cast<int64_t>(blockIdx.y) * channels + c;
  *to = adds ? *to + partial[0][threadIdx.x] : partial[0][threadIdx.x];
}

__global__ void sliceKernel(int slices, int channels, const float* __restrict__ partials, float* sums) {
  const int c = static_cast<int>(globalThread());
  if (c >= channels) return;
  float sum = 0;
  for (int slice = 0; slice < slices; ++slice) sum += partials[static_cast<int64_t>(slice) * channels + c];
  sums[c] += sum;
}

}  // namespace

void columnSums(const Launch& launch, int64_t rows, int channels, const float* x, float* sums,
                float* scratch) {
  require(rows >= 0 && channels >= 1 && (rows == 0 || x) && sums, "columnSums", "expected x and sums");
  if (rows == 0) return;
  const int64_t fitting = least(kMostSlices, kColumnScratchFloats / channels);
  const int64_t wanted = (rows + kRowsOfSlice - 1) / kRowsOfSlice;
  const int slices = static_cast<int>(greatest(1, least(wanted, fitting)));
  const int64_t sliceRows = (rows + slices - 1) / slices;
  const dim3 grid((channels + kColumns - 1) / kColumns, slices);
  const dim3 block(kColumns, kLanes);
  columnKernel<<<grid, block, 0, launch.stream>>>(rows, channels, sliceRows, x, slices == 1 ? sums : scratch,
                                                  slices == 1);
  checkLaunch("columnKernel");
  if (slices == 1) return;
  sliceKernel<<<(channels + kThreads - 1) / kThreads, kThreads, 0, launch.stream>>>(slices, channels, scratch,
                                                                                    sums);
  checkLaunch("sliceKernel");
}

}  // namespace lstm::gpu
