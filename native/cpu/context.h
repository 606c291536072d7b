#pragma once

#include "cpu/aligned_buffer.h"
#include "cpu/gemm.h"
#include "cpu/kernels.h"
#include "cpu/profile.h"
#include "cpu/thread_pool.h"

namespace lstm::cpu {

// What every op of one device shares.
class Context {
 public:
  Context(const Kernels& kernels, int threads, Profile* profile)
      : kernels(kernels), profile(profile), pool(threads) {
    scratch_.reserve(transposedScratchFloats(kernels) * threads);
  }
  // For multiplyTransposed.
  float* scratchOf(const Team& team) const {
    return scratch_.data() + transposedScratchFloats(kernels) * team.index();
  }

  const Kernels& kernels;
  Profile* const profile;  // or null
  ThreadPool pool;

 private:
  AlignedBuffer scratch_;
};

// This thread's part of to = from, or of to = 0 where from is null.
void fill(const Team& team, float* to, const float* from, int64_t count);

// Keys a packed copy of weights.
class WeightsKey {
 public:
  // True when the copy has to be made again; takes the new key.
  bool renew(const float* weights, uint64_t version) {
    if (weights_ == weights && version_ == version) return false;
    weights_ = weights;
    version_ = version;
    return true;
  }

 private:
  const float* weights_ = nullptr;
  uint64_t version_ = 0;
};

}  // namespace lstm::cpu
