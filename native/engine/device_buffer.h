#pragma once

#include <cstddef>
#include <utility>

#include "engine/device.h"

namespace lstm {

// Owns device memory of floats or ints; views are plain pointers. Never shrinks.
template <typename T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(Device& device) : device_(&device) {}
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : device_(other.device_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() { reset(); }

  // Makes room for `size` elements; what was there is lost when it grows. New memory is zero.
  void reserve(size_t size) {
    if (size <= size_) return;
    reset();
    data_ = static_cast<T*>(device_->allocate(size * sizeof(T)));
    size_ = size;
  }
  void reset() {
    if (data_) device_->release(data_);
    data_ = nullptr;
    size_ = 0;
  }
  T* data() const { return data_; }
  size_t size() const { return size_; }
  size_t sizeBytes() const { return size_ * sizeof(T); }

 private:
  Device* device_;
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lstm
