#include <cmath>
#include <map>

#include "cpu/cpu_device.h"
#include "cuda_networks.h"
#include "cuda_support.h"
#include "engine/session.h"

using namespace lstm;

// Whole sessions on the CPU device and on the CUDA device's host side over the stand-in, dropout on: the same numbers.
namespace {

struct Trace {
  std::vector<double> losses;
  std::vector<std::vector<float>> tensors;
};

const CancelCheck kNever;

void takeLoss(Trace& trace, const LossResult& loss) {
  trace.losses.insert(trace.losses.end(), {loss.loss, loss.penalty, loss.correct, loss.absoluteError,
                                           loss.squaredError, loss.logLikelihood, loss.count});
  for (const std::vector<double>* counts : {&loss.classCounts, &loss.confusion, &loss.targetSums})
    trace.losses.insert(trace.losses.end(), counts->begin(), counts->end());
}

Trace trainTokens(Device& device) {
  Trace trace;
  Session session(tokenNetwork(), device);
  session.initialize();
  for (int step = 0; step < 8; ++step) {
    BatchInput batch = tokenBatch(step);
    batch.carryStates = step > 4;
    const auto [loss, update] = session.trainStep(batch, idTargets(step), adamUpdate(), kNever);
    takeLoss(trace, loss);
    trace.losses.push_back(update.gradNorm);
    harness::require(update.applied && update.step == step + 1, "the step counts");
  }
  takeLoss(trace, session.evaluate(tokenBatch(20), idTargets(20), kNever));
  std::vector<std::vector<float>> y;
  std::vector<float> states, gradients, dx;
  session.predict(tokenBatch(21), y, &states, kNever);
  takeLoss(trace, session.gradients(tokenBatch(23), idTargets(23), gradients, dx, kNever));
  trace.tensors = {y[0], states, gradients, dx, session.carriedStates()};
  for (const ArenaKind kind : {ArenaKind::kParams, ArenaKind::kGrads, ArenaKind::kM, ArenaKind::kV}) {
    trace.tensors.emplace_back();
    session.read(kind, trace.tensors.back());
  }
  return trace;
}

Trace trainFeatures(Device& device) {
  Trace trace;
  Session session(featureNetwork(), device);
  session.initialize();
  for (int step = 0; step < 6; ++step) {
    const auto [loss, update] =
        session.trainStep(featureBatch(step), valueTargets(step), sgdUpdate(), kNever);
    takeLoss(trace, loss);
  }
  std::vector<float> y, states, dx, dStates, params;
  session.forward(featureBatch(31), true, y, states, kNever);
  session.backward(std::vector<float>(y.size(), 0.5f), std::vector<float>(states.size(), 0.25f), dx, dStates,
                   kNever);
  session.applyUpdate(sgdUpdate());
  session.read(ArenaKind::kParams, params);
  trace.tensors = {y, states, dx, dStates, params};
  return trace;
}

Trace trainHeads(Device& device) {
  Trace trace;
  Session session(headsNetwork(), device);
  session.initialize();
  const auto take = [&](const LossResult& loss) {
    trace.losses.push_back(loss.loss);
    for (const LossResult& head : loss.heads) takeLoss(trace, head);
  };
  for (int step = 0; step < 8; ++step) {
    BatchInput batch = tokenBatch(step);
    batch.carryStates = step > 4;
    const auto [loss, update] = session.trainStep(batch, headTargets(step), adamUpdate(), kNever);
    harness::require(loss.heads.size() == 2 && update.applied, "the step counts");
    take(loss);
    trace.losses.push_back(update.gradNorm);
  }
  take(session.evaluate(tokenBatch(20), headTargets(20), kNever));
  std::vector<std::vector<float>> y;
  std::vector<float> gradients, dx;
  session.predict(tokenBatch(21), y, nullptr, kNever);
  take(session.gradients(tokenBatch(23), headTargets(23), gradients, dx, kNever));
  trace.tensors = {y[0], y[1], gradients, dx, session.carriedStates()};
  for (const ArenaKind kind : {ArenaKind::kParams, ArenaKind::kM, ArenaKind::kV}) {
    trace.tensors.emplace_back();
    session.read(kind, trace.tensors.back());
  }
  return trace;
}

// createLstm's network: the last node is the lstm itself, states and their gradients go in and out.
Trace lstmAlone(Device& device) {
  NetworkConfig config = tokenNetwork();
  config.nodes.resize(4);  // embedding, stack, dropout, top
  Session session(config, device);
  session.initialize();
  Trace trace;
  std::vector<float> y, states, dx, dStates, grads;
  session.forward(tokenBatch(1), true, y, states, kNever);
  session.backward(std::vector<float>(y.size(), 0.5f), {}, dx, dStates, kNever);
  session.read(ArenaKind::kGrads, grads);
  trace.tensors = {y, states, dx, dStates, grads};
  return trace;
}

void requireSameTrace(const Trace& actual, const Trace& expected) {
  harness::require(actual.losses.size() == expected.losses.size(), "losses: other count");
  for (size_t i = 0; i < expected.losses.size(); ++i)
    harness::require(
        std::fabs(actual.losses[i] - expected.losses[i]) <= 1e-5 * (1 + std::fabs(expected.losses[i])),
        "loss " + std::to_string(i) + ": " + std::to_string(actual.losses[i]) + ", expected " +
            std::to_string(expected.losses[i]));
  for (size_t i = 0; i < expected.tensors.size(); ++i)
    requireAlike(actual.tensors[i], expected.tensors[i], 1e-4, "tensor " + std::to_string(i));
}

template <typename Train>
void compare(Train train) {
  const auto cpu = makeCpuDevice({1, ""});
  const Trace expected = train(*cpu);
  onCuda([&](Device& device) {
    requireSameTrace(train(device), expected);
    harness::require(train(device).tensors == train(device).tensors, "two runs differ");
  });
}

}  // namespace

TEST_ON_CUDA(
    "a session trains tokens on the CUDA host as on the CPU: losses to 1e-5, parameters and moments too") {
  compare(trainTokens);
}

TEST_ON_CUDA(
    "a session trains features on the CUDA host as on the CPU, and its separate forward and backward agree") {
  compare(trainFeatures);
}

TEST_ON_CUDA(
    "a session trains several outputs and a shared table on the CUDA host as on the CPU, counts by output") {
  compare(trainHeads);
}

TEST_ON_CUDA("a session of an lstm alone on the CUDA host gives the CPU's states and their gradients") {
  compare(lstmAlone);
}

TEST_ON_CUDA(
    "a session whose dropout is the library's starts from the same weights, and trains the same way twice") {
  const auto start = [](Device& device, std::vector<double>& losses) {
    Session session(tokenNetwork(), device);
    session.initialize();
    std::vector<float> arena;
    std::map<std::string, std::vector<float>> weights;
    session.read(ArenaKind::kParams, arena);
    for (const Parameter& parameter : session.network().layout().parameters())
      weights[parameter.name].assign(arena.begin() + parameter.offset,
                                     arena.begin() + parameter.offset + parameter.size);
    for (int step = 0; step < 3; ++step)
      losses.push_back(session.trainStep(tokenBatch(step), idTargets(step), adamUpdate(), kNever).first.loss);
    return weights;
  };
  std::vector<double> ours, first, second;
  std::map<std::string, std::vector<float>> expected;
  onCuda({}, [&](Device& device) { expected = start(device, ours); });
  cuda::CudaDeviceOptions options;
  options.dropoutImplementation = "cudnn";
  options.rnnAlgorithm = "standard";
  onCuda(options, [&](Device& device) {
    CHECK(start(device, first) == expected);
    CHECK(start(device, second) == expected);
  });
  CHECK(first == second && first != ours);
}

TEST_ON_CUDA("batches of one size and other lengths train on the CUDA host one after the other") {
  const auto cpu = makeCpuDevice({1, ""});
  const auto train = [](Device& device) {
    Trace trace;
    Session session(featureNetwork(), device);
    session.initialize();
    for (const std::vector<int32_t>& lengths :
         {std::vector<int32_t>{5, 5, 1, 1}, {5, 3, 2, 2}, {5, 4, 2, 1}}) {
      BatchInput batch = featureBatch(0);
      batch.seqLengths = lengths;  // 12 rows each time
      takeLoss(trace, session.trainStep(batch, valueTargets(0), adamUpdate(), kNever).first);
    }
    return trace;
  };
  const Trace expected = train(*cpu);
  onCuda([&](Device& device) { requireSameTrace(train(device), expected); });
}
