#include <cmath>

#include "cpu/cpu_device.h"
#include "cuda_support.h"
#include "engine/errors.h"
#include "shapes.h"

using namespace lstm;

// The CUDA device's LSTM on the stand-in, held to the CPU device: same calls, same inputs. The stand-in sums in
// float64, so the tolerance is the CPU's float32 rounding.
namespace {

constexpr double kTolerance = 2e-5;

struct Case {
  LstmConfig config;
  bool unequal;
  bool states;
};

struct Inputs {
  BatchShape shape;
  std::vector<float> weights, x, h0, c0, dy, dhn, dcn, dWeights;
};

struct Results {
  std::vector<float> y, hn, cn, dx, dh0, dc0, dWeights;
  bool operator==(const Results&) const = default;
};

const RandomKey kKey = {0x1234567890ull, 512, 9};

std::string idOf(const Case& c) {
  return "layers " + std::to_string(c.config.numLayers) + (c.config.bidirectional ? " both" : "") + " bias " +
         std::to_string(static_cast<int>(c.config.bias)) + (c.unequal ? " unequal" : "") +
         (c.states ? " states" : "") + (c.config.dropout > 0 ? " dropout" : "") +
         (c.config.projectionSize > 0 ? " projection" : "") + (c.config.cellClip > 0 ? " clip" : "") + ": ";
}

Inputs inputsOf(const Case& c) {
  harness::Random random(17);
  Inputs in;
  in.shape = c.unequal ? shapeOf(4, 6, {2, 6, 1, 4}) : shapeOf(4, 6);
  const size_t stacks = c.config.numLayers * c.config.directions() * in.shape.batchSize;
  const size_t y = in.shape.rows * c.config.directions() * c.config.outputSize();
  in.weights = random.floats(lstmLayout(c.config).size);
  in.dWeights = random.floats(in.weights.size());
  in.x = random.floats(in.shape.rows * c.config.inputSize, 2);
  in.dy = random.floats(y);
  if (!c.states) return in;
  in.h0 = random.floats(stacks * c.config.outputSize());
  in.c0 = random.floats(stacks * c.config.hiddenSize);
  in.dhn = random.floats(in.h0.size());
  in.dcn = random.floats(in.c0.size());
  return in;
}

Results run(Device& device, const Case& c, const Inputs& in, bool training, bool wanted = true) {
  const auto op = device.makeLstm(c.config);
  const On<float> weights(device, in.weights), x(device, in.x), h0(device, in.h0), c0(device, in.c0);
  const On<float> dy(device, wanted ? in.dy : std::vector<float>{}), dhn(device, in.dhn), dcn(device, in.dcn);
  const On<float> dWeights(device, in.dWeights);
  const On<float> y(device, std::vector<float>(in.dy.size(), NAN));
  const On<float> hn(device, std::vector<float>(in.h0.size(), NAN)),
      cn(device, std::vector<float>(in.c0.size(), NAN));
  const On<float> dh0(device, std::vector<float>(in.h0.size(), NAN)),
      dc0(device, std::vector<float>(in.c0.size(), NAN));
  const On<float> dx(device, std::vector<float>(wanted ? in.x.size() : 0, NAN));
  // Filled with NaN: what is read before it is written shows.
  const On<float> reserve(device, std::vector<float>(op->reserveFloats(in.shape, training), NAN));
  On<float> workspace(device, std::vector<float>(op->workspaceFloats(in.shape, training), NAN));
  op->forward({in.shape, weights.data(), 1, x.data(), h0.data(), c0.data(), y.data(), hn.data(), cn.data(),
               reserve.data(), workspace.data(), training, kKey});
  if (training) {
    workspace.set(std::vector<float>(op->workspaceFloats(in.shape, training), NAN));
    op->backward({in.shape, weights.data(), 1, x.data(), y.data(), dy.data(), dhn.data(), dcn.data(),
                  dx.data(), dh0.data(), dc0.data(), dWeights.data(), reserve.data(), workspace.data(),
                  kKey});
  }
  Results r = {y.get(), hn.get(), cn.get(), {}, {}, {}, {}};
  if (training) {
    r.dx = dx.get();
    r.dh0 = dh0.get();
    r.dc0 = dc0.get();
    r.dWeights = dWeights.get();
  }
  return r;
}

void requireAllAlike(const Results& actual, const Results& expected, const std::string& id) {
  requireAlike(actual.y, expected.y, kTolerance, id + "y");
  requireAlike(actual.hn, expected.hn, kTolerance, id + "hn");
  requireAlike(actual.cn, expected.cn, kTolerance, id + "cn");
  requireAlike(actual.dx, expected.dx, kTolerance, id + "dx");
  requireAlike(actual.dh0, expected.dh0, kTolerance, id + "dh0");
  requireAlike(actual.dc0, expected.dc0, kTolerance, id + "dc0");
  requireAlike(actual.dWeights, expected.dWeights, kTolerance, id + "dWeights");
}

std::vector<Case> caseTable() {
  std::vector<Case> cases;
  for (int layers : {1, 2, 3})
    for (bool both : {false, true})
      for (BiasMode bias : {BiasMode::kNone, BiasMode::kSingle, BiasMode::kDouble})
        for (float dropout : {0.0f, 0.4f})
          for (bool unequal : {false, true})
            for (bool states : {false, true})
              cases.push_back({{3, 5, layers, both, bias, dropout}, unequal, states});
  for (float dropout : {0.0f, 0.4f})
    for (bool both : {false, true}) {
      cases.push_back({{3, 5, 2, both, BiasMode::kDouble, dropout, 2}, true, true});
      cases.push_back({{3, 5, 2, both, BiasMode::kDouble, dropout, 0, 0.3f}, true, true});
      cases.push_back({{3, 5, 2, both, BiasMode::kSingle, dropout, 4, 0.3f}, false, true});
    }
  return cases;
}

}  // namespace

TEST_ON_CUDA(
    "the CUDA host's LSTM agrees with the CPU device over the case table, forward and every gradient") {
  const auto cpu = makeCpuDevice({1, ""});
  for (const Case& c : caseTable()) {
    const Inputs in = inputsOf(c);
    const Results expected = run(*cpu, c, in, true);
    const Results inference = run(*cpu, c, in, false);
    onCuda([&](Device& device) {
      requireAllAlike(run(device, c, in, true), expected, idOf(c));
      requireAllAlike(run(device, c, in, false), inference, idOf(c) + "inference ");
    });
  }
}

TEST_ON_CUDA("the CUDA host's LSTM takes a missing dy as zeros and does without dx") {
  const auto cpu = makeCpuDevice({1, ""});
  for (float dropout : {0.0f, 0.5f}) {
    const Case c = {{3, 5, 3, true, BiasMode::kDouble, dropout}, true, true};
    const Inputs in = inputsOf(c);
    const Results expected = run(*cpu, c, in, true, false);
    onCuda([&](Device& device) { requireAllAlike(run(device, c, in, true, false), expected, "no dy: "); });
  }
}

TEST_ON_CUDA("the CUDA host's LSTM gives the same bits twice") {
  const Case c = {{3, 5, 2, true, BiasMode::kDouble, 0.3f}, true, true};
  const Inputs in = inputsOf(c);
  onCuda([&](Device& device) { CHECK(run(device, c, in, true) == run(device, c, in, true)); });
}

TEST_ON_CUDA(
    "the CUDA host's LSTM refuses what the library does not check: steps, weight sizes, shapes it was not "
    "asked about") {
  onCuda([](Device& device) {
    const auto refuses = [](const auto& body) {
      try {
        body();
      } catch (const InvalidArgument&) {
        return true;
      }
      return false;
    };
    CHECK(refuses([&] { device.makeLstm({1, 23170, 1}); }));
    CHECK(refuses([&] { device.makeLstm({1 << 28, 2, 1}); }));
    const auto op = device.makeLstm({1, 1, 1});
    CHECK(op->reserveFloats(shapeOf(1, 65535), true) > 0);
    CHECK(refuses([&] { op->reserveFloats(shapeOf(1, 65536), true); }));

    const BatchShape small = shapeOf(1, 2), large = shapeOf(3, 7);
    const On<float> memory(device, std::vector<float>(100000));
    op->reserveFloats(small, false);
    op->workspaceFloats(small, false);
    bool refused = false;
    try {
      op->forward({large, memory.data(), 1, memory.data(), nullptr, nullptr, memory.data() + 5000, nullptr,
                   nullptr, memory.data(), memory.data() + 10000, false, kKey});
    } catch (const InvalidState&) {
      refused = true;
    }
    CHECK(refused);
  });
}

TEST_ON_CUDA("LSTMs of widths around a warp and batches from one to many agree with the CPU device") {
  for (const int hidden : {1, 31, 32, 100})
    for (const int batch : {1, 33})
      compare(1e-4, "batch " + std::to_string(batch) + ", hidden " + std::to_string(hidden),
              [&](Device& device) {
                harness::Random random(15);
                const LstmConfig config = {17, hidden, 2, true};
                const BatchShape shape = shapeOf(batch, 5);
                const auto op = device.makeLstm(config);
                const int64_t outputs = shape.rows * 2 * hidden;
                const double scale = 1 / std::sqrt(static_cast<double>(hidden));
                const On<float> weights(device, random.floats(lstmLayout(config).size, scale));
                const On<float> dWeights(device, std::vector<float>(weights.get().size()));
                const On<float> x(device, random.floats(shape.rows * 17)), dx(device, x.get());
                const On<float> y(device, std::vector<float>(outputs, NAN)),
                    dy(device, random.floats(outputs, 0.1));
                const On<float> reserve(device, std::vector<float>(op->reserveFloats(shape, true), NAN));
                const On<float> workspace(device, std::vector<float>(op->workspaceFloats(shape, true), NAN));
                op->forward({shape,
                             weights.data(),
                             1,
                             x.data(),
                             nullptr,
                             nullptr,
                             y.data(),
                             nullptr,
                             nullptr,
                             reserve.data(),
                             workspace.data(),
                             true,
                             {}});
                const std::vector<float> forward = y.get();
                op->backward({shape,
                              weights.data(),
                              1,
                              x.data(),
                              y.data(),
                              dy.data(),
                              nullptr,
                              nullptr,
                              dx.data(),
                              nullptr,
                              nullptr,
                              dWeights.data(),
                              reserve.data(),
                              workspace.data(),
                              {}});
                return std::vector{forward, dx.get(), dWeights.get()};
              });
}
