#pragma once

#include <cstdint>
#include <map>

#include "cuda/context.h"

namespace lstm::cuda {

// What fp16 and bf16 need of a device whose tensors are float32 for the engine. What a product reads is rounded to half
// where it is read: weights from a copy of their whole arena, activations and gradients into scratch of the op. What it
// writes is widened again; sums, losses, master weights, moments and the arena of gradients are float32 throughout.
class Halves {
 public:
  explicit Halves(Context& context) : context_(context), operands_{Operand(context), Operand(context)} {}

  RuntimeHalfKind kind = kHalfNone;  // of the device
  bool on() const { return kind != kHalfNone; }

  // Rounds `count` numbers; returns `to`. Null stays null.
  void* round(void* to, const float* from, int64_t count);
  // Does nothing without a `to`.
  void widen(float* to, const void* from, int64_t count);
  void widenAndAdd(float* to, const void* from, int64_t count);

  void zero(void* halves, int64_t count);

  // A product's operand [count]: `x` itself without half precision, else rounded into scratch, of which there are two.
  const void* operand(const float* x, int64_t count, int scratch);
  // The same for weights: their place in the copy of the allocation they lie in, which the first call makes.
  const void* weights(const float* weights);

  // The copy of a whole arena, which the update writes along with it; null: there is none.
  void* copyOf(const float* arena) const;
  // What the device tells of its memory: a copy follows at once, so that no pass has to look. The update alone writes
  // weights otherwise.
  void wrote(const void* device, size_t bytes);
  void released(const void* device) noexcept { copies_.erase(device); }

 private:
  using Operand = Buffer<uint16_t>;
  struct Copy {
    explicit Copy(Context& context) : half(context) {}
    Buffer<uint16_t> half;
    int64_t count = 0;
  };

  Context& context_;
  Operand operands_[2];
  std::map<const void*, Copy> copies_;  // by the allocation's start
};

}  // namespace lstm::cuda
