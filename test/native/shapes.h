#pragma once

#include <vector>

#include "engine/batch_shape.h"

// lengths in any order; empty = all T
inline lstm::BatchShape shapeOf(int batchSize, int timeSteps, const std::vector<int>& lengths = {}) {
  const std::vector<int32_t> given(lengths.begin(), lengths.end());
  lstm::BatchShape shape;
  shape.assign(batchSize, timeSteps, given.empty() ? nullptr : given.data());
  return shape;
}
