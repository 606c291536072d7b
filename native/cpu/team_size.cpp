#include "cpu/team_size.h"

#include <algorithm>

namespace lstm::cpu {
namespace {

// Of regions, before they are judged: several turns of a scheduler.
constexpr int64_t kWindowNs = 12'000'000;
// A team that does less than this share of its threads' work gives half of them up: after so many windows in turn, as one
// in twenty is poor on an idle machine as well.
constexpr double kWorthwhile = 0.6;
constexpr int kPoorWindows = 3;
// Until the larger team is tried again; twice as long each time that it does not pay.
constexpr int64_t kShortestPauseNs = 25'000'000;
constexpr int64_t kLongestPauseNs = 1'600'000'000;

}  // namespace

int TeamSize::at(int64_t wallNs) {
  if (reduced() && !trying_ && wallNs >= retryNs_) {
    size_ = std::min(most_, 2 * size_);
    trying_ = true;
    tookNs_ = heldNs_ = computedNs_ = 0;
  }
  return size_;
}

void TeamSize::add(int count, int64_t endNs, int64_t tookNs, int64_t computedNs) {
  tookNs_ += tookNs;
  heldNs_ += count * tookNs;
  computedNs_ += computedNs;
  if (tookNs_ < kWindowNs) return;
  const bool pays = static_cast<double>(computedNs_) >= kWorthwhile * static_cast<double>(heldNs_);
  tookNs_ = heldNs_ = computedNs_ = 0;
  poorWindows_ = pays ? 0 : poorWindows_ + 1;
  if (poorWindows_ >= (trying_ ? 1 : kPoorWindows)) {
    poorWindows_ = 0;
    pauseNs_ = trying_ ? std::min(2 * pauseNs_, kLongestPauseNs) : kShortestPauseNs;
    retryNs_ = endNs + pauseNs_;
    size_ = std::max(1, size_ / 2);
  }
  trying_ = false;
}

}  // namespace lstm::cpu
