#include "engine/carried_states.h"

#include <cstring>

namespace lstm {

template <typename Visit>
void CarriedStates::forEachState(int batchSize, Visit visit) const {
  int64_t at = 0;
  for (size_t i = 0; i < network_.nodes().size(); ++i) {
    const auto* lstm = std::get_if<LstmNode>(&network_.nodes()[i].config.kind);
    if (!lstm) continue;
    const int64_t stacks = static_cast<int64_t>(lstm->lstm.numLayers) * lstm->lstm.directions();
    for (const bool isCell : {false, true}) {
      const int64_t width = isCell ? lstm->lstm.hiddenSize : lstm->lstm.outputSize();
      visit(static_cast<int>(i), isCell, stacks, width, at);
      at += stacks * batchSize * width;
    }
  }
}

void CarriedStates::set(int batchSize, const std::vector<float>& states) {
  host_ = states;
  batchSize_ = batchSize;
  hostIsCurrent_ = true;
  memoryIsCurrent_ = false;
}

const std::vector<float>& CarriedStates::host() {
  if (hostIsCurrent_ || batchSize_ == 0) return host_;
  const int64_t N = batchSize_;
  host_.resize(static_cast<size_t>(network_.stateSize()) * N);
  std::vector<float> packed(host_.size());
  device_.copyOut(packed.data(), memory_.data(), packed.size() * sizeof(float));
  forEachState(batchSize_, [&](int, bool, int64_t stacks, int64_t width, int64_t at) {
    for (int64_t s = 0; s < stacks; ++s)
      for (int64_t n = 0; n < N; ++n)
        std::memcpy(host_.data() + at + (s * N + order_[n]) * width, packed.data() + at + (s * N + n) * width,
                    width * sizeof(float));
  });
  hostIsCurrent_ = true;
  return host_;
}

bool CarriedStates::standFor(const BatchShape& shape) const {
  return memoryIsCurrent_ && batchSize_ == shape.batchSize && order_ == shape.order;
}

void CarriedStates::take(const Executor& executor) {
  forEachState(batchSize_, [&](int node, bool isCell, int64_t stacks, int64_t width, int64_t at) {
    const NodeBuffers& buffers = executor.buffers(node);
    device_.copyWithin(isCell ? buffers.c0 : buffers.h0, memory_.data() + at,
                       stacks * batchSize_ * width * sizeof(float));
  });
}

void CarriedStates::keep(const Executor& executor, BatchIo& io) {
  const BatchShape& shape = executor.shape();
  if (!device_.ahead()) {
    io.storeStates(executor, &NodeBuffers::hn, &NodeBuffers::cn, host_);
    hostIsCurrent_ = true;
    batchSize_ = shape.batchSize;
    return;
  }
  memoryIsCurrent_ = hostIsCurrent_ = false;
  memory_.reserve(static_cast<size_t>(network_.stateSize()) * shape.batchSize);
  forEachState(shape.batchSize, [&](int node, bool isCell, int64_t stacks, int64_t width, int64_t at) {
    const NodeBuffers& buffers = executor.buffers(node);
    device_.copyWithin(memory_.data() + at, isCell ? buffers.cn : buffers.hn,
                       stacks * shape.batchSize * width * sizeof(float));
  });
  batchSize_ = shape.batchSize;
  order_ = shape.order;
  memoryIsCurrent_ = true;
}

void CarriedStates::keepIf(const Executor& executor, RunAhead& ahead, const int32_t* flag) {
  forEachState(batchSize_, [&](int node, bool isCell, int64_t stacks, int64_t width, int64_t at) {
    const NodeBuffers& buffers = executor.buffers(node);
    ahead.copyIf(memory_.data() + at, isCell ? buffers.cn : buffers.hn, stacks * batchSize_ * width, flag);
  });
}

}  // namespace lstm
