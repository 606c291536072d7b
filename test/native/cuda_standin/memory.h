#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace standin {

// Device memory in host memory. Its addresses are none of the host's (a bit is set that no user address has), so that
// a host access to them faults; at() gives the true place after checking that the range lies in one live allocation.
// Guard zones before and behind each are looked at when it is released, and on demand. Released memory is filled with
// 0xFF, which is NaN.
class Memory {
 public:
  ~Memory();

  void* allocate(size_t bytes);
  // Throws Violation for what is not live and for overwritten guard zones.
  void release(void* device);
  void checkGuards() const;
  uint64_t usedBytes() const { return used_; }
  int count() const { return static_cast<int>(live_.size()); }

  template <typename T>
  T* at(T* device, int64_t count, const char* name) const {
    return static_cast<T*>(
        resolve(const_cast<std::remove_const_t<T>*>(device), count * sizeof(T), alignof(T), name));
  }
  template <typename T>
  T* atOrNull(T* device, int64_t count, const char* name) const {
    return device ? at(device, count, name) : nullptr;
  }
  char* bytes(const void* device, size_t count, const char* name) const {
    return static_cast<char*>(resolve(const_cast<void*>(device), count, 1, name));
  }

 private:
  struct Block {
    unsigned char* raw;
    size_t bytes;
  };

  void* resolve(void* device, size_t bytes, size_t alignment, const char* name) const;
  static void checkGuards(const Block& block);

  std::map<uintptr_t, Block> live_;  // by device address
  uint64_t used_ = 0;
};

}  // namespace standin
