#pragma once

#include <cstdint>
#include <vector>

#include "cuda/context.h"
#include "engine/batch_shape.h"

namespace lstm::cuda {

// A batch shape's tables in device memory, sent again only when the lengths change.
class ShapeTables {
 public:
  explicit ShapeTables(Context& context) : lengths_(context), rowOffset_(context), rowToSequence_(context) {}

  void show(const BatchShape& shape);
  const int32_t* lengths() const { return lengths_.data(); }              // [N]
  const int64_t* rowOffset() const { return rowOffset_.data(); }          // [T + 1]
  const int32_t* rowToSequence() const { return rowToSequence_.data(); }  // [rows]

 private:
  std::vector<int> shown_;  // lengths that the tables stand for
  Buffer<int32_t> lengths_;
  Buffer<int64_t> rowOffset_;
  Buffer<int32_t> rowToSequence_;
};

}  // namespace lstm::cuda
