#include "cuda/elements/pool.h"

#include "cuda/library/kernels/launch.cuh"

// A thread for each sequence and channel; neighbours in the channel read neighbouring floats.
namespace lstm::gpu {
namespace {

__global__ void poolKernel(RuntimePool pool, const float* __restrict__ x, float* __restrict__ y,
                           int32_t* argmax) {
  const int64_t count = static_cast<int64_t>(pool.batchSize) * pool.channels;
  for (int64_t i = globalThread(); i < count; i += gridThreads()) {
    const int n = static_cast<int>(i / pool.channels);
    const int c = static_cast<int>(i - static_cast<int64_t>(n) * pool.channels);
    int32_t best = 0;
    y[i] = elements::poolElement(pool.mode, n, c, pool.dLengths[n], pool.dRowOffset, pool.channels, x, &best);
    if (pool.mode == elements::kPoolMax) argmax[i] = best;
  }
}

__global__ void poolGradientKernel(RuntimePool pool, const float* __restrict__ dy, const int32_t* argmax,
                                   float* __restrict__ dx) {
  const int64_t count = static_cast<int64_t>(pool.batchSize) * pool.channels;
  for (int64_t i = globalThread(); i < count; i += gridThreads()) {
    const int n = static_cast<int>(i / pool.channels);
    const int c = static_cast<int>(i - static_cast<int64_t>(n) * pool.channels);
    const int length = pool.dLengths[n];
    const float gradient = dy[i];
    const int32_t best = pool.mode == elements::kPoolMax ? argmax[i] : 0;
    for (int t = 0; t < length; ++t) {
      const int64_t row = pool.dRowOffset[t] + n;
      dx[row * pool.channels + c] = elements::poolGradientElement(pool.mode, t, row, length, gradient, best);
    }
  }
}

void checkPool(const char* call, const RuntimePool& pool, const int32_t* argmax) {
  require(pool.mode >= elements::kPoolLast && pool.mode <= elements::kPoolMax, call, "no such mode");
  require(
      pool.batchSize >= 1 && pool.timeSteps >= 1 && pool.channels >= 1 && pool.dLengths && pool.dRowOffset,
      call, "expected a batch with its lengths and row offsets");
  require(pool.mode != elements::kPoolMax || argmax, call, "expected argmax");
}

}  // namespace

void poolForward(const Launch& launch, const RuntimePool& pool, const float* x, float* y, int32_t* argmax) {
  checkPool("poolForward", pool, argmax);
  require(x && y, "poolForward", "expected x and y");
  const int64_t count = static_cast<int64_t>(pool.batchSize) * pool.channels;
  poolKernel<<<gridFor(launch, count), kThreads, 0, launch.stream>>>(pool, x, y, argmax);
  checkLaunch("poolKernel");
}

void poolBackward(const Launch& launch, const RuntimePool& pool, const float* dy, const int32_t* argmax,
                  float* dx) {
  checkPool("poolBackward", pool, argmax);
  require(dy && dx, "poolBackward", "expected dy and dx");
  const int64_t count = static_cast<int64_t>(pool.batchSize) * pool.channels;
  poolGradientKernel<<<gridFor(launch, count), kThreads, 0, launch.stream>>>(pool, dy, argmax, dx);
  checkLaunch("poolGradientKernel");
}

}  // namespace lstm::gpu
