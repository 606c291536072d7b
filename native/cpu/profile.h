#pragma once

#include <chrono>

#include "cpu/thread_pool.h"

namespace lstm::cpu {

// What the time of a step goes into, as one thread sees it.
enum class Part {
  kPackWeights,
  kInput,              // x W
  kRecurrent,          // h R
  kCells,              // gates and cell, forward
  kBarriers,           // waiting for other threads
  kPackActivations,    // x and h_{t-1} into panels
  kRecurrentBackward,  // dG R
  kCellsBackward,
  kWeightGradients,  // dW, dR
  kInputGradient,    // dx
  kBiasGradient,
  kHead,  // dense and loss
  kUpdate,
  kParts,
};

const char* nameOf(Part part);

// Seconds by part, of the first thread of every region. A device without one (the rule) never reads the clock.
struct Profile {
  double seconds[static_cast<int>(Part::kParts)] = {};
};

// Cuts one thread's time into parts: everything since the last mark (or the clock's making) goes to the named part.
class PartClock {
 public:
  PartClock(Profile* profile, const Team& team) : PartClock(team.index() == 0 ? profile : nullptr) {}
  explicit PartClock(Profile* profile) : profile_(profile) {
    if (profile_) last_ = Clock::now();
  }
  void mark(Part part) {
    if (profile_) add(part);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void add(Part part) {
    const Clock::time_point now = Clock::now();
    profile_->seconds[static_cast<int>(part)] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

  Profile* profile_;
  Clock::time_point last_;
};

}  // namespace lstm::cpu
