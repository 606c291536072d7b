#include "cpu/aligned_buffer.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "engine/errors.h"

namespace lstm::cpu {

namespace {

size_t pageBytes(int name) {
  return static_cast<size_t>(sysconf(name)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void* allocateAligned(size_t bytes) {
  constexpr size_t kAlignment = 64;
  const size_t rounded = bytes == 0 ? kAlignment : (bytes + kAlignment - 1) / kAlignment * kAlignment;
  // A system that overcommits would grant more than the machine has and end the process when it is touched.
  void* memory = bytes > pageBytes(_SC_PHYS_PAGES) ? nullptr : std::aligned_alloc(kAlignment, rounded);
  if (!memory) {
    const size_t free = pageBytes(_SC_AVPHYS_PAGES);
    OutOfMemory error("the CPU device could not allocate " + std::to_string(bytes) + " bytes; " +
                      std::to_string(free) + " are free");
    error.with("requestedBytes", static_cast<double>(bytes)).with("freeBytes", static_cast<double>(free));
    throw error;
  }
  std::memset(memory, 0, rounded);
  return memory;
}

void releaseAligned(void* memory) noexcept {
  std::free(memory);
}

}  // namespace lstm::cpu
