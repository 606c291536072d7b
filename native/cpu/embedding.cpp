#include "cpu/embedding.h"

#include <cstring>

namespace lstm::cpu {

void embeddingForward(Context& context, int64_t rows, int size, const int32_t* tokens, const float* table,
                      float* y) {
  const int threads = context.pool.threadsFor(static_cast<double>(rows) * size);
  context.pool.parallelFor(threads, rows, 1, [&](Range range) {
    for (int64_t row = range.begin; row < range.end; ++row)
      std::memcpy(y + row * size, table + static_cast<int64_t>(tokens[row]) * size, size * sizeof(float));
  });
}

// Threads own columns, not rows: a table row's sum is then one thread's, in row order.
void embeddingBackward(Context& context, int64_t rows, int size, const int32_t* tokens, const float* dy,
                       float* dTable) {
  const int threads = context.pool.threadsFor(static_cast<double>(rows) * size);
  context.pool.parallelFor(threads, size, 16, [&](Range range) {
    for (int64_t row = 0; row < rows; ++row)
      context.kernels.add(dTable + static_cast<int64_t>(tokens[row]) * size + range.begin,
                          dy + row * size + range.begin, range.size());
  });
}

}  // namespace lstm::cpu
