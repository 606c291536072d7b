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

// Stands in the cache line before the memory that is handed out.
struct Header {
  size_t mapped;  // bytes from the header on that munmap takes; 0: malloc's
};

// Rows of activations lie pages apart, and a product walks down hundreds of them: with 4 KiB pages the address
// translations, not the arithmetic, would set the pace. Large memory comes from the system and goes back to it: malloc
// would keep what is freed while a network is made, as much again as the network.
void* allocateLine(size_t bytes) {
#if defined(__linux__)
  if (bytes >= 2 * kHugePage) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    madvise(memory, bytes, MADV_HUGEPAGE);
    static_cast<Header*>(memory)->mapped = bytes;
    return memory;
  }
#endif
  void* memory = nullptr;
  if (posix_memalign(&memory, kLine, bytes) != 0) return nullptr;
  static_cast<Header*>(memory)->mapped = 0;
  return memory;
}

}  // namespace

void* allocateAligned(size_t bytes) {
  const size_t rounded = roundUp(std::max<size_t>(bytes, 1), kLine);
  // A system that overcommits would grant more than the machine has and end the process when it is touched.
  void* memory = bytes > pageBytes(_SC_PHYS_PAGES) ? nullptr : allocateLine(kLine + rounded);
  if (!memory) {
    const size_t free = pageBytes(_SC_AVPHYS_PAGES);
    OutOfMemory error("the CPU device could not allocate " + std::to_string(bytes) + " bytes; " +
                      std::to_string(free) + " are free");
    error.with("requestedBytes", static_cast<double>(bytes)).with("freeBytes", static_cast<double>(free));
    throw error;
  }
  char* const begin = static_cast<char*>(memory) + kLine;
  std::memset(begin, 0, rounded);
  return begin;
}

void releaseAligned(void* memory) noexcept {
  if (!memory) return;
  void* const line = static_cast<char*>(memory) - kLine;
#if defined(__linux__)
  if (const size_t mapped = static_cast<Header*>(line)->mapped) {
    munmap(line, mapped);
    return;
  }
#endif
  std::free(line);
}

}  // namespace lstm::cpu
