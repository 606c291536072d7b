#include <atomic>
#include <cmath>
#include <deque>

#include "cpu/cpu_device.h"
#include "cuda_networks.h"
#include "cuda_support.h"
#include "engine/errors.h"
#include "engine/session.h"

using namespace lstm;

// Training steps as recorded graphs and two at a time, on the stand-in: against the same steps call by call and one
// after the other, bit for bit.
namespace {

// Counts beside the loss's own sums are waited for: what is about steps under way goes without.
TargetInput plain(TargetInput targets) {
  targets.metrics = {};
  return targets;
}

const CancelCheck kNever;

using Numbers = std::vector<std::vector<float>>;

void add(Numbers& numbers, const std::pair<LossResult, UpdateResult>& step) {
  const auto& [loss, update] = step;
  // A norm beyond float32 may be infinite or no number.
  const float norm = std::isfinite(update.gradNorm) ? static_cast<float>(update.gradNorm) : INFINITY;
  numbers.push_back({static_cast<float>(loss.loss), static_cast<float>(loss.penalty),
                     static_cast<float>(loss.correct), static_cast<float>(loss.squaredError), norm,
                     update.applied ? 1.0f : 0.0f, static_cast<float>(update.step)});
}

void addState(Numbers& numbers, Session& session) {
  for (const ArenaKind kind : {ArenaKind::kParams, ArenaKind::kGrads, ArenaKind::kM, ArenaKind::kV}) {
    numbers.emplace_back();
    session.read(kind, numbers.back());
  }
  numbers.push_back(session.carriedBatchSize() ? session.carriedStates() : std::vector<float>());
  numbers.push_back(
      {static_cast<float>(session.counters().step), static_cast<float>(session.counters().draws)});
}

UpdateConfig adamAt(int step) {
  UpdateConfig update = adamUpdate();
  update.learningRate = 0.01f / static_cast<float>(1 + step);
  return update;
}

// Four shapes in turn, other tokens and another learning rate in every step, dropout, weights in every third.
Numbers trainTokens(Device& device, int steps, bool carry) {
  Numbers numbers;
  Session session(tokenNetwork(), device);
  session.initialize();
  for (int step = 0; step < steps; ++step) {
    BatchInput batch = tokenBatch(step);
    batch.carryStates = carry;
    add(numbers, session.trainStep(batch, idTargets(step), adamAt(step), kNever));
  }
  addState(numbers, session);
  return numbers;
}

cuda::CudaDeviceOptions eagerly() {
  cuda::CudaDeviceOptions options;
  options.graph = false;
  return options;
}

template <typename Train>
Numbers numbersOf(const cuda::CudaDeviceOptions& options, Train train) {
  Numbers numbers;
  onStandIn(options, [&](cuda::CudaDevice& device) { numbers = train(device); });
  return numbers;
}

// A batch whose loss is beyond float32.
TargetInput hugeTargets(int number) {
  TargetInput targets = plain(valueTargets(number));
  for (float& value : targets.values) value = 3e38f;
  return targets;
}

// Steps of the feature network with `underWay` begun at a time; the one with number `skipped` is not applied.
Numbers trainFeatures(Device& device, int steps, int skipped, size_t underWay, bool carry) {
  Numbers numbers;
  Session session(featureNetwork(), device);
  session.initialize();
  size_t begun = 0;
  for (int step = 0; step < steps; ++step) {
    BatchInput batch = featureBatch(step);
    if (carry) {
      batch.carryStates = true;
      batch.seqLengths = {};
    }
    if (begun == underWay) {
      add(numbers, session.finishStep());
      --begun;
    }
    session.beginStep(batch, step == skipped ? hugeTargets(step) : plain(valueTargets(step)), adamAt(step),
                      kNever);
    ++begun;
  }
  for (; begun > 0; --begun) add(numbers, session.finishStep());
  addState(numbers, session);
  return numbers;
}

}  // namespace

TEST(
    "recorded steps have the bits of steps call by call: shapes in turn, learning rates, dropout, carried "
    "states") {
  for (const bool carry : {false, true}) {
    const auto train = [&](Device& device) { return trainTokens(device, 48, carry); };
    const Numbers expected = numbersOf(eagerly(), train);
    onStandIn({}, [&](cuda::CudaDevice& device) {
      CHECK(train(device) == expected);
      const cuda::StepStatistics steps = device.steps();
      CHECK(steps.recorded > 0 && steps.replayed > 0 && steps.eager + steps.recorded + steps.replayed == 48);
      CHECK(standIn().calls("launchGraph") == static_cast<int>(steps.recorded + steps.replayed));
    });
  }
}

TEST(
    "a step of several outputs is recorded for each set of their weights, with the bits of one call by "
    "call") {
  const auto train = [](Device& device) {
    Numbers numbers;
    Session session(headsNetwork(), device);
    session.initialize();
    for (int step = 0; step < 24; ++step) {
      std::vector<TargetInput> targets = headTargets(step % 3);
      for (TargetInput& target : targets) target.metrics = {};
      targets[0].weight = step % 2 == 0 ? 1.0f : 0.5f;
      const auto result = session.trainStep(tokenBatch(0), targets, adamAt(step), kNever);
      add(numbers, result);
      for (const LossResult& head : result.first.heads) add(numbers, {head, result.second});
    }
    addState(numbers, session);
    return numbers;
  };
  const Numbers expected = numbersOf(eagerly(), train);
  onStandIn({}, [&](cuda::CudaDevice& device) {
    CHECK(train(device) == expected);
    const cuda::StepStatistics steps = device.steps();
    CHECK(steps.recorded == 6 && steps.replayed == 12 && steps.eager == 6);
  });
}

TEST("a replayed step is one launch, and copies in only what changed") {
  onStandIn({}, [](cuda::CudaDevice& device) {
    Session session(tokenNetwork(), device);
    session.initialize();
    const auto step = [&] { session.trainStep(tokenBatch(0), plain(idTargets(0)), adamUpdate(), kNever); };
    for (int i = 0; i < 3; ++i) step();
    standIn().reset();
    step();
    for (const char* call : {"rnnForward", "rnnBackwardData", "gemm", "dropout", "loss", "update", "copyOut"})
      harness::require(standIn().calls(call) == 0, std::string(call) + " was called");
    CHECK(standIn().calls("launchGraph") == 1);
    CHECK(standIn().calls("copyIn") == 4);  // scalars, tokens, their order, targets
    CHECK(device.steps().replayed == 2);
  });
}

TEST("more shapes than there are graphs for are recorded anew, with the same bits") {
  const auto train = [](Device& device) {
    Numbers numbers;
    Session session(featureNetwork(), device);
    session.initialize();
    for (int round = 0; round < 4; ++round)
      for (int size = 1; size <= 20; ++size) {
        BatchInput batch = featureBatch(size);
        batch.timeSteps = size;
        batch.batchSize = 1;
        batch.seqLengths = {};
        batch.features.assign(size * 3, 0.25f);
        TargetInput targets = valueTargets(round);
        targets.values.resize(2);
        // Each shape twice, so that the last sixteen stay.
        for (int i = 0; i < 2; ++i) add(numbers, session.trainStep(batch, targets, adamUpdate(), kNever));
      }
    addState(numbers, session);
    return numbers;
  };
  const Numbers expected = numbersOf(eagerly(), train);
  onStandIn({}, [&](cuda::CudaDevice& device) {
    CHECK(train(device) == expected);
    CHECK(device.steps().recorded > 20);
    CHECK(standIn().calls("endCapture") > 20);
  });
}

TEST("a recording or a launch that is refused or fails goes on call by call, with the same bits") {
  const auto train = [](Device& device) { return trainTokens(device, 24, true); };
  const Numbers expected = numbersOf(eagerly(), train);
  for (const char* failing : {"beginCapture", "endCapture", "launchGraph"})
    for (const RuntimeStatus status : {kRuntimeNotSupported, kRuntimeInvalid, kRuntimeOutOfMemory})
      for (const int nth : {1, 2})
        onStandIn({}, [&](cuda::CudaDevice& device) {
          standIn().fail(failing, nth, status);
          harness::require(train(device) == expected, std::string(failing) + ": other numbers");
          CHECK(device.steps().replayed > 0);  // one key alone is given up
        });
}

TEST("an op that cannot be recorded leaves its step call by call, with the same bits") {
  const auto train = [](Device& device, const char* failing) {
    Numbers numbers;
    Session session(tokenNetwork(), device);
    session.initialize();
    for (int step = 0; step < 5; ++step) {
      if (step == 1 && failing) standIn().fail(failing, 1, kRuntimeNotSupported);
      add(numbers, session.trainStep(tokenBatch(0), idTargets(step), adamAt(step), kNever));
    }
    addState(numbers, session);
    return numbers;
  };
  const Numbers expected = numbersOf(eagerly(), [&](Device& device) { return train(device, nullptr); });
  for (const char* failing :
       {"embeddingForward", "dropout", "rnnForward", "rnnBackwardWeights", "gemm", "update"})
    onStandIn({}, [&](cuda::CudaDevice& device) {
      harness::require(train(device, failing) == expected, std::string(failing) + ": other numbers");
      CHECK(device.steps().recorded == 0 && device.steps().eager == 5);
    });
}

TEST("a step that is cancelled while it is recorded ends so, and the next one is recorded") {
  onStandIn({}, [](cuda::CudaDevice& device) {
    Session session(tokenNetwork(), device);
    session.initialize();
    const auto step = [&](const CancelCheck& cancel) {
      return session.trainStep(tokenBatch(0), idTargets(0), adamUpdate(), cancel);
    };
    step(kNever);
    const std::atomic<uint64_t> upTo{1};
    bool aborted = false;
    try {
      step({&upTo, 1});
    } catch (const Aborted&) {
      aborted = true;
    }
    CHECK(aborted && session.counters().step == 1 && session.counters().draws == 1);
    CHECK(step(kNever).second.step == 2);
    CHECK(device.steps().recorded == 1);
  });
}

TEST("graphs go with the memory that they name: larger batches, other sessions, evaluations in between") {
  const auto train = [](Device& device) {
    Numbers numbers;
    auto session = std::make_unique<Session>(tokenNetwork(), device);
    Session other(featureNetwork(), device);
    session->initialize();
    other.initialize();
    const auto step = [&](int number) {
      add(numbers, session->trainStep(tokenBatch(number), idTargets(number), adamAt(number), kNever));
      add(numbers, other.trainStep(featureBatch(number), valueTargets(number), sgdUpdate(), kNever));
    };
    for (int i = 0; i < 8; ++i) {
      step(i % 4);
      if (i == 4) session->evaluate(tokenBatch(9), idTargets(9), kNever);
    }
    BatchInput large = tokenBatch(0);
    large.timeSteps = 40;
    large.tokens.assign(4 * 40, 3);
    for (int i = 0; i < 4; ++i) {
      add(numbers, session->trainStep(large, idTargets(0), adamUpdate(), kNever));
      step(i % 2);
    }
    addState(numbers, *session);
    session = std::make_unique<Session>(tokenNetwork(), device);
    session->initialize();
    for (int i = 0; i < 6; ++i) step(i % 2);
    addState(numbers, *session);
    addState(numbers, other);
    return numbers;
  };
  const Numbers expected = numbersOf(eagerly(), train);
  onStandIn({}, [&](cuda::CudaDevice& device) {
    CHECK(train(device) == expected);
    CHECK(device.steps().replayed > 0);
  });
}

TEST("a step begins while the one before it is under way, and the numbers are those of one after the other") {
  for (const bool carry : {false, true})
    for (const int skipped : {-1, 0, 4, 7}) {
      const auto train = [&](size_t underWay) {
        return [&, underWay](Device& device) { return trainFeatures(device, 12, skipped, underWay, carry); };
      };
      const Numbers expected = numbersOf(eagerly(), train(1));
      if (skipped >= 0) {
        CHECK(expected[skipped][5] == 0);  // not applied
        CHECK(expected.back()[0] == 11);
      }
      for (const cuda::CudaDeviceOptions& options : {eagerly(), cuda::CudaDeviceOptions()})
        onStandIn(options, [&](Device& device) {
          CHECK(train(2)(device) == expected);
          CHECK(standIn().mostUnderWay() == 2);
        });
    }
}

TEST("carried states stay right when orders and batch sizes change with steps under way") {
  const auto train = [](size_t underWay) {
    return [underWay](Device& device) {
      Numbers numbers;
      Session session(featureNetwork(), device);
      session.initialize();
      std::deque<int> begun;
      const std::vector<std::vector<int32_t>> lengths = {{},           {3, 5, 1, 2}, {3, 5, 1, 2},
                                                         {1, 2, 5, 3}, {},           {}};
      for (int step = 0; step < 12; ++step) {
        BatchInput batch = featureBatch(step);
        batch.carryStates = step != 9;
        batch.seqLengths = lengths[step % 6];
        TargetInput targets = step == 5 ? hugeTargets(step) : plain(valueTargets(step));
        if (step >= 6 && step < 8) {
          batch.batchSize = 2;
          batch.features.resize(2 * 5 * 3);
          batch.seqLengths = {};
          targets.values.resize(4);
        }
        if (begun.size() == underWay) {
          add(numbers, session.finishStep());
          begun.pop_front();
        }
        session.beginStep(batch, targets, adamAt(step), kNever);
        begun.push_back(step);
      }
      for (size_t i = 0; i < begun.size(); ++i) add(numbers, session.finishStep());
      addState(numbers, session);
      return numbers;
    };
  };
  const auto cpu = makeCpuDevice({1, ""});
  const Numbers onCpu = train(1)(*cpu);
  const Numbers expected = numbersOf(eagerly(), train(1));
  CHECK(expected[5][5] == 0 && onCpu[5][5] == 0);  // infinite there and here
  for (size_t i = 0; i < onCpu.size(); ++i)
    if (i != 5) requireAlike(expected[i], onCpu[i], 1e-4, "on the CPU, " + std::to_string(i));
  CHECK(numbersOf({}, train(2)) == expected);
}

TEST("a step that fails with another under way fails alone; on a lost device all behind it fail") {
  onStandIn({}, [](Device& device) {
    Session session(featureNetwork(), device);
    session.initialize();
    const auto begin = [&](int number) {
      session.beginStep(featureBatch(number), plain(valueTargets(number)), adamUpdate(), kNever);
    };
    const auto failure = [](const auto& body) -> std::string {
      try {
        body();
      } catch (const EngineError& error) {
        return error.code();
      }
      return "";
    };
    begin(0);
    BatchInput bad = featureBatch(1);
    bad.features[0] = NAN;
    CHECK(failure([&] { session.beginStep(bad, valueTargets(1), adamUpdate(), kNever); }) == "ERR_DATA");
    begin(2);
    standIn().fail("collect", 1, kRuntimeInvalid);
    CHECK(failure([&] { session.finishStep(); }) == "ERR_CUDA");
    CHECK(session.finishStep().second.step == 2);  // both were applied
    begin(3);
    begin(4);
    standIn().fail("collect", 1, kRuntimeLost);
    CHECK(failure([&] { session.finishStep(); }) == "ERR_CUDA");
    CHECK(failure([&] { session.finishStep(); }) == "ERR_CUDA");
    CHECK(failure([&] { begin(5); }) == "ERR_CUDA");
  });
}
