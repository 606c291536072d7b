#pragma once

#include <cstdint>

namespace lstm::cuda {

// How training steps were run.
struct StepStatistics {
  uint64_t eager = 0;       // call by call
  uint64_t recorded = 0;    // into a graph, which then was launched
  uint64_t replayed = 0;    // a launch of a graph from before
  uint64_t overlapped = 0;  // of them all: begun while another was under way
};

}  // namespace lstm::cuda
