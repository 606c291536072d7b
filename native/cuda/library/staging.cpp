#include "cuda/library/staging.h"

#include <algorithm>
#include <cstring>

#include "cuda/library/failure.h"

namespace lstm::gpu {
namespace {

constexpr size_t kSlots = 32;  // two steps in flight copy about ten buffers
constexpr size_t kSlotBytes = 512 << 10;

}  // namespace

Staging::Staging(cudaStream_t stream) : stream_(stream) {
  try {
    void* memory = nullptr;
    LSTM_CUDA_CALL(cudaMallocHost, &memory, kSlots * kSlotBytes);
    memory_ = static_cast<unsigned char*>(memory);
    for (size_t i = 0; i < kSlots; ++i) {
      Slot slot{nullptr, false};
      LSTM_CUDA_CALL(cudaEventCreateWithFlags, &slot.done, cudaEventDisableTiming);
      slots_.push_back(slot);
    }
  } catch (...) {
    freeAll();
    throw;
  }
}

Staging::~Staging() {
  freeAll();
}

void Staging::freeAll() noexcept {
  for (const Slot& slot : slots_) cudaEventDestroy(slot.done);
  if (memory_) cudaFreeHost(memory_);
}

void Staging::copyIn(void* device, const void* host, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    Slot& slot = slots_[next_];
    unsigned char* staged = memory_ + next_ * kSlotBytes;
    const size_t take = std::min(kSlotBytes, bytes - done);
    if (slot.isUsed) LSTM_CUDA_CALL(cudaEventSynchronize, slot.done);
    std::memcpy(staged, static_cast<const unsigned char*>(host) + done, take);
    LSTM_CUDA_CALL(cudaMemcpyAsync, static_cast<unsigned char*>(device) + done, staged, take,
                   cudaMemcpyHostToDevice, stream_);
    LSTM_CUDA_CALL(cudaEventRecord, slot.done, stream_);
    slot.isUsed = true;
    next_ = (next_ + 1) % kSlots;
    done += take;
  }
}

}  // namespace lstm::gpu
