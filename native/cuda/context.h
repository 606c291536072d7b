#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "cuda/check.h"
#include "cuda/memory_statistics.h"
#include "cuda/runtime.h"

namespace lstm::cuda {

// One runtime context and everything that was allocated on it. A call that loses the device marks it: every later
// call throws what lost it, releasing goes on to work.
class Context {
 public:
  // Throws DeviceUnavailable, OutOfMemory, CudaFailure.
  Context(const CudaRuntime& runtime, int index, size_t memoryLimitBytes);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { runtime_.destroyContext(context_); }

  // Calls a function of the table and throws what it reports.
  template <typename Function, typename... Args>
  void call(Function CudaRuntime::* function, Args... args) {
    RuntimeError error{};
    const RuntimeStatus status = statusOf(error, function, args...);
    if (status != kRuntimeOk) throwStatus(status, error);
  }

  // The same, but a refusal (kRuntimeNotSupported) is an answer: false.
  template <typename Function, typename... Args>
  bool supports(Function CudaRuntime::* function, Args... args) {
    RuntimeError error{};
    const RuntimeStatus status = statusOf(error, function, args...);
    if (status != kRuntimeOk && status != kRuntimeNotSupported) throwStatus(status, error);
    return status == kRuntimeOk;
  }

  // For releasing: never fails, and works on a lost device too.
  template <typename Function, typename... Args>
  void quietly(Function CudaRuntime::* function, Args... args) noexcept {
    (runtime_.*function)(context_, args...);
  }

  // 256-byte aligned, zero. Throws OutOfMemory with requestedBytes and freeBytes, also when it would pass the limit.
  void* allocate(size_t bytes);
  // The bytes that went; 0 for what was not allocated here.
  size_t release(void* memory) noexcept;
  // Start and bytes of the allocation that `inside` lies in, which must be one of these.
  std::pair<const void*, size_t> allocationOf(const void* inside) const;
  const MemoryStatistics& memory() const { return memory_; }
  // Grows with every allocation.
  uint64_t memoryMark() const { return memoryMark_; }
  // One observer, which must not throw: memory is released that was allocated at this mark.
  void onRelease(std::function<void(uint64_t memoryMark)> observer) { onRelease_ = std::move(observer); }
  // For what is as good as a release of everything: nothing recorded holds any more.
  void forgetRecorded() {
    if (onRelease_) onRelease_(0);
  }
  bool lost() const { return lost_; }
  const CudaRuntime& runtime() const { return runtime_; }

 private:
  template <typename Function, typename... Args>
  RuntimeStatus statusOf(RuntimeError& error, Function CudaRuntime::* function, Args... args) {
    if (lost_) throwLost(loss_);
    const RuntimeStatus status = (runtime_.*function)(context_, args..., &error);
    if (status == kRuntimeLost) {
      lost_ = true;
      loss_ = error;
    }
    return status;
  }

  [[noreturn]] void throwOutOfMemory(size_t bytes, uint64_t freeBytes, const std::string& why) const;

  const CudaRuntime& runtime_;
  RuntimeContext* context_ = nullptr;
  bool lost_ = false;
  RuntimeError loss_{};
  MemoryStatistics memory_;
  struct Block {
    size_t bytes;
    uint64_t mark;
  };
  std::map<const void*, Block> blocks_;
  uint64_t memoryMark_ = 0;
  std::function<void(uint64_t)> onRelease_;
};

// Device memory of a context; never shrinks. What was there is lost when it grows; new memory is zero.
template <typename T>
class Buffer {
 public:
  explicit Buffer(Context& context) : context_(context) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { reset(); }

  T* reserve(size_t size) {
    if (size > size_) {
      reset();
      data_ = static_cast<T*>(context_.allocate(size * sizeof(T)));
      size_ = size;
    }
    return data_;
  }
  // reserve() and a copy of host memory, which may be reused at return.
  T* assign(const T* host, size_t size) {
    reserve(size);
    context_.call(&CudaRuntime::copyIn, static_cast<void*>(data_), static_cast<const void*>(host),
                  size * sizeof(T));
    return data_;
  }
  void reset() noexcept {
    if (data_) context_.release(data_);
    data_ = nullptr;
    size_ = 0;
  }
  T* data() const { return data_; }

 private:
  Context& context_;
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lstm::cuda
