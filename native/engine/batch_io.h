#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/device.h"
#include "engine/executor.h"
#include "engine/objective.h"

namespace lstm {

// A batch as the caller gives it: host memory, batch-major, padded to timeSteps. Vectors are reused between batches.
struct BatchInput {
  int batchSize = 0;
  int timeSteps = 0;
  std::vector<int32_t> tokens;      // [N, T], token networks
  std::vector<float> features;      // [N, T, C], feature networks
  std::vector<int32_t> seqLengths;  // [N], empty = all T
  std::vector<float> states;        // per lstm node h0 [L*D, N, P], then c0 [L*D, N, H]; empty = zeros
  bool carryStates = false;
  WeightForm weightForm = WeightForm::kFloat32;  // of the LSTMs; inference alone
};

// What one output is held against.
struct TargetInput {
  LossConfig loss;
  MetricRequest metrics;
  std::vector<int32_t> ids;          // [N] or [N, T]
  std::vector<float> values;         // [N, targets] or [N, T, targets]
  std::vector<float> sampleWeights;  // [N], of a sequence output also [N, T]; empty = 1
  float weight = 1;                  // of this output's mean loss in the sum that is learnt
};

// One for each of the network's outputs, in their order.
class HeadTargets : public std::span<const TargetInput> {
 public:
  HeadTargets(const TargetInput& only) : std::span<const TargetInput>(&only, 1) {}
  HeadTargets(const std::vector<TargetInput>& all) : std::span<const TargetInput>(all) {}
};

// Targets on the device, in the order of the output's rows.
struct DeviceTargets {
  const int32_t* ids = nullptr;
  const float* values = nullptr;
  const float* rowWeights = nullptr;
  const float* classWeights = nullptr;
  const float* quantiles = nullptr;
  const double* divisor = nullptr;  // of the mean, where rows do not all count alike
  double elements = 0;              // the same on the host, always there

  bool operator==(const DeviceTargets&) const = default;
};

// Moves batches between the caller's order (batch-major, padded) and the device's (packed, see BatchShape),
// checking every number on the way. Throws ShapeMismatch for sizes and InvalidData naming the caller's row.
class BatchIo {
 public:
  BatchIo(const Network& network, Device& device);

  // Into the executor's input buffers, which are planned for this batch's shape.
  void loadInput(const BatchInput& batch, const Executor& executor);
  // Into h0/c0 of every lstm node; `states` as in BatchInput.
  void loadStates(const std::vector<float>& states, const Executor& executor);
  // By output.
  std::vector<DeviceTargets> loadTargets(HeadTargets targets, const BatchInput& batch,
                                         const Executor& executor);

  // [rows or N, channels] on the device -> [N, T, channels] (zero beyond each length) or [N, channels].
  void storeRows(const float* device, const NodeShape& nodeShape, int paddedSteps, const BatchShape& shape,
                 std::vector<float>& out);
  // The other way: from the caller's layout into packed device rows.
  void loadRows(const float* host, const NodeShape& nodeShape, int paddedSteps, const BatchShape& shape,
                float* device);
  // First and second state of every lstm node (hn, cn or dh0, dc0), as in BatchInput::states.
  void storeStates(const Executor& executor, float* NodeBuffers::* first, float* NodeBuffers::* second,
                   std::vector<float>& out);
  void loadStatePair(const std::vector<float>& states, const Executor& executor, float* NodeBuffers::* first,
                     float* NodeBuffers::* second);
  // Floats of a `states` vector for N sequences.
  size_t stateFloats(int batchSize) const { return static_cast<size_t>(network_.stateSize()) * batchSize; }

 private:
  // Of one output.
  struct TargetBuffers {
    explicit TargetBuffers(Device& device);

    DeviceBuffer<int32_t> ids;
    DeviceBuffer<float> values;
    DeviceBuffer<float> rowWeights;
    DeviceBuffer<float> classWeights;
    DeviceBuffer<float> quantiles;
    DeviceBuffer<double> divisor;
    std::vector<float> sentClassWeights;  // what the device's tables hold
    std::vector<float> sentQuantiles;
  };
  // Where the targets of one output go.
  struct Head {
    const NodeShape& out;
    int64_t rows;
    TargetBuffers& to;
    const BatchInput& batch;
    const BatchShape& shape;
  };

  float* hostFor(float* device, size_t count);
  void send(float* device, const float* host, size_t count);
  DeviceTargets loadHead(const TargetInput& targets, const Head& head);
  void loadIds(const TargetInput& targets, const Head& head, DeviceTargets& result);
  void loadValues(const TargetInput& targets, const Head& head, DeviceTargets& result);
  void loadRowWeights(const std::vector<float>& weights, const Head& head, DeviceTargets& result);
  const float* table(DeviceBuffer<float>& device, std::vector<float>& sent, const std::vector<float>& wanted);

  const Network& network_;
  Device& device_;
  std::vector<float> staging_;
  std::vector<TargetBuffers> targets_;  // by output
  std::vector<int32_t> countedIds_;
};

}  // namespace lstm
