#include "cuda/halves.h"

#include <algorithm>

namespace lstm::cuda {

void* Halves::round(void* to, const float* from, int64_t count) {
  if (!from) return nullptr;
  if (count > 0) context_.call(&CudaRuntime::toHalf, int{kind}, to, from, count);
  return to;
}

void Halves::widen(float* to, const void* from, int64_t count) {
  if (to && count > 0) context_.call(&CudaRuntime::fromHalf, int{kind}, to, from, count, 0);
}

void Halves::widenAndAdd(float* to, const void* from, int64_t count) {
  if (count > 0) context_.call(&CudaRuntime::fromHalf, int{kind}, to, from, count, 1);
}

void Halves::zero(void* halves, int64_t count) {
  context_.call(&CudaRuntime::zero, halves, static_cast<size_t>(count) * sizeof(uint16_t));
}

const void* Halves::operand(const float* x, int64_t count, int scratch) {
  if (!on()) return x;
  return round(operands_[scratch].reserve(static_cast<size_t>(count)), x, count);
}

const void* Halves::weights(const float* weights) {
  if (!on()) return weights;
  const auto [start, bytes] = context_.allocationOf(weights);
  const auto [at, isNew] = copies_.try_emplace(start, context_);
  Copy& copy = at->second;
  if (isNew) {
    try {
      const auto count = static_cast<int64_t>(bytes / sizeof(float));
      round(copy.half.reserve(static_cast<size_t>(count)), static_cast<const float*>(start), count);
      copy.count = count;
    } catch (...) {
      copies_.erase(at);
      throw;
    }
  }
  return copy.half.data() + (weights - static_cast<const float*>(start));
}

void* Halves::copyOf(const float* arena) const {
  const auto at = copies_.find(arena);
  return at == copies_.end() ? nullptr : at->second.half.data();
}

void Halves::wrote(const void* device, size_t bytes) {
  const auto begin = static_cast<const char*>(device);
  for (auto& [start, copy] : copies_) {
    const auto* floats = static_cast<const float*>(start);
    const int64_t from = std::max<int64_t>(0, begin - static_cast<const char*>(start)) / sizeof(float);
    const int64_t end = begin + bytes - static_cast<const char*>(start);
    const int64_t to = std::min<int64_t>(copy.count, (end + 3) / static_cast<int64_t>(sizeof(float)));
    if (from < to) round(copy.half.data() + from, floats + from, to - from);
  }
}

}  // namespace lstm::cuda
