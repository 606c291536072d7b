#include "cpu/aligned_buffer.h"

#include <unistd.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "engine/errors.h"

namespace lstm::cpu {

namespace {

size_t pageBytes(int name) {
  return static_cast<size_t>(sysconf(name)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

size_t roundUp(size_t bytes, size_t to) {
  return (bytes + to - 1) / to * to;
}

}  // namespace

// Rows of activations lie pages apart, and a product walks down hundreds of them: with 4 KiB pages the address
// translations, not the arithmetic, would set the pace.
void* allocateAligned(size_t bytes) {
  const bool huge = bytes >= 2 * kHugePage;
  const size_t alignment = huge ? kHugePage : kLine;
  const size_t rounded = roundUp(std::max<size_t>(bytes, 1), kLine);
  // A system that overcommits would grant more than the machine has and end the process when it is touched.
  void* memory = nullptr;
  if (bytes > pageBytes(_SC_PHYS_PAGES) || posix_memalign(&memory, alignment, rounded) != 0) {
    const size_t free = pageBytes(_SC_AVPHYS_PAGES);
    OutOfMemory error("the CPU device could not allocate " + std::to_string(bytes) + " bytes; " +
                      std::to_string(free) + " are free");
    error.with("requestedBytes", static_cast<double>(bytes)).with("freeBytes", static_cast<double>(free));
    throw error;
  }
#if defined(__linux__)
  if (huge) madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  std::memset(memory, 0, rounded);
  return memory;
}

void releaseAligned(void* memory) noexcept {
  std::free(memory);
}

}  // namespace lstm::cpu
