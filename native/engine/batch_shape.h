#pragma once

#include <cstdint>
#include <vector>

namespace lstm {

// A batch of N sequences as the devices see it: packed, time-major, longest first. Only live rows
// exist, so an activation is [rows, C] and finished sequences cost nothing.
//
//   row of (t, n) = rowOffset[t] + n,   0 <= n < liveRows[t]
//
// With equal lengths this is exactly [T, N, C]. liveRows never grows with t.
struct BatchShape {
  int batchSize = 0;               // N
  int timeSteps = 0;               // T: the longest length, not the padded width
  int64_t rows = 0;                // sum of lengths
  std::vector<int> lengths;        // [N], descending, each 1..T
  std::vector<int> order;          // [N], order[n] = the caller's row that stands at n
  std::vector<int> liveRows;       // [T]
  std::vector<int64_t> rowOffset;  // [T + 1], rowOffset[T] = rows

  // seqLengths [N] in the caller's order, or null for all `timeSteps`. Reuses its vectors' memory.
  // Throws InvalidArgument for a length outside 1..timeSteps.
  void assign(int batchSize, int timeSteps, const int32_t* seqLengths);
};

}  // namespace lstm
