#include "engine/batch_io.h"

#include <cmath>
#include <cstring>
#include <string>

namespace lstm {
namespace {

std::string shapeText(std::initializer_list<int64_t> extents) {
  std::string text = "[";
  for (const int64_t extent : extents) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

void requireCount(const char* name, std::initializer_list<int64_t> extents, size_t got) {
  size_t expected = 1;
  for (const int64_t extent : extents) expected *= static_cast<size_t>(extent);
  if (got != expected)
    throw ShapeMismatch(std::string(name) + ": expected " + shapeText(extents) + " = " +
                        std::to_string(expected) + " numbers, got " + std::to_string(got));
}

std::string placeText(const char* name, int row, int step) {
  return std::string(name) + " row " + std::to_string(row) + ", step " + std::to_string(step);
}

// As JavaScript writes a number that is not finite.
std::string numberText(float x) {
  return std::isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity";
}

// x * 0 is 0 for finite x and NaN otherwise, so sums find any bad number without a branch per element; several of them, as
// each waits for its last addition.
bool allFinite(const float* x, int64_t count) {
  constexpr int kSums = 16;
  float sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= count; i += kSums)
    for (int s = 0; s < kSums; ++s) sums[s] += x[i + s] * 0.0f;
  float sum = 0;
  for (; i < count; ++i) sum += x[i] * 0.0f;
  for (float one : sums) sum += one;
  return sum == 0;
}

void requireFinite(const char* name, const float* x, int64_t count, int row, int step) {
  if (allFinite(x, count)) return;
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(x[i]))
      throw InvalidData(placeText(name, row, step) + ", channel " + std::to_string(i) +
                        ": expected a finite float32 number, received " + numberText(x[i]))
          .with("row", row)
          .with("step", step)
          .with("channel", static_cast<double>(i));
}

// Names the first number that is not finite, by rows.
void rejectFeatures(const BatchInput& batch, int64_t channels, const BatchShape& shape) {
  for (int n = 0; n < shape.batchSize; ++n) {
    const int row = shape.order[n];
    const float* sequence = batch.features.data() + int64_t{row} * batch.timeSteps * channels;
    for (int t = 0; t < shape.lengths[n]; ++t) requireFinite("x", sequence + t * channels, channels, row, t);
  }
}

void requireId(const char* name, int32_t id, int64_t limit, int row, int step) {
  if (id >= 0 && id < limit) return;
  throw InvalidData(placeText(name, row, step) + ": expected an id from 0 to " + std::to_string(limit - 1) +
                    ", received " + std::to_string(id))
      .with("row", row)
      .with("step", step)
      .with("id", id);
}

}  // namespace

BatchIo::TargetBuffers::TargetBuffers(Device& device)
    : ids(device),
      values(device),
      rowWeights(device),
      classWeights(device),
      quantiles(device),
      divisor(device) {}

BatchIo::BatchIo(const Network& network, Device& device) : network_(network), device_(device) {
  targets_.reserve(network.outputs().size());
  for (size_t i = 0; i < network.outputs().size(); ++i) targets_.emplace_back(device);
}

// Where to write what belongs at `device`: there itself if the host can, else a staging area for send().
float* BatchIo::hostFor(float* device, size_t count) {
  if (device_.sharesHostMemory()) return device;
  staging_.resize(count);
  return staging_.data();
}

void BatchIo::send(float* device, const float* host, size_t count) {
  if (device != host) device_.copyIn(device, host, count * sizeof(float));
}

void BatchIo::loadInput(const BatchInput& batch, const Executor& executor) {
  const BatchShape& shape = executor.shape();
  const int64_t padded = batch.timeSteps;
  if (network_.input() == InputKind::kTokens) {
    requireCount("tokens", {batch.batchSize, padded}, batch.tokens.size());
    auto* device = reinterpret_cast<float*>(executor.inputTokens());
    float* host = hostFor(device, shape.rows);
    auto* out = reinterpret_cast<int32_t*>(host);
    for (int t = 0; t < shape.timeSteps; ++t)
      for (int n = 0; n < shape.liveRows[t]; ++n) {
        const int row = shape.order[n];
        const int32_t id = batch.tokens[row * padded + t];
        requireId("x", id, network_.inputSize(), row, t);
        *out++ = id;
      }
    return send(device, host, shape.rows);
  }
  requireCount("features", {batch.batchSize, padded, network_.inputSize()}, batch.features.size());
  const int64_t channels = network_.inputSize();
  float* device = executor.inputFeatures();
  float* host = hostFor(device, shape.rows * channels);
  float* out = host;
  bool finite = true;
  for (int t = 0; t < shape.timeSteps; ++t)
    for (int n = 0; n < shape.liveRows[t]; ++n, out += channels) {
      std::memcpy(out, batch.features.data() + (shape.order[n] * padded + t) * channels,
                  channels * sizeof(float));
      finite = finite && allFinite(out, channels);  // while it is in L1
    }
  if (!finite) rejectFeatures(batch, channels, shape);
  send(device, host, shape.rows * channels);
}

void BatchIo::loadRows(const float* host, const NodeShape& nodeShape, int paddedSteps,
                       const BatchShape& shape, float* device) {
  const int64_t channels = nodeShape.channels;
  const int64_t rows = nodeShape.sequence ? shape.rows : shape.batchSize;
  float* packed = hostFor(device, rows * channels);
  float* out = packed;
  const int steps = nodeShape.sequence ? shape.timeSteps : 1;
  const int64_t padded = nodeShape.sequence ? paddedSteps : 1;
  for (int t = 0; t < steps; ++t) {
    const int live = nodeShape.sequence ? shape.liveRows[t] : shape.batchSize;
    for (int n = 0; n < live; ++n, out += channels)
      std::memcpy(out, host + (shape.order[n] * padded + t) * channels, channels * sizeof(float));
  }
  send(device, packed, rows * channels);
}

void BatchIo::storeRows(const float* device, const NodeShape& nodeShape, int paddedSteps,
                        const BatchShape& shape, std::vector<float>& out) {
  const int64_t channels = nodeShape.channels;
  const int64_t rows = nodeShape.sequence ? shape.rows : shape.batchSize;
  const int64_t padded = nodeShape.sequence ? paddedSteps : 1;
  const float* packed = device;
  if (!device_.sharesHostMemory()) {
    staging_.resize(rows * channels);
    device_.copyOut(staging_.data(), device, rows * channels * sizeof(float));
    packed = staging_.data();
  }
  out.assign(shape.batchSize * padded * channels, 0.0f);
  const int steps = nodeShape.sequence ? shape.timeSteps : 1;
  for (int t = 0; t < steps; ++t) {
    const int live = nodeShape.sequence ? shape.liveRows[t] : shape.batchSize;
    for (int n = 0; n < live; ++n, packed += channels)
      std::memcpy(out.data() + (shape.order[n] * padded + t) * channels, packed, channels * sizeof(float));
  }
}

void BatchIo::loadStates(const std::vector<float>& states, const Executor& executor) {
  requireCount("states", {network_.stateSize(), executor.shape().batchSize}, states.size());
  for (size_t i = 0; i < states.size(); ++i)
    if (!std::isfinite(states[i]))
      throw InvalidData("states: expected finite numbers, got " + std::to_string(states[i]));
  loadStatePair(states, executor, &NodeBuffers::h0, &NodeBuffers::c0);
}

void BatchIo::loadStatePair(const std::vector<float>& states, const Executor& executor,
                            float* NodeBuffers::* first, float* NodeBuffers::* second) {
  const BatchShape& shape = executor.shape();
  requireCount("states", {network_.stateSize(), shape.batchSize}, states.size());
  const float* from = states.data();
  for (size_t i = 0; i < network_.nodes().size(); ++i) {
    const auto* lstm = std::get_if<LstmNode>(&network_.nodes()[i].config.kind);
    if (!lstm) continue;
    const int64_t stacks = static_cast<int64_t>(lstm->lstm.numLayers) * lstm->lstm.directions();
    for (float* NodeBuffers::* state : {first, second}) {
      const int64_t width = state == first ? lstm->lstm.outputSize() : lstm->lstm.hiddenSize;
      const int64_t count = stacks * shape.batchSize * width;
      float* device = executor.buffers(i).*state;
      float* host = hostFor(device, count);
      for (int64_t s = 0; s < stacks; ++s)
        for (int n = 0; n < shape.batchSize; ++n)
          std::memcpy(host + (s * shape.batchSize + n) * width,
                      from + (s * shape.batchSize + shape.order[n]) * width, width * sizeof(float));
      send(device, host, count);
      from += count;
    }
  }
}

void BatchIo::storeStates(const Executor& executor, float* NodeBuffers::* first, float* NodeBuffers::* second,
                          std::vector<float>& out) {
  const BatchShape& shape = executor.shape();
  out.resize(stateFloats(shape.batchSize));
  float* to = out.data();
  for (size_t i = 0; i < network_.nodes().size(); ++i) {
    const auto* lstm = std::get_if<LstmNode>(&network_.nodes()[i].config.kind);
    if (!lstm) continue;
    const int64_t stacks = static_cast<int64_t>(lstm->lstm.numLayers) * lstm->lstm.directions();
    for (float* NodeBuffers::* state : {first, second}) {
      const int64_t width = state == first ? lstm->lstm.outputSize() : lstm->lstm.hiddenSize;
      const int64_t count = stacks * shape.batchSize * width;
      staging_.resize(count);
      device_.copyOut(staging_.data(), executor.buffers(i).*state, count * sizeof(float));
      for (int64_t s = 0; s < stacks; ++s)
        for (int n = 0; n < shape.batchSize; ++n)
          std::memcpy(to + (s * shape.batchSize + shape.order[n]) * width,
                      staging_.data() + (s * shape.batchSize + n) * width, width * sizeof(float));
      to += count;
    }
  }
}

std::vector<DeviceTargets> BatchIo::loadTargets(HeadTargets targets, const BatchInput& batch,
                                                const Executor& executor) {
  std::vector<DeviceTargets> all;
  for (size_t i = 0; i < targets_.size(); ++i) {
    const int head = static_cast<int>(i);
    all.push_back(loadHead(targets[i], {network_.output(head).out, executor.outputRows(head), targets_[i],
                                        batch, executor.shape()}));
  }
  return all;
}

DeviceTargets BatchIo::loadHead(const TargetInput& targets, const Head& head) {
  if (targets.ids.empty() == targets.values.empty())
    throw InvalidArgument("targets: expected either ids or values");
  const LossConfig& loss = targets.loss;
  DeviceTargets result;
  result.elements = liveElements(loss.kind, head.rows, head.out.channels);
  if (targets.values.empty())
    loadIds(targets, head, result);
  else
    loadValues(targets, head, result);
  if (!targets.sampleWeights.empty()) loadRowWeights(targets.sampleWeights, head, result);
  result.classWeights = table(head.to.classWeights, head.to.sentClassWeights, loss.classWeights);
  result.quantiles = table(head.to.quantiles, head.to.sentQuantiles, loss.quantiles);
  return result;
}

// Ids that do not count become -1; the mean then divides by the class weights of those that do.
void BatchIo::loadIds(const TargetInput& targets, const Head& head, DeviceTargets& result) {
  const auto& [out, rows, to, batch, shape] = head;
  const LossConfig& loss = targets.loss;
  const int64_t padded = out.sequence ? batch.timeSteps : 1;
  if (loss.kind != LossKind::kCrossEntropy)
    throw InvalidArgument("targets: ids belong to crossEntropy alone");
  requireCount("targets.ids", {batch.batchSize, padded}, targets.ids.size());
  const bool plain = !loss.ignores && loss.classWeights.empty();
  if (!plain) countedIds_.assign(targets.ids.begin(), targets.ids.end());
  double divisor = 0;
  for (int n = 0; n < shape.batchSize; ++n)
    for (int t = 0; t < (out.sequence ? shape.lengths[n] : 1); ++t) {
      const int64_t at = shape.order[n] * padded + t;
      const int32_t id = targets.ids[at];
      if (loss.ignores && id == loss.ignoreIndex) {
        countedIds_[at] = -1;
        continue;
      }
      requireId("y", id, out.channels, shape.order[n], t);
      divisor += loss.classWeights.empty() ? 1.0 : loss.classWeights[id];
    }
  to.ids.reserve(rows);
  // Bytes move, not numbers: an int32 row is one float wide.
  loadRows(reinterpret_cast<const float*>((plain ? targets.ids : countedIds_).data()), {out.sequence, 1},
           batch.timeSteps, shape, reinterpret_cast<float*>(to.ids.data()));
  result.ids = to.ids.data();
  if (plain) return;
  to.divisor.reserve(1);
  device_.copyIn(to.divisor.data(), &divisor, sizeof(divisor));
  result.divisor = to.divisor.data();
  result.elements = divisor;
}

void BatchIo::loadValues(const TargetInput& targets, const Head& head, DeviceTargets& result) {
  const auto& [out, rows, to, batch, shape] = head;
  const NodeShape wanted{out.sequence, out.channels / targets.loss.channelsPerTarget()};
  const int64_t padded = out.sequence ? batch.timeSteps : 1;
  if (targets.loss.ignores) throw InvalidArgument("ignoreIndex: expected targets that are ids, got values");
  requireCount("targets.values", {batch.batchSize, padded, wanted.channels}, targets.values.size());
  for (int n = 0; n < shape.batchSize; ++n)
    for (int t = 0; t < (out.sequence ? shape.lengths[n] : 1); ++t)
      requireFinite("y", targets.values.data() + (shape.order[n] * padded + t) * wanted.channels,
                    wanted.channels, shape.order[n], t);
  to.values.reserve(rows * wanted.channels);
  loadRows(targets.values.data(), wanted, batch.timeSteps, shape, to.values.data());
  result.values = to.values.data();
}

// One weight a sequence, or one a step.
void BatchIo::loadRowWeights(const std::vector<float>& weights, const Head& head, DeviceTargets& result) {
  const auto& [out, rows, buffers, batch, shape] = head;
  const bool sequence = out.sequence;
  const int64_t steps = sequence ? batch.timeSteps : 1;
  const bool perStep = sequence && weights.size() != static_cast<size_t>(batch.batchSize);
  if (perStep)
    requireCount("sampleWeights", {batch.batchSize, steps}, weights.size());
  else
    requireCount("sampleWeights", {batch.batchSize}, weights.size());
  for (size_t i = 0; i < weights.size(); ++i)
    if (!(weights[i] >= 0) || !std::isfinite(weights[i]))
      throw InvalidData("sampleWeights[" + std::to_string(i) +
                        "]: expected a finite number of at least 0, got " + std::to_string(weights[i]))
          .with("row", static_cast<double>(perStep ? i / steps : i));
  buffers.rowWeights.reserve(rows);
  float* host = hostFor(buffers.rowWeights.data(), rows);
  float* to = host;
  for (int t = 0; t < (sequence ? shape.timeSteps : 1); ++t)
    for (int n = 0; n < (sequence ? shape.liveRows[t] : shape.batchSize); ++n)
      *to++ = weights[perStep ? shape.order[n] * steps + t : shape.order[n]];
  send(buffers.rowWeights.data(), host, rows);
  result.rowWeights = buffers.rowWeights.data();
}

// A small table that seldom changes, sent when it does; null when it is empty.
const float* BatchIo::table(DeviceBuffer<float>& device, std::vector<float>& sent,
                            const std::vector<float>& wanted) {
  if (wanted.empty()) return nullptr;
  if (sent != wanted) {
    device.reserve(wanted.size());
    device_.copyIn(device.data(), wanted.data(), wanted.size() * sizeof(float));
    sent = wanted;
  }
  return device.data();
}

}  // namespace lstm
