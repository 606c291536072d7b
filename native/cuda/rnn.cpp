#include "cuda/rnn.h"

#include <algorithm>
#include <utility>

#include "cuda/rnn_scratch.h"
#include "engine/errors.h"

namespace lstm::cuda {
namespace {

constexpr int kMaxTimeSteps = 65535;
constexpr int kTimings = 3;  // the least of so many counts, after one that is not timed

constexpr std::pair<const char*, RuntimeRnnAlgorithm> kAlgorithms[] = {
    {"standard", kRnnStandard},
    {"persistStatic", kRnnPersistStatic},
    {"persistDynamic", kRnnPersistDynamic},
    {"smallH", kRnnSmallH},
};

const char* nameOf(RuntimeRnnAlgorithm algorithm) {
  for (const auto& [name, value] : kAlgorithms)
    if (value == algorithm) return name;
  return "unknown";
}

RuntimeRnnConfig runtimeConfig(const LstmConfig& config, RuntimePrecision precision,
                               RuntimeRnnAlgorithm algorithm) {
  RuntimeRnnConfig out{};
  out.inputSize = config.inputSize;
  out.hiddenSize = config.hiddenSize;
  out.projectionSize = config.outputSize();
  out.numLayers = config.numLayers;
  out.bidirectional = config.bidirectional;
  out.biasMode = static_cast<int>(config.bias);
  out.algorithm = algorithm;
  out.precision = precision;
  out.cellClip = config.cellClip;
  if (config.librarySeed && config.numLayers > 1) {
    out.dropout = config.dropout;
    out.dropoutSeed = *config.librarySeed;
  }
  return out;
}

// Beyond this the library's weight size overflows 32 bits, and it reports success all the same.
void requireWeightSize(const LstmConfig& config) {
  for (int layer = 0; layer < std::min(config.numLayers, 2); ++layer) {
    const int64_t rows = int64_t{config.layerInputSize(layer)} + config.hiddenSize;
    if (4 * int64_t{config.hiddenSize} * rows >= int64_t{1} << 31)
      throw InvalidArgument("hiddenSize: expected fewer than 2^31 weights in a layer on CUDA, got 4*" +
                            std::to_string(config.hiddenSize) + "*" + std::to_string(rows));
  }
}

[[noreturn]] void throwRefused(RuntimeRnnAlgorithm algorithm, const char* what) {
  throw InvalidArgument(std::string("rnnAlgorithm '") + nameOf(algorithm) +
                        "': the library refuses this LSTM's " + what);
}

}  // namespace

std::optional<RuntimeRnnAlgorithm> rnnAlgorithmNamed(const std::string& name) {
  if (name == "auto") return std::nullopt;
  for (const auto& [known, value] : kAlgorithms)
    if (name == known) return value;
  throw InvalidArgument(
      "rnnAlgorithm: expected auto, standard, persistStatic, persistDynamic or smallH, got '" + name + "'");
}

std::unique_ptr<Rnn> Rnn::make(Context& context, const RuntimeRnnConfig& config) {
  RuntimeRnn* made = nullptr;
  std::unique_ptr<Rnn> rnn(new Rnn(context, config));
  if (config.dropout > 0) {
    RuntimeRnnConfig& own = rnn->config_;
    context.call(&CudaRuntime::rnnDropoutBytes, &own.dropoutStateBytes);
    own.dDropoutState = rnn->dropoutState_.reserve(own.dropoutStateBytes);
  }
  const RuntimeRnnConfig* wanted = &rnn->config_;
  if (!context.supports(&CudaRuntime::rnnCreate, wanted, &made)) return nullptr;
  rnn->rnn_ = made;
  return rnn;
}

Rnn::~Rnn() {
  if (rnn_) context_.quietly(&CudaRuntime::rnnDestroy, rnn_);
}

bool Rnn::setShape(const BatchShape& shape) {
  if (lengths_ == shape.lengths) return true;
  // The library builds this one's kernels anew for another batch size.
  const bool rebuilds = algorithm() == kRnnPersistDynamic && batchSize_ != 0 && batchSize_ != shape.batchSize;
  if (rebuilds) context_.forgetRecorded();
  batchSize_ = shape.batchSize;
  lengths_.clear();
  const RuntimeRnnShape wanted = {shape.batchSize, shape.timeSteps, shape.lengths.data()};
  if (!context_.supports(&CudaRuntime::rnnSetShape, rnn_, &wanted, &workBytes_, &reserveBytes_)) return false;
  lengths_ = shape.lengths;
  return true;
}

size_t Rnn::weightBytes() {
  size_t bytes = 0;
  context_.call(&CudaRuntime::rnnWeightBytes, rnn_, &bytes);
  return bytes;
}

bool Rnn::forward(bool training, const RuntimeRnnBuffers& buffers) {
  return context_.supports(&CudaRuntime::rnnForward, rnn_, training ? 1 : 0, &buffers);
}

bool Rnn::backward(const RuntimeRnnBuffers& buffers) {
  if (!context_.supports(&CudaRuntime::rnnBackwardData, rnn_, &buffers)) return false;
  return context_.supports(&CudaRuntime::rnnBackwardWeights, rnn_, &buffers);
}

RnnChooser::RnnChooser(Context& context, const LstmConfig& config, RuntimePrecision precision,
                       std::optional<RuntimeRnnAlgorithm> fixed)
    : context_(context), config_(config), precision_(precision), fixed_(fixed) {
  requireWeightSize(config);
  const RuntimeRnnAlgorithm first = fixed.value_or(kRnnStandard);
  Rnn* made = rnn(first);
  if (!made) throwRefused(first, "configuration");
  weightBytes_ = static_cast<size_t>(lstmLayout(config).size) * elementBytes(precision);
  const size_t library = made->weightBytes();
  if (library != weightBytes_)
    throw CudaFailure("the library's weight space has " + std::to_string(library) + " bytes, ours " +
                          std::to_string(weightBytes_),
                      0, "cudnnGetRNNWeightSpaceSize", "the layouts differ", false);
}

Rnn* RnnChooser::rnn(RuntimeRnnAlgorithm algorithm) {
  auto at = rnns_.find(algorithm);
  if (at == rnns_.end())
    at = rnns_.emplace(algorithm, Rnn::make(context_, runtimeConfig(config_, precision_, algorithm))).first;
  return at->second.get();
}

std::vector<RuntimeRnnAlgorithm> RnnChooser::candidates(bool equalLengths) const {
  if (fixed_) return {*fixed_};
  if (!equalLengths || config_.bias != BiasMode::kDouble || config_.projectionSize > 0 ||
      precision_ == kPrecisionBf16)
    return {kRnnStandard};
  return {kRnnStandard, kRnnPersistStatic, kRnnPersistDynamic, kRnnSmallH};
}

Rnn& RnnChooser::forShape(const BatchShape& shape, bool training) {
  if (shape.timeSteps > kMaxTimeSteps)
    throw InvalidArgument("timeSteps: expected at most 65535 on CUDA, got " +
                          std::to_string(shape.timeSteps));
  const bool equal = shape.lengths.back() == shape.lengths.front();
  const Key key = {shape.batchSize, shape.timeSteps, equal, training};
  const auto known = chosen_.find(key);
  const RuntimeRnnAlgorithm algorithm = known != chosen_.end() ? known->second : choose(shape, key);
  Rnn* serving = rnn(algorithm);
  if (!serving || !serving->setShape(shape)) throwRefused(algorithm, "batch shape");
  return *serving;
}

RuntimeRnnAlgorithm RnnChooser::choose(const BatchShape& shape, const Key& key) {
  const std::vector<RuntimeRnnAlgorithm> legal = candidates(key.equalLengths);
  RuntimeRnnAlgorithm best = legal.front();
  if (legal.size() > 1) {
    std::optional<float> least;
    try {
      for (const RuntimeRnnAlgorithm algorithm : legal) {
        const std::optional<float> milliseconds = timed(algorithm, shape, key.training);
        if (!milliseconds || (least && *milliseconds >= *least)) continue;
        least = milliseconds;
        best = algorithm;
      }
    } catch (const OutOfMemory&) {
      best = kRnnStandard;
    }
  }
  chosen_.emplace(key, best);
  return best;
}

std::optional<float> RnnChooser::timed(RuntimeRnnAlgorithm algorithm, const BatchShape& shape,
                                       bool training) {
  Rnn* candidate = rnn(algorithm);
  if (!candidate || !candidate->setShape(shape)) return std::nullopt;
  const RnnScratch scratch(context_, config_, precision_, shape, *candidate, weightBytes_, training);
  std::optional<float> least;
  for (int i = 0; i <= kTimings; ++i) {
    context_.call(&CudaRuntime::timeStart);
    if (!candidate->forward(training, scratch.buffers())) return std::nullopt;
    if (training && !candidate->backward(scratch.buffers())) return std::nullopt;
    float milliseconds = 0;
    context_.call(&CudaRuntime::timeStop, &milliseconds);
    if (i > 0 && (!least || milliseconds < *least)) least = milliseconds;
  }
  return least;
}

}  // namespace lstm::cuda
