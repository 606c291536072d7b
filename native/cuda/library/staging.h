#pragma once

#include <cstddef>
#include <vector>

#include "cuda/library/cuda_headers.h"

namespace lstm::gpu {

// A ring of pinned slots: a copy to the device reads from a slot while the caller's memory is free again. A slot is
// written anew when its last copy is over; a copy larger than a slot goes through several, so that filling one overlaps
// with the transfer of the one before it.
class Staging {
 public:
  explicit Staging(cudaStream_t stream);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  void copyIn(void* device, const void* host, size_t bytes);

 private:
  struct Slot {
    cudaEvent_t done;
    bool isUsed;
  };
  void freeAll() noexcept;

  cudaStream_t stream_;
  unsigned char* memory_ = nullptr;
  std::vector<Slot> slots_;
  size_t next_ = 0;
};

}  // namespace lstm::gpu
