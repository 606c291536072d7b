#pragma once

#include <cstdint>
#include <vector>

#include "engine/batch_io.h"
#include "engine/device_buffer.h"
#include "engine/executor.h"
#include "engine/run_ahead.h"

namespace lstm {

// The states that a session carries from batch to batch. A device that runs ahead keeps them in its own memory, in the
// order of the batch that left them, so that the next batch of that order takes them without the host; every other
// device's stay with the host.
class CarriedStates {
 public:
  CarriedStates(const Network& network, Device& device)
      : network_(network), device_(device), memory_(device) {}

  int batchSize() const { return batchSize_; }  // 0: none
  void reset() { batchSize_ = 0; }
  // As BatchInput::states.
  void set(int batchSize, const std::vector<float>& states);
  // As BatchInput::states; waits when the device has them.
  const std::vector<float>& host();

  // Whether take() and keepIf() serve a batch of this shape.
  bool standFor(const BatchShape& shape) const;
  // The node's h0 and c0 from what is carried.
  void take(const Executor& executor);
  // What is carried from the nodes' hn and cn; keepIf only where *flag is not 0.
  void keep(const Executor& executor, BatchIo& io);
  void keepIf(const Executor& executor, RunAhead& ahead, const int32_t* flag);
  // Tells that a keepIf() is on its way, also as part of recorded work.
  void keptOnDevice() { hostIsCurrent_ = false; }

 private:
  // Calls visit(node, isCell, stacks, width, at) for h and c of every lstm node: [stacks, batchSize, width] from float
  // `at` of memory_ on.
  template <typename Visit>
  void forEachState(int batchSize, Visit visit) const;

  const Network& network_;
  Device& device_;
  int batchSize_ = 0;
  bool hostIsCurrent_ = true;
  bool memoryIsCurrent_ = false;
  std::vector<float> host_;
  std::vector<int> order_;  // BatchShape::order of the batch that left memory_
  DeviceBuffer<float> memory_;
};

}  // namespace lstm
