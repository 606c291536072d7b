#pragma once

#include <atomic>
#include <cstdint>

#include "engine/errors.h"

namespace lstm {

// A job's view of its session's "everything up to ticket X is cancelled" mark. Checked between nodes, so a
// step ends early but never between the pieces of an update.
struct CancelCheck {
  const std::atomic<uint64_t>* cancelledUpTo = nullptr;
  uint64_t ticket = 0;

  void throwIfCancelled() const {
    if (cancelledUpTo && cancelledUpTo->load(std::memory_order_relaxed) >= ticket)
      throw Aborted("the work was aborted");
  }
};

}  // namespace lstm
