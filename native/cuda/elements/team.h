#pragma once

#include "engine/philox.h"

// Row functions are written for a team of threads that share one row: member `lane` of `size` takes elements lane,
// lane + size, ... and join(v) gives every member all members' values, folded in one fixed order. A CUDA block is a
// team (library/block_team.cuh); a lone thread is the team of one below.
namespace lstm::elements {

struct LoneTeam {
  static constexpr int lane = 0;
  static constexpr int size = 1;
  template <typename Value>
  LSTM_HOST_DEVICE Value join(const Value& value) const {
    return value;
  }
};

// What a team can join: a value with `void take(const Value& other)`.
struct Sum {
  double value;
  LSTM_HOST_DEVICE void take(const Sum& other) { value += other.value; }
};

}  // namespace lstm::elements
