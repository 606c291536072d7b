#include "engine/parameter_layout.h"

#include <utility>

#include "engine/errors.h"

namespace lstm {
namespace {

// Far above any memory, far below what 64-bit byte arithmetic can lose.
constexpr int64_t kMaxElements = int64_t{1} << 40;

}  // namespace

void ParameterLayout::append(Parameter parameter) {
  int64_t size = 1;
  for (const int64_t extent : parameter.shape) {
    if (extent < 1 || __builtin_mul_overflow(size, extent, &size) || size > kMaxElements)
      throw InvalidArgument(parameter.name + ": expected a tensor of 1 to 2^40 elements");
  }
  if (size_ + size > kMaxElements) throw InvalidArgument("expected a network of at most 2^40 parameters");
  if (parameter.drawIndex < 0) parameter.drawIndex = static_cast<int>(parameters_.size());
  parameter.offset = size_;
  parameter.size = size;
  size_ += size;
  hasPenalties_ = hasPenalties_ || parameter.l1 != 0 || parameter.l2 != 0;
  const int64_t rowSize = parameter.shape.size() > 1 ? size / parameter.shape[0] : size;
  rows_.push_back({parameter.offset, size, parameter.trainable, parameter.l1, parameter.l2, rowSize,
                   parameter.constraint});
  parameters_.push_back(std::move(parameter));
}

}  // namespace lstm
