#include "engine/session.h"

#include <cmath>
#include <string>
#include <utility>

namespace lstm {

Session::Session(NetworkConfig config, Device& device)
    : network_(std::move(config)),
      device_(device),
      params_(device),
      grads_(device),
      m_(device),
      v_(device),
      sums_(device),
      executor_(network_, device),
      io_(network_, device) {
  params_.reserve(network_.layout().size());
  grads_.reserve(network_.layout().size());
  sums_.reserve(1);
}

size_t Session::parameterBytes() const {
  return params_.sizeBytes() + grads_.sizeBytes() + m_.sizeBytes() + v_.sizeBytes();
}

void Session::initialize() {
  std::vector<float> values(network_.layout().size());
  const auto& parameters = network_.layout().parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    const std::span<float> out(values.data() + parameter.offset, parameter.size);
    const RandomKey key{network_.seed(), initializerStream(static_cast<int>(i)), 0};
    lstm::initialize(parameter.initializer, key, parameter.shape[0], parameter.size / parameter.shape[0],
                     out);
    if (parameter.forgetBias != 0)
      for (int64_t k = parameter.size / 4; k < parameter.size / 2; ++k) out[k] += parameter.forgetBias;
  }
  write(ArenaKind::kParams, values);
  zeroGradients();
  if (m_.data()) device_.zero(m_.data(), m_.sizeBytes());
  if (v_.data()) device_.zero(v_.data(), v_.sizeBytes());
  counters_ = {};
  resetStates();
}

void Session::load(const BatchInput& batch, const PassOptions& options) {
  pendingSteps_ = 0;
  if (!batch.seqLengths.empty() && batch.seqLengths.size() != static_cast<size_t>(batch.batchSize))
    throw ShapeMismatch("seqLengths: expected [" + std::to_string(batch.batchSize) + "], got [" +
                        std::to_string(batch.seqLengths.size()) + "]");
  shape_.assign(batch.batchSize, batch.timeSteps,
                batch.seqLengths.empty() ? nullptr : batch.seqLengths.data());
  executor_.plan(shape_, options);
  io_.loadInput(batch, executor_);
}

bool Session::takesStates(const BatchInput& batch) const {
  return !batch.states.empty() || (batch.carryStates && carriedBatchSize_ == batch.batchSize);
}

void Session::runForward(const BatchInput& batch, bool initialStates, const CancelCheck& cancel) {
  if (initialStates) io_.loadStates(batch.states.empty() ? carried_ : batch.states, executor_);
  executor_.forward(params_.data(), version_, static_cast<uint32_t>(counters_.draws), initialStates, cancel);
}

void Session::keepCarriedStates(const BatchInput& batch) {
  if (!batch.carryStates) return;
  io_.storeStates(executor_, &NodeBuffers::hn, &NodeBuffers::cn, carried_);
  carriedBatchSize_ = batch.batchSize;
}

bool Session::logitsFor(LossKind loss) const {
  if (loss == LossKind::kMse) return false;
  const auto* dense = std::get_if<DenseNode>(&network_.output().config.kind);
  const Activation own = loss == LossKind::kCrossEntropy ? Activation::kSoftmax : Activation::kSigmoid;
  if (!dense || (dense->activation != Activation::kLinear && dense->activation != own))
    throw InvalidArgument(
        loss == LossKind::kCrossEntropy
            ? "crossEntropy: expected a dense output with softmax or linear activation"
            : "binaryCrossEntropy: expected a dense output with sigmoid or linear activation");
  return true;
}

LossResult Session::runLoss(const BatchInput& batch, const TargetInput& targets, float* dOutput) {
  const DeviceTargets at = io_.loadTargets(targets, batch, executor_);
  const int classes = network_.output().out.channels;
  LossResult result;
  result.rows = executor_.outputRows();
  result.elements = targets.loss == LossKind::kCrossEntropy ? result.rows : result.rows * classes;
  device_.loss({targets.loss, result.rows, classes, executor_.output(), at.ids, at.values, at.rowWeights,
                dOutput, &sums_.data()->loss});
  return result;
}

namespace {

void fillResult(LossResult& result, const LossSums& sums, double penalty) {
  result.penalty = penalty;
  result.loss = sums.loss / static_cast<double>(result.elements) + penalty;
  result.correct = sums.correct;
  result.absoluteError = sums.absoluteError;
  result.squaredError = sums.squaredError;
}

}  // namespace

void Session::forwardBackward(const BatchInput& batch, const TargetInput& targets, bool inputGradient,
                              LossResult& result, const CancelCheck& cancel) {
  cancel.throwIfCancelled();
  load(batch, {true, inputGradient, logitsFor(targets.loss)});
  runForward(batch, takesStates(batch), cancel);
  result = runLoss(batch, targets, executor_.outputGradient());
  executor_.backward(params_.data(), version_, grads_.data(), false, cancel);
}

std::pair<LossResult, UpdateResult> Session::trainStep(const BatchInput& batch, const TargetInput& targets,
                                                       const UpdateConfig& update,
                                                       const CancelCheck& cancel) {
  LossResult result;
  requireMoments(update.kind);
  try {
    forwardBackward(batch, targets, false, result, cancel);
    cancel.throwIfCancelled();
  } catch (...) {
    zeroGradients();
    throw;
  }
  ++counters_.draws;
  const UpdateResult applied = runUpdate(update, &sums_.data()->loss);
  LossSums sums;
  device_.copyOut(&sums, &sums_.data()->loss, sizeof(sums));
  fillResult(result, sums, applied.penalty);
  if (applied.applied) keepCarriedStates(batch);
  return {result, applied};
}

LossResult Session::evaluate(const BatchInput& batch, const TargetInput& targets, const CancelCheck& cancel) {
  cancel.throwIfCancelled();
  load(batch, {false, false, logitsFor(targets.loss)});
  runForward(batch, takesStates(batch), cancel);
  LossResult result = runLoss(batch, targets, nullptr);
  LossSums sums;
  device_.copyOut(&sums, &sums_.data()->loss, sizeof(sums));
  const ParameterLayout& layout = network_.layout();
  fillResult(result, sums, layout.hasPenalties() ? device_.penalty(layout.rows(), params_.data()) : 0);
  keepCarriedStates(batch);
  return result;
}

void Session::predict(const BatchInput& batch, std::vector<float>& y, std::vector<float>* states,
                      const CancelCheck& cancel) {
  cancel.throwIfCancelled();
  load(batch, {});
  runForward(batch, takesStates(batch), cancel);
  io_.storeRows(executor_.output(), network_.output().out, batch.timeSteps, shape_, y);
  if (states) io_.storeStates(executor_, &NodeBuffers::hn, &NodeBuffers::cn, *states);
  keepCarriedStates(batch);
}

LossResult Session::gradients(const BatchInput& batch, const TargetInput& targets,
                              std::vector<float>& gradients, std::vector<float>& inputGradient,
                              const CancelCheck& cancel) {
  std::vector<float> before;
  if (accumulated_) read(ArenaKind::kGrads, before);
  const auto restore = [&] {
    zeroGradients();
    if (!before.empty()) write(ArenaKind::kGrads, before);
  };
  LossResult result;
  zeroGradients();
  try {
    forwardBackward(batch, targets, true, result, cancel);
  } catch (...) {
    restore();
    throw;
  }
  read(ArenaKind::kGrads, gradients);
  const double penalty = addPenaltyGradients(gradients);
  io_.storeRows(executor_.inputGradient(), network_.gradientInput(), batch.timeSteps, shape_, inputGradient);
  LossSums sums;
  device_.copyOut(&sums, &sums_.data()->loss, sizeof(sums));
  fillResult(result, sums, penalty);
  restore();
  return result;
}

// The update folds penalties into its own passes and never writes them back, so a reader of gradients adds them here.
double Session::addPenaltyGradients(std::vector<float>& gradients) {
  const ParameterLayout& layout = network_.layout();
  if (!layout.hasPenalties()) return 0;
  std::vector<float> params;
  read(ArenaKind::kParams, params);
  for (const Parameter& p : layout.parameters()) {
    if (!p.trainable) continue;
    for (int64_t i = p.offset; i < p.offset + p.size; ++i)
      gradients[i] += p.l1 * ((params[i] > 0) - (params[i] < 0)) + 2 * p.l2 * params[i];
  }
  return device_.penalty(layout.rows(), params_.data());
}

void Session::forward(const BatchInput& batch, bool training, std::vector<float>& y,
                      std::vector<float>& states, const CancelCheck& cancel) {
  cancel.throwIfCancelled();
  load(batch, {training, training, false});
  runForward(batch, takesStates(batch), cancel);
  io_.storeRows(executor_.output(), network_.output().out, batch.timeSteps, shape_, y);
  io_.storeStates(executor_, &NodeBuffers::hn, &NodeBuffers::cn, states);
  keepCarriedStates(batch);
  if (training) {
    ++counters_.draws;
    pendingSteps_ = batch.timeSteps;
  }
}

void Session::backward(const std::vector<float>& dy, const std::vector<float>& dStates,
                       std::vector<float>& dx, std::vector<float>& dInitialStates,
                       const CancelCheck& cancel) {
  if (pendingSteps_ == 0)
    throw InvalidState(
        "backward: expected a training forward right before it, with no other work in between");
  const NodeShape& out = network_.output().out;
  const int64_t steps = out.sequence ? pendingSteps_ : 1;
  const size_t expected = static_cast<size_t>(shape_.batchSize) * steps * out.channels;
  if (dy.size() != expected)
    throw ShapeMismatch("dy: expected " + std::to_string(expected) + " numbers as in y, got " +
                        std::to_string(dy.size()));
  io_.loadRows(dy.data(), out, pendingSteps_, shape_, executor_.outputGradient());
  if (dStates.empty()) {
    const std::vector<float> zeros(io_.stateFloats(shape_.batchSize), 0.0f);
    io_.loadStatePair(zeros, executor_, &NodeBuffers::dhn, &NodeBuffers::dcn);
  } else {
    io_.loadStatePair(dStates, executor_, &NodeBuffers::dhn, &NodeBuffers::dcn);
  }
  const int paddedSteps = std::exchange(pendingSteps_, 0);
  accumulated_ = true;
  try {
    executor_.backward(params_.data(), version_, grads_.data(), true, cancel);
  } catch (...) {
    zeroGradients();
    throw;
  }
  io_.storeRows(executor_.inputGradient(), network_.gradientInput(), paddedSteps, shape_, dx);
  io_.storeStates(executor_, &NodeBuffers::dh0, &NodeBuffers::dc0, dInitialStates);
}

void Session::zeroGradients() {
  device_.zero(grads_.data(), grads_.sizeBytes());
  accumulated_ = false;
}

UpdateResult Session::applyUpdate(const UpdateConfig& update) {
  requireMoments(update.kind);
  pendingSteps_ = 0;
  return runUpdate(update, nullptr);
}

void Session::requireMoments(UpdateKind kind) {
  m_.reserve(network_.layout().size());
  if (kind == UpdateKind::kAdam) v_.reserve(network_.layout().size());
}

UpdateResult Session::runUpdate(const UpdateConfig& update, const LossSums* loss) {
  device_.update({update, counters_.step + 1, network_.layout().rows(), params_.data(), grads_.data(),
                  m_.data(), update.kind == UpdateKind::kAdam ? v_.data() : nullptr, loss,
                  &sums_.data()->update});
  accumulated_ = false;
  UpdateSums sums;
  device_.copyOut(&sums, &sums_.data()->update, sizeof(sums));
  if (sums.applied) {
    ++counters_.step;
    ++version_;
  }
  return {std::sqrt(sums.squaredNorm), sums.penalty, sums.applied != 0, counters_.step};
}

DeviceBuffer<float>& Session::arena(ArenaKind kind) {
  switch (kind) {
    case ArenaKind::kParams:
      return params_;
    case ArenaKind::kGrads:
      return grads_;
    case ArenaKind::kM:
      return m_;
    default:
      return v_;
  }
}

void Session::read(ArenaKind kind, std::vector<float>& out) {
  const DeviceBuffer<float>& from = arena(kind);
  out.assign(network_.layout().size(), 0.0f);
  if (from.data()) device_.copyOut(out.data(), from.data(), from.sizeBytes());
}

void Session::write(ArenaKind kind, const std::vector<float>& data) {
  const size_t size = network_.layout().size();
  if (data.size() != size)
    throw ShapeMismatch("expected " + std::to_string(size) + " numbers, got " + std::to_string(data.size()));
  for (size_t i = 0; i < size; ++i)
    if (!std::isfinite(data[i])) throw InvalidData("expected finite numbers, got " + std::to_string(data[i]));
  DeviceBuffer<float>& to = arena(kind);
  to.reserve(size);
  device_.copyIn(to.data(), data.data(), size * sizeof(float));
  if (kind == ArenaKind::kParams) {
    ++version_;
    pendingSteps_ = 0;
  }
  if (kind == ArenaKind::kGrads) accumulated_ = true;
}

void Session::setCarriedStates(int batchSize, const std::vector<float>& states) {
  if (batchSize < 0 || states.size() != io_.stateFloats(batchSize))
    throw ShapeMismatch("carried states: expected " +
                        std::to_string(io_.stateFloats(batchSize < 0 ? 0 : batchSize)) + " numbers, got " +
                        std::to_string(states.size()));
  carried_ = states;
  carriedBatchSize_ = batchSize;
}

}  // namespace lstm
