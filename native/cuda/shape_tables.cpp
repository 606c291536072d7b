#include "cuda/shape_tables.h"

namespace lstm::cuda {

void ShapeTables::show(const BatchShape& shape) {
  if (shown_ == shape.lengths) return;
  shown_.clear();  // a failure below leaves nothing that counts as shown
  std::vector<int32_t> sequences;
  sequences.reserve(shape.rows);
  for (int t = 0; t < shape.timeSteps; ++t)
    for (int n = 0; n < shape.liveRows[t]; ++n) sequences.push_back(n);
  lengths_.assign(shape.lengths.data(), shape.lengths.size());
  rowOffset_.assign(shape.rowOffset.data(), shape.rowOffset.size());
  rowToSequence_.assign(sequences.data(), sequences.size());
  shown_ = shape.lengths;
}

}  // namespace lstm::cuda
