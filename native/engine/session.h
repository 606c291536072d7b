#pragma once

#include <cstdint>
#include <vector>

#include "engine/batch_io.h"
#include "engine/cancel.h"
#include "engine/device.h"
#include "engine/executor.h"
#include "engine/network.h"

namespace lstm {

enum class ArenaKind { kParams, kGrads, kM, kV };

struct LossResult {
  double loss = 0;  // mean over live elements + penalty
  double penalty = 0;
  int64_t elements = 0;
  int64_t rows = 0;
  double correct = 0;
  double absoluteError = 0;
  double squaredError = 0;
};

struct UpdateResult {
  double gradNorm = 0;
  double penalty = 0;
  bool applied = false;
  int64_t step = 0;
};

struct Counters {
  int64_t step = 0;   // updates applied
  int64_t draws = 0;  // training passes drawn for
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
  std::pair<LossResult, UpdateResult> trainStep(const BatchInput& batch, const TargetInput& targets,
                                                const UpdateConfig& update, const CancelCheck& cancel);
  LossResult evaluate(const BatchInput& batch, const TargetInput& targets, const CancelCheck& cancel);
  // y as BatchIo::storeRows gives it; states (may be null) as in BatchInput.
  void predict(const BatchInput& batch, std::vector<float>& y, std::vector<float>* states,
               const CancelCheck& cancel);
  LossResult gradients(const BatchInput& batch, const TargetInput& targets, std::vector<float>& gradients,
                       std::vector<float>& inputGradient, const CancelCheck& cancel);

  void forward(const BatchInput& batch, bool training, std::vector<float>& y, std::vector<float>& states,
               const CancelCheck& cancel);
  // dStates empty = zeros. Throws InvalidState without a training forward before it.
  void backward(const std::vector<float>& dy, const std::vector<float>& dStates, std::vector<float>& dx,
                std::vector<float>& dInitialStates, const CancelCheck& cancel);
  void zeroGradients();
  UpdateResult applyUpdate(const UpdateConfig& update);

  void read(ArenaKind kind, std::vector<float>& out);
  void write(ArenaKind kind, const std::vector<float>& data);
  Counters counters() const { return counters_; }
  void setCounters(const Counters& counters) { counters_ = counters; }

  // The states carried from batch to batch, as in BatchInput; N = 0: none.
  int carriedBatchSize() const { return carriedBatchSize_; }
  const std::vector<float>& carriedStates() const { return carried_; }
  void setCarriedStates(int batchSize, const std::vector<float>& states);
  void resetStates() { carriedBatchSize_ = 0; }

 private:
  struct Sums {
    LossSums loss;
    UpdateSums update;
  };

  void load(const BatchInput& batch, const PassOptions& options);
  void runForward(const BatchInput& batch, bool initialStates, const CancelCheck& cancel);
  bool takesStates(const BatchInput& batch) const;
  void keepCarriedStates(const BatchInput& batch);
  bool logitsFor(LossKind loss) const;
  LossResult runLoss(const BatchInput& batch, const TargetInput& targets, float* dOutput);
  void forwardBackward(const BatchInput& batch, const TargetInput& targets, bool inputGradient,
                       LossResult& result, const CancelCheck& cancel);
  double addPenaltyGradients(std::vector<float>& gradients);
  UpdateResult runUpdate(const UpdateConfig& update, const LossSums* loss);
  void requireMoments(UpdateKind kind);
  DeviceBuffer<float>& arena(ArenaKind kind);

  Network network_;
  Device& device_;
  DeviceBuffer<float> params_;
  DeviceBuffer<float> grads_;
  DeviceBuffer<float> m_;  // allocated by the first update that needs them
  DeviceBuffer<float> v_;
  DeviceBuffer<Sums> sums_;
  Executor executor_;
  BatchIo io_;
  BatchShape shape_;
  Counters counters_;
  uint64_t version_ = 1;
  int pendingSteps_ = 0;      // padded T of the training forward that awaits its backward; 0 = none
  bool accumulated_ = false;  // the gradient arena holds something
  std::vector<float> carried_;
  int carriedBatchSize_ = 0;
};

}  // namespace lstm
