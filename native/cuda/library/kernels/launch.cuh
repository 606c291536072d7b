#pragma once

#include <stdint.h>

#include "cuda/library/check.h"
#include "cuda/library/kernels.h"

namespace lstm::gpu {

constexpr int kThreads = 256;

inline int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}
inline int64_t greatest(int64_t a, int64_t b) {
  return a > b ? a : b;
}

// Blocks of a loop over `count` that every thread walks in strides of the grid: enough to fill the card, no more.
inline unsigned gridFor(const Launch& launch, int64_t count, int threads = kThreads) {
  const int64_t blocks = (count + threads - 1) / threads;
  const int64_t most = static_cast<int64_t>(launch.multiprocessors) * (2048 / threads) * 4;
  return static_cast<unsigned>(greatest(1, least(blocks, most)));
}

inline void checkLaunch(const char* kernel) {
  check(cudaGetLastError(), kernel);
}

inline bool isAligned(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % sizeof(float4) == 0;
}

__device__ inline int64_t globalThread() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t gridThreads() {
  return static_cast<int64_t>(gridDim.x) * blockDim.x;
}

}  // namespace lstm::gpu
