#include <set>

#include "cuda/runtime_library.h"
#include "cuda_networks.h"
#include "cuda_support.h"
#include "engine/errors.h"
#include "engine/session.h"
#include "shapes.h"

using namespace lstm;

// What becomes of the CUDA device's host side when a call fails. The stand-in fails where a test asks it to.
namespace {

const CancelCheck kNever;

// A device's whole life, with every function of the table that the host side uses.
void liveOnce(bool graph) {
  cuda::CudaDeviceOptions options;
  options.graph = graph;
  options.memoryLimitBytes = 1 << 24;
  const auto device = cuda::makeCudaDevice(standIn().runtime, options);
  Session tokens(tokenNetwork(), *device);
  Session features(featureNetwork(), *device);
  tokens.initialize();
  features.initialize();
  std::vector<float> y, states, dx, dStates;
  for (int step = 0; step < 2; ++step) {
    BatchInput batch = tokenBatch(0);
    batch.carryStates = true;
    for (int i = 0; i < 2; ++i) tokens.trainStep(batch, idTargets(0), adamUpdate(), kNever);
    features.trainStep(featureBatch(step), valueTargets(step), sgdUpdate(), kNever);
  }
  tokens.predict(tokenBatch(0), y, &states, kNever);
  features.evaluate(featureBatch(0), valueTargets(0), kNever);
  NetworkConfig config = tokenNetwork();
  config.nodes.resize(4);
  Session alone(config, *device);
  alone.forward(tokenBatch(0), true, y, states, kNever);
  alone.backward(y, states, dx, dStates, kNever);
  options.precision = kPrecisionFp16;
  options.dropoutImplementation = "cudnn";
  const auto half = cuda::makeCudaDevice(standIn().runtime, options);
  Session halves(tokenNetwork(), *half);
  halves.initialize();
  halves.trainStep(tokenBatch(0), idTargets(0), adamUpdate(), kNever);
}

// Which error a life ends with; "" when it ends well.
std::string outcomeOfLife(bool graph) {
  try {
    liveOnce(graph);
  } catch (const OutOfMemory&) {
    return "OutOfMemory";
  } catch (const InvalidArgument&) {
    return "InvalidArgument";
  } catch (const DeviceUnavailable&) {
    return "DeviceUnavailable";
  } catch (const CudaFailure& error) {
    return error.lost() ? "lost" : "CudaFailure";
  }
  return "";
}

struct Expected {
  RuntimeStatus status;
  const char* error;
  bool mayPass;  // while algorithms are timed, a refusal or want of memory only ends the measurement
};

const Expected kExpected[] = {{kRuntimeOutOfMemory, "OutOfMemory", true},
                              {kRuntimeNotSupported, "InvalidArgument", true},
                              {kRuntimeInvalid, "CudaFailure", false},
                              {kRuntimeUnavailable, "DeviceUnavailable", false},
                              {kRuntimeLost, "lost", false}};

// Of the table, but not of the host side: the library does its copies through pinned memory itself, copyOut waits.
// memoryInfo is asked when memory runs out.
const std::set<std::string> kUnused = {"memoryInfo", "allocatePinned", "synchronize"};
const std::set<std::string> kOfGraphs = {"beginCapture", "endCapture", "launchGraph"};

// With graphs a failure that is not the device's loss may be one of a recording, after which the step runs again.
void failEachOnce(bool graph) {
  standIn().reset();
  CHECK(outcomeOfLife(graph) == "");
  requireClean("without a failure: ");
  std::vector<std::pair<std::string, int>> calls;
  for (int i = 0; standIn().name(i); ++i) {
    const std::string name = standIn().name(i);
    const bool isUsed = kUnused.count(name) == 0 && (graph || kOfGraphs.count(name) == 0);
    harness::require((standIn().calls(name.c_str()) > 0) == isUsed,
                     name + ": called " + std::to_string(standIn().calls(name.c_str())) + " times");
    if (isUsed) calls.emplace_back(name, standIn().calls(name.c_str()));
  }
  for (const auto& [name, count] : calls)
    for (const Expected& expected : kExpected)
      for (const int nth : std::set<int>{1, 2, (count + 1) / 2, count}) {
        if (nth > count || (harness::kSanitized && graph && nth == 2)) continue;
        const std::string where =
            name + ", call " + std::to_string(nth) + ", status " + std::to_string(expected.status) + ": ";
        const bool mayPass = expected.mayPass || (graph && expected.status != kRuntimeLost);
        standIn().reset();
        standIn().fail(name.c_str(), nth, expected.status);
        const std::string outcome = outcomeOfLife(graph);
        harness::require(outcome == expected.error || (outcome.empty() && mayPass),
                         where + "ended with '" + outcome + "', expected " + expected.error);
        requireClean(where);
      }
}

}  // namespace

TEST("every failure of every table function becomes its error, and nothing leaks") {
  failEachOnce(false);
}

TEST("so it does while steps are recorded and replayed, or the step runs call by call") {
  failEachOnce(true);
}

TEST(
    "a call that fails in the middle of a step leaves parameters and counters, and the next step is as if it "
    "had not been") {
  const auto train = [](const char* failing, RuntimeStatus status) {
    std::vector<float> params;
    onStandIn({}, [&](Device& device) {
      Session session(tokenNetwork(), device);
      session.initialize();
      session.trainStep(tokenBatch(0), idTargets(0), adamUpdate(), kNever);
      if (failing) {
        standIn().fail(failing, 1, status);
        bool failed = false;
        try {
          session.trainStep(tokenBatch(1), idTargets(1), adamUpdate(), kNever);
        } catch (const EngineError&) {
          failed = true;
        }
        CHECK(failed && session.counters().step == 1);
      }
      session.trainStep(tokenBatch(1), idTargets(1), adamUpdate(), kNever);
      session.read(ArenaKind::kParams, params);
    });
    return params;
  };
  const std::vector<float> undisturbed = train(nullptr, kRuntimeOk);
  for (const char* failing :
       {"copyIn", "embeddingForward", "rnnForward", "dropout", "gemm", "activationForward", "loss", "metrics",
        "columnSums", "rnnBackwardData", "rnnBackwardWeights", "embeddingBackward"})
    for (const RuntimeStatus status : {kRuntimeInvalid, kRuntimeOutOfMemory})
      harness::require(train(failing, status) == undisturbed,
                       std::string(failing) + ": the next step differs");
}

TEST("a lost CUDA device says what lost it in every later call, and can still be released and destroyed") {
  onStandIn({}, [](cuda::CudaDevice& device) {
    const On<float> x(device, {1, 2});
    const auto dense = device.makeDense({1, 1, Activation::kLinear});
    CHECK(!device.lost());
    standIn().fail("add", 1, kRuntimeLost);
    const auto failure = [&](const auto& body) {
      try {
        body();
      } catch (const CudaFailure& error) {
        CHECK(error.lost() && error.status() == kRuntimeLost && error.call() == "add");
        CHECK(error.text() == "a failure that the test asked for");
        return std::string(error.what());
      }
      return std::string();
    };
    CHECK(failure([&] { device.add(x.data(), x.data() + 1, 1); }).find("add failed with 5") == 0);
    CHECK(device.lost());
    float host[2];
    UpdateSums sums;
    StepScalars scalars{};
    const std::vector<TensorRow> rows = {{0, 1, true, 0, 0}};
    const std::vector<std::function<void()>> calls = {
        [&] { device.add(x.data(), x.data() + 1, 1); },
        [&] { device.allocate(4); },
        [&] { device.copyIn(x.data(), host, 8); },
        [&] { device.copyOut(host, x.data(), 8); },
        [&] { device.copyWithin(x.data(), x.data() + 1, 4); },
        [&] { device.copyRows(x.data(), 1, x.data() + 1, 1, 1, 1); },
        [&] { device.zero(x.data(), 8); },
        [&] { device.makeLstm({1, 1, 1}); },
        [&] { dense->forward({1, x.data(), nullptr, 1, x.data(), x.data() + 1, false}); },
        [&] { device.dropout({1, 1, 0.5f, {}, nullptr, x.data(), x.data()}); },
        [&] { device.update({{}, &scalars, rows, x.data(), x.data(), nullptr, nullptr, nullptr, &sums}); },
        [&] { device.penalty(rows, x.data()); },
    };
    const int before = standIn().calls("copyIn");
    for (const auto& call : calls) CHECK(failure(call).find("lost") != std::string::npos);
    CHECK(standIn().calls("copyIn") == before);  // the library is not asked again
  });
}

TEST("a session on a lost CUDA device is disposed of without a trace") {
  onStandIn({}, [](Device& device) {
    Session session(tokenNetwork(), device);
    session.initialize();
    standIn().fail("rnnBackwardData", 1, kRuntimeLost);
    bool lost = false;
    try {
      session.trainStep(tokenBatch(0), idTargets(0), adamUpdate(), kNever);
    } catch (const CudaFailure& error) {
      lost = error.lost();
    }
    CHECK(lost);
  });
}

TEST("memory beyond the limit is an error with its numbers, and the device and its other session go on") {
  cuda::CudaDeviceOptions options;
  options.memoryLimitBytes = 600000;
  onStandIn(options, [](cuda::CudaDevice& device) {
    Session session(featureNetwork(), device);
    session.initialize();
    const LossResult first = session.evaluate(featureBatch(0), valueTargets(0), kNever);
    const size_t used = device.memory().usedBytes;
    bool refused = false;
    try {
      NetworkConfig large = featureNetwork();
      std::get<LstmNode>(large.nodes[0].kind).lstm.hiddenSize = 300;
      Session second(large, device);
    } catch (const OutOfMemory& error) {
      refused = error.details().at("limitBytes") == 600000 && error.details().at("requestedBytes") > 500000 &&
                error.details().at("freeBytes") <= 600000 - static_cast<double>(used);
    }
    CHECK(refused);
    CHECK(device.memory().usedBytes == used && device.memory().limitBytes == 600000);
    CHECK(device.memory().peakBytes >= used && device.memory().peakBytes <= 600000);
    CHECK(session.evaluate(featureBatch(0), valueTargets(0), kNever).loss == first.loss);
  });
}

TEST("memory beyond the card's is an error with what was asked for and what is free") {
  onStandIn({}, [](cuda::CudaDevice& device) {
    void* held = device.allocate(1 << 20);
    standIn().setDevice(8, 3 << 20);
    bool refused = false;
    try {
      device.allocate(4 << 20);
    } catch (const OutOfMemory& error) {
      refused = error.details().at("requestedBytes") == 4 << 20 &&
                error.details().at("freeBytes") == 2 << 20 && error.details().count("limitBytes") == 0;
    }
    CHECK(refused && !device.lost());
    device.release(held);
    CHECK(device.memory().usedBytes == 0 && device.memory().peakBytes == 1 << 20);
  });
}

TEST(
    "a CUDA device names itself and its index, and refuses an index, a precision and a card that are not "
    "there") {
  cuda::CudaDeviceOptions options;
  options.index = 1;
  onStandIn(options, [](cuda::CudaDevice& device) {
    CHECK(device.name() == "cuda:1 (stand-in (no GPU))");
    CHECK(device.info().index == 1 && !device.sharesHostMemory());
  });
  const auto refusal = [](const cuda::CudaDeviceOptions& wanted) -> std::string {
    try {
      cuda::makeCudaDevice(standIn().runtime, wanted);
    } catch (const EngineError& error) {
      return error.code();
    }
    return "";
  };
  for (const int index : {-1, 2}) {
    options.index = index;
    CHECK(refusal(options) == "ERR_DEVICE_UNAVAILABLE");
  }
  options = {};
  options.precision = kPrecisionTf32;
  standIn().setDevice(7, 1 << 30);
  CHECK(refusal(options) == "ERR_INVALID_ARGUMENT");
  standIn().setDevice(8, 1 << 30);
  CHECK(refusal(options) == "");
  options.dropoutImplementation = "torch";
  CHECK(refusal(options) == "ERR_INVALID_ARGUMENT");
  requireClean("");
}

TEST(
    "the CUDA library is opened once, and a missing file, a foreign library and another ABI are reasons, not "
    "crashes") {
  const std::string path = testLibrary("cudnn_lstm_cuda_standin");
  const cuda::RuntimeLibrary explicitly = cuda::openRuntime(path, "/nowhere/beside.so");
  const cuda::RuntimeLibrary beside = cuda::openRuntime("", path);
  CHECK(explicitly.runtime && explicitly.runtime == beside.runtime && explicitly.path == path);
  CHECK(std::string(explicitly.runtime->implementation) == "stand-in");
  const auto reasonOf = [](const std::string& file) {
    const cuda::RuntimeLibrary library = cuda::openRuntime(file, "");
    CHECK(!library.runtime && library.path == file);
    return library.reason;
  };
  CHECK(reasonOf("/nowhere/libcudnn_lstm_cuda.so").find("/nowhere") != std::string::npos);
  CHECK(reasonOf("libm.so.6").find(LSTM_CUDA_ENTRY) != std::string::npos);
  CHECK(reasonOf(testLibrary("cudnn_lstm_cuda_other_abi")).find("ABI") != std::string::npos);
  CHECK(!cuda::openRuntime("", "").reason.empty());
}
