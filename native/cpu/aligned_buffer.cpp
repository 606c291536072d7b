#include "cpu/aligned_buffer.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "engine/errors.h"

namespace lstm::cpu {

void* allocateAligned(size_t bytes) {
  constexpr size_t kAlignment = 64;
  constexpr size_t kAddressSpace = size_t{1} << 47;  // of a process; beyond it rounding could wrap
  const size_t rounded = bytes == 0 ? kAlignment : (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = bytes > kAddressSpace ? nullptr : std::aligned_alloc(kAlignment, rounded);
  if (!memory) {
    OutOfMemory error("the CPU device could not allocate " + std::to_string(bytes) + " bytes");
    error.with("requestedBytes", static_cast<double>(bytes));
    throw error;
  }
  std::memset(memory, 0, rounded);
  return memory;
}

void releaseAligned(void* memory) noexcept {
  std::free(memory);
}

}  // namespace lstm::cpu
