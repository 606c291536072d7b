#include "addon/configs.h"

#include <limits>

#include "addon/values.h"
#include "engine/errors.h"

namespace lstm::addon {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int32_t>::max();
constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;

int extent(const Fields& fields, const char* name) {
  return static_cast<int>(fields.integer(name, 1, kMaxInt));
}
float real(const Fields& fields, const char* name) {
  return static_cast<float>(fields.number(name));
}

Initializer readInitializer(const Fields& fields) {
  Initializer result;
  result.kind = fields.choice<InitializerKind>("kind", {{"xavier", InitializerKind::kXavier},
                                                        {"orthogonal", InitializerKind::kOrthogonal},
                                                        {"uniform", InitializerKind::kUniform},
                                                        {"normal", InitializerKind::kNormal},
                                                        {"constant", InitializerKind::kConstant}});
  switch (result.kind) {
    case InitializerKind::kXavier:
      break;
    case InitializerKind::kOrthogonal:
      result.a = fields.number("gain");
      break;
    case InitializerKind::kUniform:
      result.a = fields.number("low");
      result.b = fields.number("high");
      break;
    case InitializerKind::kNormal:
      result.a = fields.number("mean");
      result.b = fields.number("stddev");
      break;
    case InitializerKind::kConstant:
      result.a = fields.number("value");
      break;
  }
  return result;
}

ParameterConfig readParameter(const Fields& fields) {
  ParameterConfig result;
  result.initializer = readInitializer(fields.object("initializer"));
  result.l1 = real(fields, "l1");
  result.l2 = real(fields, "l2");
  result.trainable = fields.boolean("trainable");
  const Fields constraint = fields.object("constraint");
  result.constraint.kind =
      constraint.choice<ConstraintKind>("kind", {{"none", ConstraintKind::kNone},
                                                 {"nonNegative", ConstraintKind::kNonNegative},
                                                 {"maxNorm", ConstraintKind::kMaxNorm}});
  if (result.constraint.kind == ConstraintKind::kMaxNorm) {
    result.constraint.limit = real(constraint, "limit");
    result.constraint.byColumn = constraint.choice<bool>("axis", {{"row", false}, {"column", true}});
  }
  return result;
}

EmbeddingNode readEmbedding(const Fields& fields) {
  EmbeddingNode node;
  node.vocabSize = extent(fields, "vocabSize");
  node.size = extent(fields, "size");
  node.dropout = real(fields, "dropout");
  node.weight = readParameter(fields.object("weight"));
  return node;
}

LstmNode readLstm(const Fields& fields) {
  LstmNode node;
  node.lstm.hiddenSize = extent(fields, "hiddenSize");
  node.lstm.numLayers = extent(fields, "numLayers");
  node.lstm.bidirectional = fields.boolean("bidirectional");
  node.lstm.bias = fields.choice<BiasMode>(
      "bias", {{"double", BiasMode::kDouble}, {"single", BiasMode::kSingle}, {"none", BiasMode::kNone}});
  node.lstm.dropout = real(fields, "dropout");
  node.weightDropout = real(fields, "weightDropout");
  node.lstm.projectionSize = static_cast<int>(fields.integer("projectionSize", 0, kMaxInt));
  node.lstm.cellClip = real(fields, "cellClip");
  node.returnSequences = fields.boolean("returnSequences");
  node.weightIh = readParameter(fields.object("weightIh"));
  node.weightHh = readParameter(fields.object("weightHh"));
  node.weightHr = readParameter(fields.object("weightHr"));
  node.biasIh = readParameter(fields.object("biasIh"));
  node.biasHh = readParameter(fields.object("biasHh"));
  node.forgetBias = real(fields, "forgetBias");
  return node;
}

DenseNode readDense(const Fields& fields) {
  DenseNode node;
  node.units = extent(fields, "units");
  node.activation = fields.choice<Activation>("activation", {{"linear", Activation::kLinear},
                                                             {"relu", Activation::kRelu},
                                                             {"tanh", Activation::kTanh},
                                                             {"sigmoid", Activation::kSigmoid},
                                                             {"softmax", Activation::kSoftmax}});
  node.useBias = fields.boolean("useBias");
  node.weight = readParameter(fields.object("weight"));
  node.bias = readParameter(fields.object("bias"));
  if (fields.has("tiedTo")) node.tiedTo = static_cast<int>(fields.integer("tiedTo", 0, kMaxInt));
  return node;
}

NodeKind readKind(const Fields& fields) {
  const std::string kind = fields.text("kind");
  if (kind == "embedding") return readEmbedding(fields);
  if (kind == "lstm") return readLstm(fields);
  if (kind == "dense") return readDense(fields);
  if (kind == "dropout") return DropoutNode{real(fields, "rate"), fields.boolean("sharedOverTime")};
  if (kind == "pool")
    return PoolNode{fields.choice<PoolMode>(
        "mode", {{"last", PoolMode::kLast}, {"mean", PoolMode::kMean}, {"max", PoolMode::kMax}})};
  if (kind == "activationRegularizer")
    return ActivationRegularizerNode{real(fields, "ar"), real(fields, "tar")};
  throw InvalidArgument(fields.path("kind") +
                        ": expected embedding, lstm, dense, dropout, pool or activationRegularizer, got '" +
                        kind + "'");
}

}  // namespace

NetworkConfig readNetwork(const Napi::Value& value) {
  const Fields fields(value, "network");
  NetworkConfig config;
  config.input =
      fields.choice<InputKind>("input", {{"tokens", InputKind::kTokens}, {"features", InputKind::kFeatures}});
  config.inputSize = extent(fields, "inputSize");
  config.seed = static_cast<uint64_t>(fields.integer("seed", 0, kMaxSafeInteger));
  const Napi::Value list = fields.get("nodes");
  if (!list.IsArray()) throw InvalidArgument("network.nodes: expected an array");
  const auto nodes = list.As<Napi::Array>();
  fields.ints("outputs", config.outputs);
  for (uint32_t i = 0; i < nodes.Length(); ++i) {
    const Fields node(nodes.Get(i), "network.nodes[" + std::to_string(i) + "]");
    config.nodes.push_back(
        {node.text("name"), static_cast<int>(node.integer("input", kNetworkInput, kMaxInt)), readKind(node)});
  }
  return config;
}

void readBatch(const Napi::Value& value, BatchInput& out) {
  const Fields fields(value, "batch");
  out.batchSize = extent(fields, "batchSize");
  out.timeSteps = extent(fields, "timeSteps");
  fields.ints("tokens", out.tokens);
  fields.floats("features", out.features);
  fields.ints("seqLengths", out.seqLengths);
  fields.floats("states", out.states);
  out.weightForm = WeightForm::kFloat32;
  if (fields.has("weights"))
    out.weightForm = fields.choice<WeightForm>("weights", {{"float32", WeightForm::kFloat32},
                                                           {"bfloat16", WeightForm::kBfloat16},
                                                           {"int8", WeightForm::kInt8}});
  out.carryStates = fields.has("carryStates") && fields.boolean("carryStates");
  if (out.carryStates && !out.states.empty())
    throw InvalidArgument("batch: expected either states or carryStates, got both");
}

namespace {

void readLoss(const Fields& fields, LossConfig& out) {
  out.kind = fields.choice<LossKind>("kind", {{"mse", LossKind::kMse},
                                              {"mae", LossKind::kMae},
                                              {"huber", LossKind::kHuber},
                                              {"logCosh", LossKind::kLogCosh},
                                              {"quantile", LossKind::kQuantile},
                                              {"gaussianNll", LossKind::kGaussianNll},
                                              {"crossEntropy", LossKind::kCrossEntropy},
                                              {"binaryCrossEntropy", LossKind::kBinaryCrossEntropy}});
  const bool crossEntropy = out.kind == LossKind::kCrossEntropy;
  out.delta = out.kind == LossKind::kHuber ? real(fields, "delta") : 1;
  out.full = out.kind == LossKind::kGaussianNll && fields.boolean("full");
  out.labelSmoothing = crossEntropy && fields.has("labelSmoothing") ? real(fields, "labelSmoothing") : 0;
  out.ignores = crossEntropy && fields.has("ignoreIndex");
  out.ignoreIndex = out.ignores ? static_cast<int32_t>(fields.integer("ignoreIndex", -kMaxInt, kMaxInt)) : 0;
  out.classWeights.clear();
  out.quantiles.clear();
  if (crossEntropy) fields.floats("classWeights", out.classWeights);
  if (out.kind == LossKind::kQuantile) fields.floats("quantiles", out.quantiles);
}

void readMetrics(const Fields& fields, MetricRequest& out) {
  const auto flag = [&](const char* name) { return fields.has(name) && fields.boolean(name); };
  const auto index = [&](const char* name, int otherwise) {
    return fields.has(name) ? static_cast<int>(fields.integer(name, 0, kMaxInt)) : otherwise;
  };
  out.weighted = flag("weighted");
  out.classCounts = flag("classCounts");
  out.confusion = flag("confusion");
  out.topK = index("topK", 0);
  out.targetSums = flag("targetSums");
  out.point = index("point", 0);
  out.lower = index("lower", -1);
  out.upper = index("upper", -1);
  out.halfWidth = fields.has("halfWidth") ? real(fields, "halfWidth") : 0;
  out.outputs = flag("outputs");
}

void readHead(const Fields& fields, TargetInput& out) {
  readLoss(fields.object("loss"), out.loss);
  out.metrics = {};
  if (fields.has("metrics")) readMetrics(fields.object("metrics"), out.metrics);
  fields.ints("ids", out.ids);
  fields.floats("values", out.values);
  fields.floats("sampleWeights", out.sampleWeights);
  out.weight = fields.has("weight") ? real(fields, "weight") : 1;
}

}  // namespace

void readTargets(const Napi::Value& value, std::vector<TargetInput>& out) {
  const Fields fields(value, "targets");
  if (!fields.has("heads")) {
    out.resize(1);
    return readHead(fields, out[0]);
  }
  const Napi::Value list = fields.get("heads");
  if (!list.IsArray()) throw InvalidArgument("targets.heads: expected an array");
  const auto heads = list.As<Napi::Array>();
  if (heads.Length() > kMaxOutputs)
    throw InvalidArgument("targets.heads: expected at most " + std::to_string(kMaxOutputs));
  out.resize(heads.Length());
  for (uint32_t i = 0; i < heads.Length(); ++i)
    readHead(Fields(heads.Get(i), "targets.heads[" + std::to_string(i) + "]"), out[i]);
}

namespace {

void readClip(const Fields& clip, UpdateConfig& config) {
  config.clip = clip.choice<ClipKind>("kind", {{"none", ClipKind::kNone},
                                               {"globalNorm", ClipKind::kGlobalNorm},
                                               {"tensorNorm", ClipKind::kTensorNorm},
                                               {"value", ClipKind::kValue},
                                               {"adaptive", ClipKind::kAdaptive}});
  if (config.clip == ClipKind::kNone) return;
  config.clipLimit = real(clip, "limit");
  if (!(config.clipLimit > 0)) throw InvalidArgument(clip.path("limit") + ": expected a number above 0");
  if (config.clip != ClipKind::kValue) config.clipEpsilon = real(clip, "epsilon");
}

void readRule(const Fields& fields, UpdateConfig& config) {
  config.kind = fields.choice<UpdateKind>("kind", {{"adam", UpdateKind::kAdam},
                                                   {"sgd", UpdateKind::kSgd},
                                                   {"rmsprop", UpdateKind::kRmsprop},
                                                   {"adagrad", UpdateKind::kAdagrad}});
  if (config.kind != UpdateKind::kSgd) config.epsilon = real(fields, "epsilon");
  switch (config.kind) {
    case UpdateKind::kAdam:
      config.beta1 = real(fields, "beta1");
      config.beta2 = real(fields, "beta2");
      config.amsgrad = fields.boolean("amsgrad");
      break;
    case UpdateKind::kSgd:
      config.momentum = real(fields, "momentum");
      config.nesterov = fields.boolean("nesterov");
      break;
    case UpdateKind::kRmsprop:
      config.beta2 = real(fields, "rho");
      config.momentum = real(fields, "momentum");
      config.centered = fields.boolean("centered");
      break;
    case UpdateKind::kAdagrad:
      config.initialAccumulator = real(fields, "initialAccumulator");
      break;
  }
}

// Pairs of rateScale and weightDecay by parameter.
void readGroups(const Fields& fields, UpdateConfig& config) {
  std::vector<float> pairs;
  fields.floats("groups", pairs);
  if (pairs.size() % 2 != 0) throw InvalidArgument(fields.path("groups") + ": expected pairs");
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) config.groups.push_back({pairs[i], pairs[i + 1]});
}

}  // namespace

UpdateConfig readUpdate(const Napi::Value& value) {
  const Fields fields(value, "update");
  UpdateConfig config;
  config.learningRate = real(fields, "learningRate");
  readClip(fields.object("clip"), config);
  readRule(fields, config);
  config.keras = fields.choice<bool>("convention", {{"pytorch", false}, {"keras", true}});
  config.weightDecay = real(fields, "weightDecay");
  config.coupledDecay = fields.boolean("coupledDecay");
  const Fields noise = fields.object("noise");
  config.noiseEta = real(noise, "eta");
  config.noiseGamma = real(noise, "gamma");
  const Fields average = fields.object("average");
  config.average = average.choice<AverageKind>(
      "kind", {{"none", AverageKind::kNone}, {"mean", AverageKind::kMean}, {"ema", AverageKind::kEma}});
  if (config.average == AverageKind::kEma) config.averageDecay = real(average, "decay");
  config.accumulate = extent(fields, "accumulate");
  config.accumulateMean = fields.boolean("accumulateMean");
  readGroups(fields, config);
  return config;
}

ArenaKind readArenaKind(const Napi::Value& value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (name == "params") return ArenaKind::kParams;
  if (name == "grads") return ArenaKind::kGrads;
  if (name == "m") return ArenaKind::kM;
  if (name == "v") return ArenaKind::kV;
  if (name == "aux") return ArenaKind::kAux;
  if (name == "average") return ArenaKind::kAverage;
  throw InvalidArgument("arena: expected params, grads, m, v, aux or average");
}

}  // namespace lstm::addon
