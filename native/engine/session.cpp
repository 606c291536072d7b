#include "engine/session.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

namespace lstm {

namespace {

// Where the library drops between layers, each stack gets a seed of its own from the network's.
NetworkConfig seeded(NetworkConfig config, const Device& device) {
  for (size_t i = 0; device.dropsBetweenLayers() && i < config.nodes.size(); ++i)
    if (auto* lstm = std::get_if<LstmNode>(&config.nodes[i].kind))
      lstm->lstm.librarySeed = config.seed + 0x9e3779b97f4a7c15u * dropoutStream(static_cast<int>(i));
  return config;
}

std::vector<float> weightsOf(HeadTargets targets) {
  std::vector<float> weights;
  for (const TargetInput& head : targets) weights.push_back(head.weight);
  return weights;
}

void requireOneOutput(const Network& network, const char* call) {
  if (network.outputs().size() > 1)
    throw InvalidState(std::string(call) + ": expected a network of one output, got one of " +
                       std::to_string(network.outputs().size()));
}

}  // namespace

Session::Session(NetworkConfig config, Device& device)
    : network_(seeded(std::move(config), device)),
      device_(device),
      params_(device),
      grads_(device),
      m_(device),
      v_(device),
      aux_(device),
      average_(device),
      sums_(device),
      scalars_(device),
      counts_(device),
      executor_(network_, device),
      io_(network_, device),
      carried_(network_, device) {
  params_.reserve(network_.layout().size());
  grads_.reserve(network_.layout().size());
  sums_.reserve(1);
  executor_.setActivationPenalty(&sums_.data()->activationPenalty);
  scalars_.reserve(1);
  const int32_t always = 1;
  device_.copyIn(&sums_.data()->always, &always, sizeof(always));
  rows_ = network_.layout().rows();
  writeStepScalars();
}

static_assert(offsetof(StepScalars, drawStep) == 0 && offsetof(StepScalars, learningRate) == 4);

void Session::sendScalars(float learningRate) {
  const PassScalars pass = {static_cast<uint32_t>(counters_.draws), learningRate};
  device_.copyIn(scalars_.data(), &pass, sizeof(pass));
}

void Session::writeStepScalars() {
  const StepScalars scalars = {0, 0, 0, device_.initialLossScale(), 0, 0};
  device_.copyIn(scalars_.data(), &scalars, sizeof(scalars));
}

Counters Session::counters() {
  StepScalars scalars{};
  device_.copyOut(&scalars, scalars_.data(), sizeof(scalars));
  counters_.lossScale = scalars.lossScale;
  counters_.goodSteps = scalars.goodSteps;
  counters_.averaged = scalars.averaged;
  return counters_;
}

void Session::setCounters(const Counters& counters) {
  counters_ = counters;
  passPenaltyKnown_ = counters.passes == 0;
  const float initial = device_.initialLossScale();
  const bool keepsScale = initial != 1 && counters.lossScale > 0;
  const StepScalars scalars = {0,
                               0,
                               counters.step,
                               keepsScale ? counters.lossScale : initial,
                               keepsScale ? counters.goodSteps : 0,
                               counters.averaged};
  device_.copyIn(scalars_.data(), &scalars, sizeof(scalars));
}

size_t Session::parameterBytes() const {
  return params_.sizeBytes() + grads_.sizeBytes() + m_.sizeBytes() + v_.sizeBytes() + aux_.sizeBytes() +
         average_.sizeBytes();
}

void Session::initialize() {
  std::vector<float> values(network_.layout().size());
  for (const Parameter& parameter : network_.layout().parameters()) {
    const std::span<float> out(values.data() + parameter.offset, parameter.size);
    const RandomKey key{network_.seed(), initializerStream(parameter.drawIndex), 0};
    lstm::initialize(parameter.initializer, key, parameter.shape[0], parameter.size / parameter.shape[0],
                     out);
    if (parameter.forgetBias != 0)
      for (int64_t k = parameter.size / 4; k < parameter.size / 2; ++k) out[k] += parameter.forgetBias;
  }
  write(ArenaKind::kParams, values);
  zeroGradients();
  if (m_.data()) device_.zero(m_.data(), m_.sizeBytes());
  if (v_.data()) device_.zero(v_.data(), v_.sizeBytes());
  if (aux_.data()) device_.zero(aux_.data(), aux_.sizeBytes());
  if (average_.data()) device_.zero(average_.data(), average_.sizeBytes());
  counters_ = {};
  writeStepScalars();
  resetStates();
}

void Session::load(const BatchInput& batch, const PassOptions& options) {
  pendingSteps_ = 0;
  if (batch.weightForm != WeightForm::kFloat32 && (options.training || !device_.hasNarrowWeights()))
    throw InvalidArgument(options.training
                              ? "weights: expected float32 where gradients are computed"
                              : "weights: expected float32, which is all that this device knows");
  if (!batch.seqLengths.empty() && batch.seqLengths.size() != static_cast<size_t>(batch.batchSize))
    throw ShapeMismatch("seqLengths: expected [" + std::to_string(batch.batchSize) + "], got [" +
                        std::to_string(batch.seqLengths.size()) + "]");
  shape_.assign(batch.batchSize, batch.timeSteps,
                batch.seqLengths.empty() ? nullptr : batch.seqLengths.data());
  executor_.plan(shape_, options);
  io_.loadInput(batch, executor_);
}

bool Session::takesStates(const BatchInput& batch) const {
  return !batch.states.empty() || (batch.carryStates && carried_.batchSize() == batch.batchSize);
}

StartStates Session::loadStartStates(const BatchInput& batch) {
  if (!takesStates(batch)) return StartStates::kZeros;
  if (batch.states.empty() && carried_.standFor(shape_)) return StartStates::kCarried;
  io_.loadStates(batch.states.empty() ? carried_.host() : batch.states, executor_);
  return StartStates::kLoaded;
}

void Session::runForward(const BatchInput& batch, const CancelCheck& cancel) {
  const StartStates start = loadStartStates(batch);
  if (start == StartStates::kCarried) carried_.take(executor_);
  executor_.forward(params_.data(), version_, static_cast<uint32_t>(counters_.draws), scalars_.data(),
                    start != StartStates::kZeros, cancel);
}

void Session::keepCarriedStates(const BatchInput& batch) {
  if (batch.carryStates) carried_.keep(executor_, io_);
}

bool Session::leavesLogits(int head, const TargetInput& targets) const {
  const LossKind loss = targets.loss.kind;
  const Node& output = network_.output(head);
  checkLoss(targets.loss, output.out.channels);
  checkMetrics(targets.metrics, targets.loss, output.out.channels);
  if (!(targets.weight >= 0) || !std::isfinite(targets.weight))
    throw InvalidArgument("weight: expected a finite number from 0, got " + std::to_string(targets.weight));
  if (loss != LossKind::kCrossEntropy && loss != LossKind::kBinaryCrossEntropy) return false;
  const auto* dense = std::get_if<DenseNode>(&output.config.kind);
  const Activation own = loss == LossKind::kCrossEntropy ? Activation::kSoftmax : Activation::kSigmoid;
  if (!dense || (dense->activation != Activation::kLinear && dense->activation != own))
    throw InvalidArgument(
        loss == LossKind::kCrossEntropy
            ? "crossEntropy: expected a dense output with softmax or linear activation"
            : "binaryCrossEntropy: expected a dense output with sigmoid or linear activation");
  return true;
}

uint32_t Session::logitsFor(HeadTargets targets) const {
  const size_t count = network_.outputs().size();
  if (targets.size() != count)
    throw InvalidArgument("targets: expected those of " + std::to_string(count) + " outputs, got " +
                          std::to_string(targets.size()));
  uint32_t logits = 0;
  for (size_t head = 0; head < count; ++head)
    logits |= uint32_t{leavesLogits(static_cast<int>(head), targets[head])} << head;
  return logits;
}

LossResult Session::resultOf(const std::vector<DeviceTargets>& at) const {
  const auto head = [&](size_t i) {
    LossResult result;
    result.rows = executor_.outputRows(static_cast<int>(i));
    result.elements = at[i].elements;
    return result;
  };
  if (at.size() == 1) return head(0);
  LossResult all;
  for (size_t i = 0; i < at.size(); ++i) all.heads.push_back(head(i));
  return all;
}

void Session::runLosses(HeadTargets targets, const std::vector<DeviceTargets>& at, float scale) {
  size_t counted = 0;
  for (size_t i = 0; i < targets.size(); ++i) counted += metricsOf(static_cast<int>(i), targets[i]).size;
  counts_.reserve(counted);
  double* counts = counts_.data();
  for (size_t i = 0; i < targets.size(); ++i) {
    const int head = static_cast<int>(i);
    runLoss(head, targets[i], at[i], scale);
    runMetrics(head, targets[i], at[i], counts);
    counts += metricsOf(head, targets[i]).size;
  }
}

void Session::runLoss(int head, const TargetInput& targets, const DeviceTargets& at, float scale) {
  const LossConfig& loss = targets.loss;
  LossArgs args{loss.kind,
                executor_.outputRows(head),
                network_.output(head).out.channels,
                executor_.output(head),
                at.ids,
                at.values,
                at.rowWeights,
                scale == kNoGradient ? nullptr : executor_.outputGradient(head),
                &sums_.data()->losses[head]};
  args.gradientScale = targets.weight * (scale > 0 ? scale : 1);
  args.scalars = scale > 0 ? nullptr : scalars_.data();
  args.elements = at.divisor;
  args.classWeights = at.classWeights;
  args.quantiles = at.quantiles;
  args.quantileCount = static_cast<int>(loss.quantiles.size());
  args.delta = loss.delta;
  args.labelSmoothing = loss.labelSmoothing;
  args.full = loss.full;
  args.weighMetrics = targets.metrics.weighted;
  device_.loss(args);
}

MetricLayout Session::metricsOf(int head, const TargetInput& targets) const {
  return metricLayout(targets.metrics, targets.loss, network_.output(head).out.channels);
}

void Session::runMetrics(int head, const TargetInput& targets, const DeviceTargets& at, double* counts) {
  const MetricRequest& request = targets.metrics;
  const LossConfig& loss = targets.loss;
  const MetricLayout place = metricsOf(head, targets);
  if (place.size == 0) return;
  MetricArgs args{};
  args.kind = loss.kind;
  args.rows = executor_.outputRows(head);
  args.classes = network_.output(head).out.channels;
  args.channelsPerTarget = loss.channelsPerTarget();
  args.predictions = executor_.output(head);
  args.ids = at.ids;
  args.values = at.values;
  args.rowWeights = request.weighted ? at.rowWeights : nullptr;
  args.classCounts = place.classCountsSize ? counts + place.classCounts : nullptr;
  args.confusion = place.confusionSize ? counts + place.confusion : nullptr;
  args.ranked = place.rankedSize ? counts + place.ranked : nullptr;
  args.topK = request.topK;
  args.targetSums = place.targetSumsSize ? counts + place.targetSums : nullptr;
  args.point = request.point;
  args.lower = request.lower;
  args.upper = request.upper;
  args.halfWidth = request.halfWidth;
  device_.metrics(args);
}

bool Session::countsMetrics(HeadTargets targets) const {
  for (size_t i = 0; i < targets.size(); ++i)
    if (targets[i].metrics.outputs || metricsOf(static_cast<int>(i), targets[i]).size > 0) return true;
  return false;
}

size_t Session::sumsBytes() const {
  return offsetof(Sums, losses) + network_.outputs().size() * sizeof(LossSums);
}

void Session::takeHead(const LossSums& sums, LossResult& result) {
  result.loss = result.elements > 0 ? sums.loss / result.elements : 0;
  result.correct = sums.correct;
  result.absoluteError = sums.absoluteError;
  result.squaredError = sums.squaredError;
  result.logLikelihood = sums.logLikelihood;
  result.count = sums.count;
}

void Session::takeSums(const Sums& sums, const std::vector<float>& weights, double penalty,
                       LossResult& result) {
  if (result.heads.empty()) {
    takeHead(sums.losses[0], result);
    result.loss *= weights[0];
  }
  for (size_t i = 0; i < result.heads.size(); ++i) {
    takeHead(sums.losses[i], result.heads[i]);
    result.loss += weights[i] * result.heads[i].loss;
  }
  result.penalty = penalty;
  result.loss += penalty;
}

void Session::fetchMetrics(const BatchInput& batch, HeadTargets targets, LossResult& result) {
  size_t from = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const int head = static_cast<int>(i);
    LossResult& own = result.heads.empty() ? result : result.heads[i];
    const MetricLayout place = metricsOf(head, targets[i]);
    if (place.size > 0) {
      std::vector<double> counts(place.size);
      device_.copyOut(counts.data(), counts_.data() + from, place.size * sizeof(double));
      const auto cut = [&](size_t begin, size_t size) {
        return std::vector<double>(counts.begin() + begin, counts.begin() + begin + size);
      };
      own.classCounts = cut(place.classCounts, place.classCountsSize);
      own.confusion = cut(place.confusion, place.confusionSize);
      own.ranked = cut(place.ranked, place.rankedSize);
      own.targetSums = cut(place.targetSums, place.targetSumsSize);
    }
    if (targets[i].metrics.outputs)
      io_.storeRows(executor_.output(head), network_.output(head).out, batch.timeSteps, shape_, own.outputs);
    from += place.size;
  }
}

std::pair<LossResult, UpdateResult> Session::trainStep(const BatchInput& batch, HeadTargets targets,
                                                       const UpdateConfig& update,
                                                       const CancelCheck& cancel) {
  beginStep(batch, targets, update, cancel);
  return finishStep();
}

void Session::beginStep(const BatchInput& batch, HeadTargets targets, const UpdateConfig& update,
                        const CancelCheck& cancel) {
  RunAhead* ahead = device_.ahead();
  StepUnderWay step;
  bool keepsStates = false;
  requireState(update);
  sendScalars(update.learningRate);
  try {
    step.updates = beginPass(update);
    cancel.throwIfCancelled();
    const PassOptions options = {true, false, logitsFor(targets)};
    load(batch, options);
    if (takesStates(batch) && batch.states.empty() && !carried_.standFor(shape_)) endStepsUnderWay();
    const StartStates start = loadStartStates(batch);
    const std::vector<DeviceTargets> at = io_.loadTargets(targets, batch, executor_);
    step.loss = resultOf(at);
    step.weights = weightsOf(targets);
    keepsStates = ahead && batch.carryStates && start == StartStates::kCarried;
    const auto work = [&] {
      if (start == StartStates::kCarried) carried_.take(executor_);
      executor_.forward(params_.data(), version_, static_cast<uint32_t>(counters_.draws), scalars_.data(),
                        start != StartStates::kZeros, cancel);
      runLosses(targets, at, kLossScale);
      executor_.backward(params_.data(), version_, grads_.data(), false, cancel);
      cancel.throwIfCancelled();
      if (step.updates) runUpdate(update, sums_.data()->losses);
      if (keepsStates)
        carried_.keepIf(executor_, *ahead,
                        step.updates ? &sums_.data()->update.applied : &sums_.data()->always);
    };
    if (ahead) {
      StepKey key = {this, shape_.lengths, options, {}, start, keepsStates, update};
      for (size_t i = 0; i < at.size(); ++i) {
        key.heads.push_back({targets[i].loss, targets[i].metrics, targets[i].weight, at[i]});
        key.heads.back().targets.elements = 0;  // counted into the result, not passed to an op
      }
      key.update.learningRate = 0;
      if (!step.updates) {
        key.update = {};
        key.update.accumulate = 0;
      }
      ahead->repeat(key, {shape_, rows_}, work);
      step.ticket = ahead->fetch(sums_.data(), sumsBytes());
    } else {
      work();
    }
  } catch (...) {
    zeroGradients();
    throw;
  }
  ++counters_.draws;
  if (step.updates) {
    ++version_;  // whether the update is applied may not be known yet
    counters_.passes = 0;
  } else {
    ++counters_.passes;
  }
  accumulated_ = !step.updates;
  underWay_.push_back(std::move(step));
  if (keepsStates) carried_.keptOnDevice();
  const bool keepsLater = batch.carryStates && !keepsStates;
  if (ahead && !keepsLater && !countsMetrics(targets)) return;
  endStepsUnderWay();  // the next step would count into the same memory
  StepUnderWay& own = underWay_.back();
  if (own.failure) return;
  try {
    fetchMetrics(batch, targets, own.loss);
    if (own.update.applied && keepsLater) keepCarriedStates(batch);
  } catch (...) {
    own.failure = std::current_exception();
  }
}

std::pair<LossResult, UpdateResult> Session::finishStep() {
  if (underWay_.empty()) throw InvalidState("finishStep: expected a step that has begun");
  endStep(underWay_.front());
  const StepUnderWay step = std::move(underWay_.front());
  underWay_.pop_front();
  if (step.failure) std::rethrow_exception(step.failure);
  return {step.loss, step.update};
}

void Session::endStepsUnderWay() {
  for (StepUnderWay& step : underWay_) endStep(step);
}

void Session::endStep(StepUnderWay& step) {
  if (std::exchange(step.isOver, true)) return;
  try {
    Sums sums;
    if (RunAhead* ahead = device_.ahead())
      ahead->collect(step.ticket, &sums, sumsBytes());
    else
      device_.copyOut(&sums, sums_.data(), sumsBytes());
    if (step.updates)
      step.update = takeUpdate(sums.update);
    else
      step.update = {0, passPenalty_, true, counters_.step,
                     sums.update.lossScale > 0 ? sums.update.lossScale : device_.initialLossScale()};
    takeSums(sums, step.weights, step.update.penalty + sums.activationPenalty, step.loss);
    if (!step.updates) step.update.applied = lossesAreFinite(sums.losses, network_.outputs().size());
  } catch (...) {
    step.failure = std::current_exception();
  }
}

LossResult Session::evaluate(const BatchInput& batch, HeadTargets targets, const CancelCheck& cancel) {
  cancel.throwIfCancelled();
  load(batch, {false, false, logitsFor(targets), batch.weightForm});
  runForward(batch, cancel);
  const std::vector<DeviceTargets> at = io_.loadTargets(targets, batch, executor_);
  LossResult result = resultOf(at);
  runLosses(targets, at, kNoGradient);
  Sums sums;
  device_.copyOut(&sums, sums_.data(), sumsBytes());
  const ParameterLayout& layout = network_.layout();
  const double penalty = layout.hasPenalties() ? device_.penalty(layout.rows(), params_.data()) : 0;
  takeSums(sums, weightsOf(targets), penalty, result);
  fetchMetrics(batch, targets, result);
  keepCarriedStates(batch);
  return result;
}

void Session::predict(const BatchInput& batch, std::vector<std::vector<float>>& y, std::vector<float>* states,
                      const CancelCheck& cancel) {
  cancel.throwIfCancelled();
  load(batch, {.weightForm = batch.weightForm});
  runForward(batch, cancel);
  y.resize(network_.outputs().size());
  for (size_t i = 0; i < y.size(); ++i) {
    const int head = static_cast<int>(i);
    io_.storeRows(executor_.output(head), network_.output(head).out, batch.timeSteps, shape_, y[i]);
  }
  if (states) io_.storeStates(executor_, &NodeBuffers::hn, &NodeBuffers::cn, *states);
  keepCarriedStates(batch);
}

LossResult Session::scaledGradients(const BatchInput& batch, HeadTargets targets,
                                    std::vector<float>& gradients, std::vector<float>& inputGradient,
                                    const CancelCheck& cancel) {
  LossResult result;
  sendScalars(0);
  for (float scale = device_.initialLossScale();; scale /= 16) {
    zeroGradients();
    cancel.throwIfCancelled();
    load(batch, {true, true, logitsFor(targets)});
    runForward(batch, cancel);
    const std::vector<DeviceTargets> at = io_.loadTargets(targets, batch, executor_);
    result = resultOf(at);
    runLosses(targets, at, scale);
    executor_.backward(params_.data(), version_, grads_.data(), false, cancel, scale);
    read(ArenaKind::kGrads, gradients);
    io_.storeRows(executor_.inputGradient(), network_.gradientInput(), batch.timeSteps, shape_,
                  inputGradient);
    bool isFinite = true;
    for (std::vector<float>* all : {&gradients, &inputGradient})
      for (float& gradient : *all) isFinite = std::isfinite(gradient /= scale) && isFinite;
    if (isFinite || scale <= 1) return result;
  }
}

LossResult Session::gradients(const BatchInput& batch, HeadTargets targets, std::vector<float>& gradients,
                              std::vector<float>& inputGradient, const CancelCheck& cancel) {
  std::vector<float> before;
  if (accumulated_) read(ArenaKind::kGrads, before);
  const int passes = counters_.passes;
  const auto restore = [&] {
    zeroGradients();
    if (!before.empty()) write(ArenaKind::kGrads, before);
    counters_.passes = passes;
  };
  LossResult result;
  double penalty = 0;
  try {
    result = scaledGradients(batch, targets, gradients, inputGradient, cancel);
    penalty = addPenaltyGradients(gradients);
  } catch (...) {
    restore();
    throw;
  }
  Sums sums;
  device_.copyOut(&sums, sums_.data(), sumsBytes());
  takeSums(sums, weightsOf(targets), penalty + sums.activationPenalty, result);
  fetchMetrics(batch, targets, result);
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
  requireOneOutput(network_, "forward");
  cancel.throwIfCancelled();
  load(batch, {training, training, 0});
  if (training) sendScalars(0);
  runForward(batch, cancel);
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
  counters_.passes = 0;
}

UpdateResult Session::applyUpdate(const UpdateConfig& update) {
  requireState(update);
  useGroups(update);
  sendScalars(update.learningRate);
  pendingSteps_ = 0;
  runUpdate(update, nullptr);
  accumulated_ = false;
  counters_.passes = 0;
  UpdateSums sums;
  device_.copyOut(&sums, &sums_.data()->update, sizeof(sums));
  if (sums.applied) ++version_;
  return takeUpdate(sums);
}

void Session::requireState(const UpdateConfig& update) {
  const size_t size = network_.layout().size();
  const UpdateState state = stateOf(update);
  if (state.m) m_.reserve(size);
  if (state.v) v_.reserve(size);
  if (state.aux) aux_.reserve(size);
  if (update.average != AverageKind::kNone) average_.reserve(size);
}

void Session::useGroups(const UpdateConfig& update) {
  if (!update.groups.empty() && update.groups.size() != rows_.size())
    throw InvalidArgument("update.groups: expected one for each of " + std::to_string(rows_.size()) +
                          " parameters, got " + std::to_string(update.groups.size()));
  for (size_t i = 0; i < rows_.size(); ++i) {
    rows_[i].rateScale = update.groups.empty() ? 1 : update.groups[i].rateScale;
    rows_[i].weightDecay = update.groups.empty() ? update.weightDecay : update.groups[i].weightDecay;
  }
}

bool Session::beginPass(const UpdateConfig& update) {
  useGroups(update);
  if (counters_.passes + 1 >= update.accumulate) return true;
  // Waits, once for an update.
  if (counters_.passes == 0 || !passPenaltyKnown_)
    passPenalty_ = network_.layout().hasPenalties() ? device_.penalty(rows_, params_.data()) : 0;
  passPenaltyKnown_ = true;
  return false;
}

void Session::runUpdate(const UpdateConfig& update, const LossSums* loss) {
  const UpdateState state = stateOf(update);
  UpdateArgs args{};
  args.config = update;
  args.scalars = scalars_.data();
  args.rows = rows_;
  args.params = params_.data();
  args.grads = grads_.data();
  args.m = state.m ? m_.data() : nullptr;
  args.v = state.v ? v_.data() : nullptr;
  args.aux = state.aux ? aux_.data() : nullptr;
  args.average = update.average == AverageKind::kNone ? nullptr : average_.data();
  args.loss = loss;
  args.lossCount = static_cast<int>(network_.outputs().size());
  args.sums = &sums_.data()->update;
  args.dynamicLossScale = device_.initialLossScale() != 1;
  args.unscaled = !loss;  // backward() takes the caller's gradient as it is
  args.gradScale = loss && update.accumulateMean ? 1.0f / static_cast<float>(update.accumulate) : 1.0f;
  args.seed = network_.seed();
  device_.update(args);
}

void Session::swapAverage() {
  if (!average_.data() || counters().averaged == 0)
    throw InvalidState("swapAverage: expected an average of the weights, which updates make; there is none");
  const size_t bytes = params_.sizeBytes();
  DeviceBuffer<float> own(device_);
  if (accumulated_) own.reserve(params_.size());  // gradients that wait stay where they are
  float* held = accumulated_ ? own.data() : grads_.data();
  for (const TensorRow& row : rows_)  // updates leave these out
    if (!row.trainable)
      device_.copyWithin(average_.data() + row.offset, params_.data() + row.offset, row.size * sizeof(float));
  device_.copyWithin(held, params_.data(), bytes);
  device_.copyWithin(params_.data(), average_.data(), bytes);
  device_.copyWithin(average_.data(), held, bytes);
  if (!accumulated_) zeroGradients();
  ++version_;
  pendingSteps_ = 0;
}

UpdateResult Session::takeUpdate(const UpdateSums& sums) {
  counters_.step = sums.step;
  return {std::sqrt(sums.squaredNorm), sums.penalty, sums.applied != 0, counters_.step, sums.lossScale};
}

DeviceBuffer<float>& Session::arena(ArenaKind kind) {
  switch (kind) {
    case ArenaKind::kParams:
      return params_;
    case ArenaKind::kGrads:
      return grads_;
    case ArenaKind::kM:
      return m_;
    case ArenaKind::kV:
      return v_;
    case ArenaKind::kAux:
      return aux_;
    default:
      return average_;
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
  carried_.set(batchSize, states);
}

}  // namespace lstm
