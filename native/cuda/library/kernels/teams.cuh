#pragma once

#include <stdint.h>
#include <string.h>

// Teams of threads for the row functions of cuda/elements (team.h says what a team is). join() folds the lanes in one
// fixed order and hands lane 0's result to all, so that every member has the same bits.
namespace lstm::gpu {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

template <typename Value, typename Shuffle>
__device__ Value moveWords(const Value& value, Shuffle shuffle) {
  static_assert(sizeof(Value) % sizeof(uint32_t) == 0, "moved in words");
  uint32_t words[sizeof(Value) / sizeof(uint32_t)];
  memcpy(words, &value, sizeof value);
#pragma unroll
  for (uint32_t& word : words) word = shuffle(word);
  Value moved;
  memcpy(&moved, words, sizeof moved);
  return moved;
}

struct FromLaneBelow {
  int distance;
  __device__ uint32_t operator()(uint32_t word) const { return __shfl_down_sync(kAllLanes, word, distance); }
};

struct FromFirstLane {
  __device__ uint32_t operator()(uint32_t word) const { return __shfl_sync(kAllLanes, word, 0); }
};

// Lane 0 has the whole; the other lanes hold parts.
template <typename Value>
__device__ Value foldWarp(Value value) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value.take(moveWords(value, FromLaneBelow{distance}));
  return value;
}

// One warp, whose lanes all take part.
struct WarpTeam {
  int lane;
  static constexpr int size = kWarp;

  template <typename Value>
  __device__ Value join(const Value& value) const {
    __syncwarp();  // what members read before join was read before anyone writes after it
    return moveWords(foldWarp(value), FromFirstLane{});
  }
};

// One block of kSize threads, which all take part. `shared` holds a Value for each warp, 16-byte aligned.
template <int kSize>
struct BlockTeam {
  static constexpr int kSharedBytes = 64 * (kSize / kWarp);
  static constexpr int size = kSize;
  int lane;
  unsigned char* shared;

  template <typename Value>
  __device__ Value join(const Value& value) const {
    static_assert(sizeof(Value) <= 64, "does not fit its place in shared memory");
    Value folded = foldWarp(value);
    __syncthreads();  // the places may still be read from the join before
    if (lane % kWarp == 0) memcpy(shared + 64 * (lane / kWarp), &folded, sizeof folded);
    __syncthreads();
    Value all;
    memcpy(&all, shared, sizeof all);
    for (int warp = 1; warp < kSize / kWarp; ++warp) {
      Value next;
      memcpy(&next, shared + 64 * warp, sizeof next);
      all.take(next);
    }
    return all;
  }
};

}  // namespace lstm::gpu
