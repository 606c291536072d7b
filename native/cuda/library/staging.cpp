#include "cuda/library/staging.h"

#include <cstring>
#include <utility>

#include "cuda/library/failure.h"

namespace lstm::gpu {
namespace {

constexpr size_t kSlots = 32;  // two steps in flight copy about ten buffers
constexpr size_t kSlotBytes = 512 << 10;
constexpr size_t kDirectBytes = 16 << 10;  // a microsecond of PCIe 4: less than an event and a copy

}  // namespace

void Staging::Streams::toSlot(void* device, const void* pinned, size_t bytes) {
  LSTM_CUDA_CALL(cudaMemcpyAsync, device, pinned, bytes, cudaMemcpyHostToDevice, copies);
}

void Staging::Streams::toPlace(void* device, const void* pinned, size_t bytes) {
  LSTM_CUDA_CALL(cudaMemcpyAsync, device, pinned, bytes, cudaMemcpyHostToDevice, compute);
}

void Staging::Streams::within(void* to, const void* from, size_t bytes) {
  LSTM_CUDA_CALL(cudaMemcpyAsync, to, from, bytes, cudaMemcpyDeviceToDevice, compute);
}

void Staging::Streams::recordArrival(cudaEvent_t event) {
  LSTM_CUDA_CALL(cudaEventRecord, event, copies);
}

void Staging::Streams::awaitArrival(cudaEvent_t event) {
  LSTM_CUDA_CALL(cudaStreamWaitEvent, compute, event, 0);
}

void Staging::Streams::recordDeparture(cudaEvent_t event) {
  LSTM_CUDA_CALL(cudaEventRecord, event, compute);
}

void Staging::Streams::awaitDeparture(cudaEvent_t event) {
  LSTM_CUDA_CALL(cudaEventSynchronize, event);
}

Staging::Staging(cudaStream_t compute, cudaStream_t copies) : streams_{compute, copies} {
  try {
    LSTM_CUDA_CALL(cudaMallocHost, &pinned_, kSlots * kSlotBytes);
    LSTM_CUDA_CALL(cudaMalloc, &device_, kSlots * kSlotBytes);
    std::vector<StagingRing<Streams>::Slot> slots;
    for (size_t i = 0; i < kSlots; ++i) {
      const cudaEvent_t arrival = makeEvent();
      slots.push_back({arrival, makeEvent(), false});
    }
    ring_ = std::make_unique<StagingRing<Streams>>(streams_, std::move(slots), kSlotBytes, kDirectBytes,
                                                   static_cast<unsigned char*>(pinned_),
                                                   static_cast<unsigned char*>(device_));
  } catch (...) {
    freeAll();
    throw;
  }
}

Staging::~Staging() {
  freeAll();
}

cudaEvent_t Staging::makeEvent() {
  events_.reserve(events_.size() + 1);
  cudaEvent_t event = nullptr;
  LSTM_CUDA_CALL(cudaEventCreateWithFlags, &event, cudaEventDisableTiming);
  events_.push_back(event);
  return event;
}

void Staging::freeAll() noexcept {
  for (const cudaEvent_t event : events_) cudaEventDestroy(event);
  if (device_) cudaFree(device_);
  if (pinned_) cudaFreeHost(pinned_);
}

Fetches::Fetches(cudaStream_t compute) : stream_(compute) {
  try {
    void* memory = nullptr;
    LSTM_CUDA_CALL(cudaMallocHost, &memory, size_t{kRuntimeFetches} * kRuntimeFetchBytes);
    memory_ = static_cast<unsigned char*>(memory);
    for (cudaEvent_t& arrival : arrivals_)
      LSTM_CUDA_CALL(cudaEventCreateWithFlags, &arrival, cudaEventDisableTiming);
  } catch (...) {
    freeAll();
    throw;
  }
}

Fetches::~Fetches() {
  freeAll();
}

void Fetches::freeAll() noexcept {
  for (const cudaEvent_t arrival : arrivals_)
    if (arrival) cudaEventDestroy(arrival);
  if (memory_) cudaFreeHost(memory_);
}

uint64_t Fetches::begin(const void* device, size_t bytes) {
  require(bytes <= kRuntimeFetchBytes, "fetch", "expected at most 64 KiB");
  const uint64_t ticket = last_ + 1;
  LSTM_CUDA_CALL(cudaMemcpyAsync, slotOf(ticket), device, bytes, cudaMemcpyDeviceToHost, stream_);
  LSTM_CUDA_CALL(cudaEventRecord, arrivals_[ticket % kRuntimeFetches], stream_);
  return last_ = ticket;
}

void Fetches::collect(uint64_t ticket, void* host, size_t bytes) {
  require(ticket >= 1 && ticket <= last_ && ticket + kRuntimeFetches > last_, "collect",
          "expected the ticket of one of the latest fetches");
  require(bytes <= kRuntimeFetchBytes, "collect", "expected at most 64 KiB");
  LSTM_CUDA_CALL(cudaEventSynchronize, arrivals_[ticket % kRuntimeFetches]);
  std::memcpy(host, slotOf(ticket), bytes);
}

}  // namespace lstm::gpu
