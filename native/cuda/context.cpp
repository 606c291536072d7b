#include "cuda/context.h"

#include <algorithm>
#include <string>

#include "engine/errors.h"

namespace lstm::cuda {

Context::Context(const CudaRuntime& runtime, int index, size_t memoryLimitBytes) : runtime_(runtime) {
  memory_.limitBytes = memoryLimitBytes;
  RuntimeError error{};
  check(runtime.createContext(index, &context_, &error), error);
}

void* Context::allocate(size_t bytes) {
  if (lost_) throwLost(loss_);
  bytes = std::max<size_t>(bytes, 1);
  if (memory_.limitBytes > 0) {
    const size_t left = memory_.limitBytes - std::min(memory_.limitBytes, memory_.usedBytes);
    if (bytes > left)
      throwOutOfMemory(bytes, left, "the memory limit is " + std::to_string(memory_.limitBytes) + " bytes");
  }
  void* memory = nullptr;
  RuntimeError error{};
  const RuntimeStatus status = statusOf(error, &CudaRuntime::allocate, bytes, &memory);
  if (status == kRuntimeOutOfMemory) {
    uint64_t freeBytes = 0, totalBytes = 0;
    call(&CudaRuntime::memoryInfo, &freeBytes, &totalBytes);
    throwOutOfMemory(bytes, freeBytes, describe(error));
  }
  check(status, error);
  try {
    blocks_.emplace(memory, Block{bytes, memoryMark_});
  } catch (...) {
    quietly(&CudaRuntime::release, memory);
    throw;
  }
  ++memoryMark_;
  memory_.usedBytes += bytes;
  memory_.peakBytes = std::max(memory_.peakBytes, memory_.usedBytes);
  return memory;
}

size_t Context::release(void* memory) noexcept {
  const auto at = blocks_.find(memory);
  if (at == blocks_.end()) return 0;
  const auto [bytes, mark] = at->second;
  memory_.usedBytes -= bytes;
  blocks_.erase(at);
  if (onRelease_) onRelease_(mark);
  quietly(&CudaRuntime::release, memory);
  return bytes;
}

std::pair<const void*, size_t> Context::allocationOf(const void* inside) const {
  auto next = blocks_.upper_bound(inside);
  if (next == blocks_.begin()) throw InvalidState("expected device memory");
  --next;
  return {next->first, next->second.bytes};
}

void Context::throwOutOfMemory(size_t bytes, uint64_t freeBytes, const std::string& why) const {
  OutOfMemory error("the CUDA device could not allocate " + std::to_string(bytes) + " bytes; " +
                    std::to_string(freeBytes) + " are free (" + why + ")");
  error.with("requestedBytes", static_cast<double>(bytes)).with("freeBytes", static_cast<double>(freeBytes));
  if (memory_.limitBytes > 0) error.with("limitBytes", static_cast<double>(memory_.limitBytes));
  throw error;
}

}  // namespace lstm::cuda
