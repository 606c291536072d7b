#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <vector>

#include "engine/batch_io.h"
#include "engine/cancel.h"
#include "engine/carried_states.h"
#include "engine/device.h"
#include "engine/executor.h"
#include "engine/network.h"

namespace lstm {

enum class ArenaKind { kParams, kGrads, kM, kV, kAux, kAverage };

struct LossResult {
  double loss =
      0;  // mean over live elements + penalty; of several outputs the weighted sum of the means + penalty
  double penalty = 0;
  // By output, where there are several, each without weight and penalty; what is counted below is theirs then.
  std::vector<LossResult> heads;
  double elements = 0;  // what the mean divides by
  int64_t rows = 0;
  double correct = 0;
  double absoluteError = 0;
  double squaredError = 0;
  double logLikelihood = 0;
  double count = 0;
  // As asked for in TargetInput::metrics, else empty.
  std::vector<double> classCounts, confusion, ranked, targetSums;
  std::vector<float> outputs;  // [N, T, K] or [N, K], as the loss got them
};

struct UpdateResult {
  double gradNorm = 0;
  double penalty = 0;
  bool applied = false;
  int64_t step = 0;
  float lossScale = 1;  // that the gradients were computed with
};

struct Counters {
  int64_t step = 0;       // updates applied
  int64_t draws = 0;      // training passes drawn for
  float lossScale = 0;    // fp16's, dynamic; 0, and on other devices: where it starts
  int32_t goodSteps = 0;  // updates applied since it changed
  int64_t averaged = 0;   // updates in the average of the weights
  int passes = 0;         // passes whose gradients wait for the update they are accumulated for
};

// One network with its parameters, gradients and moments on a device, and the whole step. Everything runs on the
// device's own thread; nothing here is thread-safe. A call that throws leaves parameters, moments, counters and
// carried states as they were and the gradients clear.
class Session {
 public:
  // Allocates parameters and gradients (zero). Throws InvalidArgument, OutOfMemory.
  Session(NetworkConfig config, Device& device);

  const Network& network() const { return network_; }
  size_t parameterBytes() const;
  size_t activationBytes() const { return executor_.activationBytes(); }

  void initialize();

  // Copy in, forward, loss and dy, backward, penalties, clip + update. Not applied when loss or norm is not finite.
  std::pair<LossResult, UpdateResult> trainStep(const BatchInput& batch, HeadTargets targets,
                                                const UpdateConfig& update, const CancelCheck& cancel);
  // The same in two halves, so that on a device that runs ahead (Device::ahead) a step begins before the one before it
  // is over. finishStep() ends the earliest that has begun. A step that was not applied changes nothing for the ones
  // behind it; a failure while a step runs ends it and, the device being lost, all behind it. With a step under way
  // only these two may be called.
  void beginStep(const BatchInput& batch, HeadTargets targets, const UpdateConfig& update,
                 const CancelCheck& cancel);
  std::pair<LossResult, UpdateResult> finishStep();
  LossResult evaluate(const BatchInput& batch, HeadTargets targets, const CancelCheck& cancel);
  // y by output, each as BatchIo::storeRows gives it; states (may be null) as in BatchInput.
  void predict(const BatchInput& batch, std::vector<std::vector<float>>& y, std::vector<float>* states,
               const CancelCheck& cancel);
  LossResult gradients(const BatchInput& batch, HeadTargets targets, std::vector<float>& gradients,
                       std::vector<float>& inputGradient, const CancelCheck& cancel);

  // These two throw InvalidState for a network of several outputs.
  void forward(const BatchInput& batch, bool training, std::vector<float>& y, std::vector<float>& states,
               const CancelCheck& cancel);
  // dStates empty = zeros. Throws InvalidState without a training forward before it.
  void backward(const std::vector<float>& dy, const std::vector<float>& dStates, std::vector<float>& dx,
                std::vector<float>& dInitialStates, const CancelCheck& cancel);
  void zeroGradients();
  // All gradients there are, whatever update.accumulate says.
  UpdateResult applyUpdate(const UpdateConfig& update);
  // Exchanges the parameters with their average. Throws InvalidState where there is none.
  void swapAverage();

  void read(ArenaKind kind, std::vector<float>& out);
  void write(ArenaKind kind, const std::vector<float>& data);
  Counters counters();
  void setCounters(const Counters& counters);

  // The states carried from batch to batch, as in BatchInput; N = 0: none.
  int carriedBatchSize() const { return carried_.batchSize(); }
  const std::vector<float>& carriedStates() { return carried_.host(); }
  void setCarriedStates(int batchSize, const std::vector<float>& states);
  void resetStates() { carried_.reset(); }

 private:
  // What the host writes of StepScalars before a pass: its first two fields.
  struct PassScalars {
    uint32_t drawStep;
    float learningRate;
  };
  struct Sums {
    double activationPenalty;
    UpdateSums update;
    int32_t always;                // 1
    LossSums losses[kMaxOutputs];  // as many as there are outputs
  };
  struct StepUnderWay {
    LossResult loss;
    std::vector<float> weights;  // by output
    UpdateResult update;
    bool updates = true;  // false: its gradients wait for a later pass
    uint64_t ticket = 0;  // of its sums, on a device that runs ahead
    bool isOver = false;
    std::exception_ptr failure;
  };

  void sendScalars(float learningRate);
  void writeStepScalars();  // as at the start
  void load(const BatchInput& batch, const PassOptions& options);
  void runForward(const BatchInput& batch, const CancelCheck& cancel);
  bool takesStates(const BatchInput& batch) const;
  // kCarried leaves the copy to the caller: carried_.take().
  StartStates loadStartStates(const BatchInput& batch);
  void keepCarriedStates(const BatchInput& batch);
  // PassOptions::logits. Checks losses and metrics against the outputs on the way.
  uint32_t logitsFor(HeadTargets targets) const;
  bool leavesLogits(int head, const TargetInput& targets) const;
  // Losses and the metrics that are asked for. With a `scale` the outputs' gradients too, so many times too large; with
  // kLossScale as many times as the scalars' lossScale.
  static constexpr float kNoGradient = -1, kLossScale = 0;
  void runLosses(HeadTargets targets, const std::vector<DeviceTargets>& at, float scale);
  void runLoss(int head, const TargetInput& targets, const DeviceTargets& at, float scale);
  // Into `gradients` and `inputGradient`, computed in a scale that keeps them finite.
  LossResult scaledGradients(const BatchInput& batch, HeadTargets targets, std::vector<float>& gradients,
                             std::vector<float>& inputGradient, const CancelCheck& cancel);
  void endStep(StepUnderWay& step);
  void endStepsUnderWay();
  void runMetrics(int head, const TargetInput& targets, const DeviceTargets& at, double* counts);
  MetricLayout metricsOf(int head, const TargetInput& targets) const;
  bool countsMetrics(HeadTargets targets) const;
  // What a pass came to: its sums, and, brought from the device, what was counted beside them.
  LossResult resultOf(const std::vector<DeviceTargets>& at) const;
  size_t sumsBytes() const;
  static void takeHead(const LossSums& sums, LossResult& result);
  static void takeSums(const Sums& sums, const std::vector<float>& weights, double penalty,
                       LossResult& result);
  void fetchMetrics(const BatchInput& batch, HeadTargets targets, LossResult& result);
  double addPenaltyGradients(std::vector<float>& gradients);
  void runUpdate(const UpdateConfig& update, const LossSums* loss);
  UpdateResult takeUpdate(const UpdateSums& sums);
  void requireState(const UpdateConfig& update);
  void useGroups(const UpdateConfig& update);
  bool beginPass(const UpdateConfig& update);  // whether it ends with the update
  DeviceBuffer<float>& arena(ArenaKind kind);

  Network network_;
  Device& device_;
  DeviceBuffer<float> params_;
  DeviceBuffer<float> grads_;
  DeviceBuffer<float> m_;  // allocated by the first update that needs them
  DeviceBuffer<float> v_;
  DeviceBuffer<float> aux_;
  DeviceBuffer<float> average_;
  DeviceBuffer<Sums> sums_;
  DeviceBuffer<StepScalars> scalars_;
  DeviceBuffer<double> counts_;  // laid out by metricLayout, one output's after the other's
  Executor executor_;
  BatchIo io_;
  BatchShape shape_;
  Counters counters_;  // step: what scalars_ has, as of the last update
  uint64_t version_ = 1;
  int pendingSteps_ = 0;          // padded T of the training forward that awaits its backward; 0 = none
  bool accumulated_ = false;      // the gradient arena holds something
  std::vector<TensorRow> rows_;   // the layout's, with the last update's groups
  double passPenalty_ = 0;        // of the parameters that the waiting passes saw
  bool passPenaltyKnown_ = true;  // false: passes wait that another session has seen
  CarriedStates carried_;
  std::deque<StepUnderWay> underWay_;
};

}  // namespace lstm
