#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "cpu/cpu_device.h"
#include "engine/errors.h"
#include "engine/session.h"
#include "harness.h"

using namespace lstm;

// Networks of several outputs and dense layers that use an embedding's table: against networks of one output and of
// weights of their own, and against sums by hand.
namespace {

const CancelCheck kNever;
constexpr int kVocab = 7, kSize = 4, kBatch = 3, kSteps = 5;

ParameterConfig drawn() {
  return {{InitializerKind::kUniform, -0.5, 0.5}, 0, 0, true};
}

LstmNode lstmNode() {
  LstmNode node;
  node.lstm.hiddenSize = kSize;
  node.weightIh = node.weightHh = node.biasIh = node.biasHh = drawn();
  return node;
}

DenseNode denseNode(int units, Activation activation) {
  return {units, activation, true, drawn(), drawn()};
}

// embedding 0, lstm 1, a class each step 2, pool 3, two numbers 4
NetworkConfig twoHeads() {
  NetworkConfig config;
  config.input = InputKind::kTokens;
  config.inputSize = kVocab;
  config.seed = 11;
  config.nodes = {{"embedding", -1, EmbeddingNode{kVocab, kSize, drawn()}},
                  {"lstm", 0, lstmNode()},
                  {"tag.fc", 1, denseNode(kVocab, Activation::kSoftmax)},
                  {"length.pool", 1, PoolNode{PoolMode::kMean}},
                  {"length.fc", 3, denseNode(2, Activation::kTanh)}};
  config.outputs = {2, 4};
  return config;
}

BatchInput batch() {
  harness::Random random(3);
  BatchInput result;
  result.batchSize = kBatch;
  result.timeSteps = kSteps;
  result.seqLengths = {5, 2, 4};
  for (int i = 0; i < kBatch * kSteps; ++i) result.tokens.push_back(random.below(kVocab));
  return result;
}

TargetInput tags(float weight) {
  harness::Random random(4);
  TargetInput result;
  result.loss.kind = LossKind::kCrossEntropy;
  for (int i = 0; i < kBatch * kSteps; ++i) result.ids.push_back(random.below(kVocab));
  result.metrics.confusion = true;
  result.weight = weight;
  return result;
}

TargetInput lengths(float weight) {
  harness::Random random(5);
  TargetInput result;
  result.values = random.floats(kBatch * 2);
  result.metrics.targetSums = true;
  result.sampleWeights = {1, 0.5f, 2};
  result.weight = weight;
  return result;
}

struct Gradients {
  LossResult loss;
  std::vector<float> parameters, input;
};

Gradients gradientsOf(Session& session, const std::vector<TargetInput>& targets) {
  Gradients result;
  result.loss = session.gradients(batch(), targets, result.parameters, result.input, kNever);
  return result;
}

void requireNear(const std::vector<float>& actual, const std::vector<float>& expected,
                 double tolerance = 2e-6) {
  CHECK(actual.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    harness::require(std::fabs(actual[i] - expected[i]) <= tolerance,
                     "element " + std::to_string(i) + ": " + std::to_string(actual[i]) + ", expected " +
                         std::to_string(expected[i]));
}

std::vector<float> weightedSum(float a, const std::vector<float>& x, float b, const std::vector<float>& y) {
  std::vector<float> sum(x.size());
  for (size_t i = 0; i < x.size(); ++i) sum[i] = a * x[i] + b * y[i];
  return sum;
}

// Copies tensors of the same name from one session's parameters to another's.
void copyByName(Session& from, Session& to) {
  std::vector<float> source, target;
  from.read(ArenaKind::kParams, source);
  to.read(ArenaKind::kParams, target);
  for (const Parameter& p : to.network().layout().parameters())
    for (const Parameter& q : from.network().layout().parameters())
      if (p.name == q.name) std::copy_n(source.begin() + q.offset, q.size, target.begin() + p.offset);
  to.write(ArenaKind::kParams, target);
}

std::vector<float> named(const Session& session, const std::vector<float>& arena, const std::string& name) {
  for (const Parameter& p : session.network().layout().parameters())
    if (p.name == name) return {arena.begin() + p.offset, arena.begin() + p.offset + p.size};
  throw InvalidArgument("no parameter " + name);
}

bool isRefused(const std::function<void()>& work) {
  try {
    work();
  } catch (const InvalidArgument&) {
    return true;
  }
  return false;
}

NetworkConfig tied(bool isTied) {
  NetworkConfig config = twoHeads();
  config.nodes.resize(3);
  config.outputs.clear();
  if (isTied) std::get<DenseNode>(config.nodes[2].kind).tiedTo = 0;
  return config;
}

}  // namespace

TEST("each output's loss, gradient and counts are those of a network with that output alone") {
  const auto device = makeCpuDevice({2, ""});
  Session both(twoHeads(), *device);
  both.initialize();
  for (const int head : {0, 1}) {
    NetworkConfig config = twoHeads();
    config.outputs.clear();
    if (head == 0)
      config.nodes.resize(3);
    else
      config.nodes = {config.nodes[0],
                      config.nodes[1],
                      {"length.pool", 1, config.nodes[3].kind},
                      {"length.fc", 2, config.nodes[4].kind}};
    Session alone(config, *device);
    alone.initialize();
    copyByName(both, alone);
    const TargetInput target = head == 0 ? tags(1) : lengths(1);
    const Gradients expected = gradientsOf(alone, {target});
    const Gradients actual =
        gradientsOf(both, {tags(head == 0 ? 1.0f : 0.0f), lengths(head == 1 ? 1.0f : 0.0f)});
    CHECK(actual.loss.heads.size() == 2);
    const LossResult& own = actual.loss.heads[head];
    CHECK(own.loss == expected.loss.loss && actual.loss.loss == expected.loss.loss);
    CHECK(own.count == expected.loss.count && own.elements == expected.loss.elements);
    CHECK(own.rows == expected.loss.rows && own.squaredError == expected.loss.squaredError);
    CHECK(own.confusion == expected.loss.confusion && own.targetSums == expected.loss.targetSums);
    CHECK(!own.confusion.empty() || !own.targetSums.empty());
    requireNear(actual.input, expected.input, 0);
    for (const Parameter& p : alone.network().layout().parameters())
      requireNear(named(both, actual.parameters, p.name), named(alone, expected.parameters, p.name), 0);

    std::vector<std::vector<float>> y, yAlone;
    both.predict(batch(), y, nullptr, kNever);
    alone.predict(batch(), yAlone, nullptr, kNever);
    CHECK(y.size() == 2 && yAlone.size() == 1 && y[head] == yAlone[0]);
  }
}

TEST("with weights a and b loss and gradient are a and b times the outputs' own, added") {
  const auto device = makeCpuDevice({1, ""});
  Session session(twoHeads(), *device);
  session.initialize();
  const Gradients first = gradientsOf(session, {tags(1), lengths(0)});
  const Gradients second = gradientsOf(session, {tags(0), lengths(1)});
  for (const auto& [a, b] : {std::pair{0.25f, 3.0f}, std::pair{1.0f, 1.0f}, std::pair{2.0f, 0.0f}}) {
    const Gradients both = gradientsOf(session, {tags(a), lengths(b)});
    CHECK(std::fabs(both.loss.loss - (a * first.loss.loss + b * second.loss.loss)) < 1e-12);
    CHECK(both.loss.heads[0].loss == first.loss.loss && both.loss.heads[1].loss == second.loss.loss);
    requireNear(both.parameters, weightedSum(a, first.parameters, b, second.parameters));
    requireNear(both.input, weightedSum(a, first.input, b, second.input));
    CHECK(std::fabs(session.evaluate(batch(), std::vector{tags(a), lengths(b)}, kNever).loss -
                    both.loss.loss) < 1e-6);
  }
}

TEST("a step is not applied where any output's loss is not finite, whatever its weight") {
  const auto device = makeCpuDevice({1, ""});
  Session session(twoHeads(), *device);
  session.initialize();
  std::vector<float> before, after;
  session.read(ArenaKind::kParams, before);
  UpdateConfig update;
  update.learningRate = 0.1f;
  TargetInput huge = lengths(0);
  for (float& value : huge.values) value = 3e38f;
  const auto skipped = session.trainStep(batch(), std::vector{tags(1), huge}, update, kNever);
  CHECK(!skipped.second.applied && skipped.second.step == 0);
  session.read(ArenaKind::kParams, after);
  CHECK(after == before);
  const auto applied = session.trainStep(batch(), std::vector{tags(1), lengths(0.5f)}, update, kNever);
  CHECK(applied.second.applied && applied.second.step == 1);
}

TEST("outputs are nodes that no other node reads, in ascending order, with targets for each") {
  const auto device = makeCpuDevice({1, ""});
  for (const std::vector<int>& outputs :
       {std::vector{4, 2}, std::vector{2, 2}, std::vector{1, 4}, std::vector{2, 5}, std::vector{-1, 4}}) {
    NetworkConfig config = twoHeads();
    config.outputs = outputs;
    CHECK(isRefused([&] { Network{config}; }));
  }
  Session session(twoHeads(), *device);
  session.initialize();
  CHECK(isRefused([&] { session.evaluate(batch(), tags(1), kNever); }));
  CHECK(isRefused([&] { session.evaluate(batch(), std::vector{tags(1), lengths(-1)}, kNever); }));
  CHECK(isRefused([&] { session.evaluate(batch(), std::vector{tags(NAN), lengths(1)}, kNever); }));
  std::vector<float> y, states;
  bool refused = false;
  try {
    session.forward(batch(), true, y, states, kNever);
  } catch (const InvalidState&) {
    refused = true;
  }
  CHECK(refused);
}

TEST("an embedding's table that a dense layer uses as well gets the gradients of both uses") {
  const auto device = makeCpuDevice({2, ""});
  Session own(tied(false), *device);
  Session shared(tied(true), *device);
  shared.initialize();
  own.initialize();
  copyByName(shared, own);
  std::vector<float> params;
  shared.read(ArenaKind::kParams, params);
  const std::vector<float> table = named(shared, params, "embedding.weight");
  own.read(ArenaKind::kParams, params);
  for (const Parameter& p : own.network().layout().parameters())
    if (p.name == "tag.fc.weight") std::copy(table.begin(), table.end(), params.begin() + p.offset);
  own.write(ArenaKind::kParams, params);

  const Gradients expected = gradientsOf(own, {tags(1)});
  const Gradients actual = gradientsOf(shared, {tags(1)});
  CHECK(actual.loss.loss == expected.loss.loss);
  requireNear(named(shared, actual.parameters, "embedding.weight"),
              weightedSum(1, named(own, expected.parameters, "embedding.weight"), 1,
                          named(own, expected.parameters, "tag.fc.weight")));
  for (const char* name : {"tag.fc.bias", "lstm.weight_hh_l0", "lstm.bias_ih_l0"})
    requireNear(named(shared, actual.parameters, name), named(own, expected.parameters, name), 0);
  requireNear(actual.input, expected.input, 0);
  for (const Parameter& p : shared.network().layout().parameters()) CHECK(p.name != "tag.fc.weight");
}

TEST("training follows a shared table: evaluation after a step is of the new one") {
  const auto device = makeCpuDevice({1, ""});
  Session session(tied(true), *device);
  session.initialize();
  UpdateConfig update;
  update.learningRate = 0.5f;
  double loss = session.evaluate(batch(), tags(1), kNever).loss;
  for (int step = 0; step < 5; ++step) {
    CHECK(session.trainStep(batch(), tags(1), update, kNever).second.applied);
    const double next = session.evaluate(batch(), tags(1), kNever).loss;
    CHECK(next < loss);
    loss = next;
  }
}

TEST("a dense layer is tied to an embedding before it of its own sizes") {
  for (const int tiedTo : {1, 2, 3}) {
    NetworkConfig config = tied(true);
    std::get<DenseNode>(config.nodes[2].kind).tiedTo = tiedTo;
    CHECK(isRefused([&] { Network{config}; }));
  }
  NetworkConfig units = tied(true);
  std::get<DenseNode>(units.nodes[2].kind).units = kVocab - 1;
  CHECK(isRefused([&] { Network{units}; }));
  NetworkConfig inputs = tied(true);
  std::get<LstmNode>(inputs.nodes[1].kind).lstm.hiddenSize = kSize + 1;
  CHECK(isRefused([&] { Network{inputs}; }));
}
