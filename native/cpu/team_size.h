#pragma once

#include <cstdint>

namespace lstm::cpu {

// How many threads of a pool are worth waking at the moment.
//
// Shares of work are fixed, so a team is as slow as its slowest thread: where other work takes part of a core, all wait
// for the thread on it, and it takes that core's time from the other work for nothing. What a team's threads were
// on a core in all, by the time that has passed, is how many threads' work it does; a team that does little more than half
// its threads' has only half as many for a while, and then tries again.
class TeamSize {
 public:
  explicit TeamSize(int most) : most_(most), size_(most) {}

  // Fewer than all, so that time has to be looked at.
  bool reduced() const { return size_ < most_; }
  // At `wallNs`, nanoseconds of a clock that only rises.
  int at(int64_t wallNs);

  // A region of `count` > 1 threads is over: when it ended, how long it took, and for how long its threads were on a core,
  // in nanoseconds.
  void add(int count, int64_t endNs, int64_t tookNs, int64_t computedNs);

 private:
  int most_;
  int size_;
  bool trying_ = false;
  int poorWindows_ = 0;  // in turn
  // Of the regions since the last judgement: their time, that of all their threads, and what of it was on a core.
  int64_t tookNs_ = 0;
  int64_t heldNs_ = 0;
  int64_t computedNs_ = 0;
  int64_t pauseNs_ = 0;
  int64_t retryNs_ = 0;
};

}  // namespace lstm::cpu
