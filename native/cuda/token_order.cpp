#include "cuda/token_order.h"

#include <array>
#include <cstring>
#include <numeric>

namespace lstm::cuda {

// Least significant digit first, eleven bits at a time: one pass for vocabularies up to 2048, two up to 4 million.
void sortByToken(const std::vector<int32_t>& tokens, int vocabSize, std::vector<int32_t>& order,
                 std::vector<int32_t>& scratch) {
  constexpr int kBits = 11;
  order.resize(tokens.size());
  scratch.resize(tokens.size());
  std::iota(order.begin(), order.end(), 0);
  for (int shift = 0; shift < 31 && (vocabSize - 1) >> shift > 0; shift += kBits) {
    const auto digit = [&](int32_t row) { return (tokens[row] >> shift) & ((1 << kBits) - 1); };
    std::array<int32_t, (1 << kBits) + 1> start{};
    for (const int32_t row : order) ++start[digit(row) + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    for (const int32_t row : order) scratch[start[digit(row)]++] = row;
    order.swap(scratch);
  }
}

const int32_t* TokenOrder::of(const int32_t* tokens, int64_t rows, int vocabSize) {
  Place& place = places_.try_emplace(tokens, context_).first->second;
  const size_t count = static_cast<size_t>(rows);
  place.vocabSize = vocabSize;
  if (!place.known || place.tokens.size() != count) {
    place.known = place.ordered = false;
    place.tokens.resize(count);
    context_.call(&CudaRuntime::copyOut, static_cast<void*>(place.tokens.data()),
                  static_cast<const void*>(tokens), count * sizeof(int32_t));
    place.known = true;
  }
  return orderOf(place);
}

void TokenOrder::prepare(const int32_t* tokens) {
  const auto at = places_.find(tokens);
  if (at != places_.end() && at->second.known) orderOf(at->second);
}

const int32_t* TokenOrder::orderOf(Place& place) {
  if (!place.ordered) {
    sortByToken(place.tokens, place.vocabSize, order_, other_);
    place.order.assign(order_.data(), order_.size());
    place.ordered = true;
  }
  return place.order.data();
}

void TokenOrder::wroteFromHost(const void* device, const void* host, size_t bytes) {
  changed(device, bytes);
  const auto at = places_.find(device);
  if (at == places_.end() || bytes % sizeof(int32_t) != 0) return;
  Place& place = at->second;
  place.tokens.resize(bytes / sizeof(int32_t));
  std::memcpy(place.tokens.data(), host, bytes);
  place.known = true;
  place.ordered = false;
}

void TokenOrder::changed(const void* device, size_t bytes) {
  for (auto& [address, place] : places_)
    if (place.touches(address, device, bytes)) place.known = place.ordered = false;
}

void TokenOrder::released(const void* device, size_t bytes) {
  std::erase_if(places_, [&](const auto& item) { return item.second.touches(item.first, device, bytes); });
}

bool TokenOrder::Place::touches(const void* address, const void* device, size_t bytes) const {
  const auto at = reinterpret_cast<uintptr_t>(address);
  const auto begin = reinterpret_cast<uintptr_t>(device);
  return at < begin + bytes && begin < at + tokens.size() * sizeof(int32_t);
}

}  // namespace lstm::cuda
