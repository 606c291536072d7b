#pragma once

#include <cstddef>

namespace lstm::cuda {

struct MemoryStatistics {
  size_t usedBytes = 0;
  size_t peakBytes = 0;   // the most that was used at one time
  size_t limitBytes = 0;  // 0 = none
};

}  // namespace lstm::cuda
