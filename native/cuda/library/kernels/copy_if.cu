#include "cuda/library/kernels/launch.cuh"

// Bytes of an element: 8 where the flag is set, else 0.
namespace lstm::gpu {
namespace {

__global__ void copyIfKernel(int64_t count, float* __restrict__ to, const float* __restrict__ from,
                             const int32_t* __restrict__ flag) {
  if (*flag == 0) return;
  for (int64_t i = globalThread(); i < count; i += gridThreads()) to[i] = from[i];
}

}  // namespace

void copyIf(const Launch& launch, float* to, const float* from, int64_t count, const int32_t* flag) {
  require(count >= 0 && flag && (count == 0 || (to && from)), "copyIf", "expected two arrays and a flag");
  if (count == 0) return;
  copyIfKernel<<<gridFor(launch, count), kThreads, 0, launch.stream>>>(count, to, from, flag);
  checkLaunch("copyIfKernel");
}

}  // namespace lstm::gpu
