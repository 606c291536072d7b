#include "cuda_standin/memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "cuda_standin/state.h"

namespace standin {
namespace {

constexpr uintptr_t kDeviceBit = uintptr_t{1} << 55;
constexpr size_t kGuard = 256;
constexpr unsigned char kGuardByte = 0xA5;

}  // namespace

Memory::~Memory() {
  for (const auto& [address, block] : live_) std::free(block.raw);
}

void* Memory::allocate(size_t bytes) {
  const size_t padded = (bytes + 255) / 256 * 256;
  auto* raw = static_cast<unsigned char*>(std::aligned_alloc(256, kGuard + padded + kGuard));
  if (!raw) throw std::bad_alloc();
  // The guard behind begins at the last byte asked for, not at the padded end.
  std::memset(raw, kGuardByte, kGuard + padded + kGuard);
  std::memset(raw + kGuard, 0, bytes);
  const uintptr_t address = reinterpret_cast<uintptr_t>(raw + kGuard) | kDeviceBit;
  live_.emplace(address, Block{raw, bytes});
  used_ += bytes;
  return reinterpret_cast<void*>(address);
}

void Memory::release(void* device) {
  const auto at = live_.find(reinterpret_cast<uintptr_t>(device));
  if (at == live_.end()) throw Violation{"release: not the start of live memory"};
  const Block block = at->second;
  live_.erase(at);
  used_ -= block.bytes;
  std::memset(block.raw + kGuard, 0xFF, block.bytes);
  const auto freeRaw = [&] { std::free(block.raw); };
  try {
    checkGuards(block);
  } catch (...) {
    freeRaw();
    throw;
  }
  freeRaw();
}

void Memory::checkGuards() const {
  for (const auto& [address, block] : live_) checkGuards(block);
}

void Memory::checkGuards(const Block& block) {
  const size_t padded = (block.bytes + 255) / 256 * 256;
  const auto intact = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      if (block.raw[i] != kGuardByte) return false;
    return true;
  };
  if (!intact(0, kGuard))
    throw Violation{"memory of " + std::to_string(block.bytes) + " bytes was written before its start"};
  if (!intact(kGuard + block.bytes, kGuard + padded + kGuard))
    throw Violation{"memory of " + std::to_string(block.bytes) + " bytes was written behind its end"};
}

void* Memory::resolve(void* device, size_t bytes, size_t alignment, const char* name) const {
  const std::string what = std::string(name) + ": ";
  if (!device) throw Violation{what + "null"};
  const auto address = reinterpret_cast<uintptr_t>(device);
  if (address % alignment != 0) throw Violation{what + "not aligned"};
  auto next = live_.upper_bound(address);
  if (next == live_.begin()) throw Violation{what + "not in live device memory"};
  const auto& [start, block] = *std::prev(next);
  const size_t offset = address - start;
  if (offset > block.bytes || bytes > block.bytes - offset)
    throw Violation{what + (offset >= block.bytes ? "not in live device memory"
                                                  : std::to_string(bytes) + " bytes are used, " +
                                                        std::to_string(block.bytes - offset) + " remain")};
  return block.raw + kGuard + offset;
}

}  // namespace standin
