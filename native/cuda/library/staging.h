#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/library/cuda_headers.h"
#include "cuda/library/staging_ring.h"
#include "cuda/runtime.h"

namespace lstm::gpu {

// Copies from the host to the device, see StagingRing.
class Staging {
 public:
  Staging(cudaStream_t compute, cudaStream_t copies);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  void copyIn(void* device, const void* host, size_t bytes) { ring_->copyIn(device, host, bytes); }

 private:
  struct Streams {
    using Event = cudaEvent_t;
    void toSlot(void* device, const void* pinned, size_t bytes);
    void toPlace(void* device, const void* pinned, size_t bytes);
    void within(void* to, const void* from, size_t bytes);
    void recordArrival(cudaEvent_t event);
    void awaitArrival(cudaEvent_t event);
    void recordDeparture(cudaEvent_t event);
    void awaitDeparture(cudaEvent_t event);
    cudaStream_t compute;
    cudaStream_t copies;
  };

  cudaEvent_t makeEvent();
  void freeAll() noexcept;

  Streams streams_;
  void* pinned_ = nullptr;
  void* device_ = nullptr;
  std::vector<cudaEvent_t> events_;
  std::unique_ptr<StagingRing<Streams>> ring_;
};

// Copies from the device to the host that nobody waits for yet: a ring of pinned slots.
class Fetches {
 public:
  explicit Fetches(cudaStream_t compute);
  ~Fetches();
  Fetches(const Fetches&) = delete;
  Fetches& operator=(const Fetches&) = delete;

  uint64_t begin(const void* device, size_t bytes);
  void collect(uint64_t ticket, void* host, size_t bytes);

 private:
  void freeAll() noexcept;
  unsigned char* slotOf(uint64_t ticket) const {
    return memory_ + ticket % kRuntimeFetches * kRuntimeFetchBytes;
  }

  cudaStream_t stream_;
  unsigned char* memory_ = nullptr;
  cudaEvent_t arrivals_[kRuntimeFetches] = {};
  uint64_t last_ = 0;
};

}  // namespace lstm::gpu
