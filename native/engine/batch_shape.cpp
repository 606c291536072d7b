#include "engine/batch_shape.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "engine/errors.h"

namespace lstm {

void BatchShape::assign(int newBatchSize, int newTimeSteps, const int32_t* seqLengths) {
  if (newBatchSize < 1 || newTimeSteps < 1)
    throw ShapeMismatch("expected a batch of at least one sequence of at least one step, got [" +
                        std::to_string(newBatchSize) + ", " + std::to_string(newTimeSteps) + "]");
  batchSize = newBatchSize;
  order.resize(batchSize);
  std::iota(order.begin(), order.end(), 0);
  lengths.assign(batchSize, newTimeSteps);
  if (seqLengths) {
    for (int n = 0; n < batchSize; ++n)
      if (seqLengths[n] < 1 || seqLengths[n] > newTimeSteps)
        throw InvalidData("seqLengths[" + std::to_string(n) + "]: expected 1 to " +
                          std::to_string(newTimeSteps) + ", got " + std::to_string(seqLengths[n]))
            .with("row", n);
    // Insertion into runs would keep this allocation-free, but the standard's stable sort is clearer and N is small.
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return seqLengths[a] > seqLengths[b]; });
    for (int n = 0; n < batchSize; ++n) lengths[n] = seqLengths[order[n]];
  }
  timeSteps = lengths[0];
  liveRows.resize(timeSteps);
  rowOffset.resize(timeSteps + 1);
  rowOffset[0] = 0;
  int live = batchSize;
  for (int t = 0; t < timeSteps; ++t) {
    while (lengths[live - 1] <= t) --live;
    liveRows[t] = live;
    rowOffset[t + 1] = rowOffset[t] + live;
  }
  rows = rowOffset[timeSteps];
}

}  // namespace lstm
