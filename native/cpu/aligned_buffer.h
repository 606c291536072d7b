#pragma once

#include <cstddef>
#include <utility>

namespace lstm::cpu {

// 64-byte aligned, zero-filled. Throws OutOfMemory, which names the bytes asked for.
void* allocateAligned(size_t bytes);
void releaseAligned(void* memory) noexcept;

// Floats owned by one holder; grows, never shrinks.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~AlignedBuffer() { releaseAligned(data_); }

  // Contents are lost when it grows.
  void reserve(size_t floats) {
    if (floats <= size_) return;
    float* grown = static_cast<float*>(allocateAligned(floats * sizeof(float)));
    releaseAligned(data_);
    data_ = grown;
    size_ = floats;
  }
  float* data() const { return data_; }
  size_t size() const { return size_; }
  size_t sizeBytes() const { return size_ * sizeof(float); }

 private:
  float* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lstm::cpu
