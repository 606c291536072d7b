#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/batch_io.h"
#include "engine/device.h"
#include "engine/executor.h"

namespace lstm {

enum class StartStates { kZeros, kLoaded, kCarried };

// Of one output.
struct HeadKey {
  LossConfig loss;
  MetricRequest metrics;
  float weight = 1;
  DeviceTargets targets;  // with elements 0

  bool operator==(const HeadKey&) const = default;
};

// All that the device calls of a training step depend on, but for StepScalars and what stands in buffers. Two steps with equal keys make the same calls with the same arguments: whatever an op takes from a
// batch's options, targets or update belongs in here.
struct StepKey {
  const void* session = nullptr;
  std::vector<int> lengths;  // BatchShape::lengths
  PassOptions options;
  std::vector<HeadKey> heads;  // by output
  StartStates startStates = StartStates::kZeros;
  bool keepsStates = false;  // carried states are replaced where the update is applied
  UpdateConfig update;       // with learningRate 0

  bool operator==(const StepKey&) const = default;
};

// What a step's work reads on the device that the host must bring there, whatever the key.
struct StepInputs {
  const BatchShape& shape;
  std::span<const TensorRow> rows;  // UpdateArgs::rows
};

// What a device can do whose calls come back before their work is done.
class RunAhead {
 public:
  virtual ~RunAhead() = default;

  // Does `work`, or the same work as recorded when it ran for an equal key. `work` makes device calls alone, waits for
  // none of them, and may be called twice: a recording that fails leaves nothing done.
  virtual void repeat(const StepKey& key, const StepInputs& inputs, const std::function<void()>& work) = 0;

  // Begins to bring `bytes` (at most 65536) to the host, behind the work before it; collect() waits for them. The latest
  // eight can be collected.
  virtual uint64_t fetch(const void* device, size_t bytes) = 0;
  virtual void collect(uint64_t ticket, void* host, size_t bytes) = 0;

  // to[i] = from[i] where *flag, in device memory, is not 0 when its turn comes.
  virtual void copyIf(float* to, const float* from, int64_t count, const int32_t* flag) = 0;
};

}  // namespace lstm
