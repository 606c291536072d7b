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

void requireAllAlike(const Results& actual, const Results& expected, const std::string& id,
                     double tolerance = kTolerance) {
  requireAlike(actual.y, expected.y, tolerance, id + "y");
  requireAlike(actual.hn, expected.hn, tolerance, id + "hn");
  requireAlike(actual.cn, expected.cn, tolerance, id + "cn");
  requireAlike(actual.dx, expected.dx, tolerance, id + "dx");
  requireAlike(actual.dh0, expected.dh0, tolerance, id + "dh0");
  requireAlike(actual.dc0, expected.dc0, tolerance, id + "dc0");
  requireAlike(actual.dWeights, expected.dWeights, tolerance, id + "dWeights");
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

// A tensor is rounded to half once where it is stored: an error of a unit each, which the layers hand on. Gradients are
// sums of products of such numbers over all steps.
TEST_ON_CUDA(
    "the CUDA host's LSTM in fp16 and bf16 agrees with the CPU device over the case table, within its "
    "rounding") {
  const auto cpu = makeCpuDevice({1, ""});
  for (const auto& [precision, unit] : {std::pair{kPrecisionFp16, 0x1p-11}, {kPrecisionBf16, 0x1p-8}}) {
    cuda::CudaDeviceOptions options;
    options.precision = precision;
    options.rnnAlgorithm = "standard";  // the fastest may be another one the second time
    for (const Case& c : caseTable()) {
      const Inputs in = inputsOf(c);
      const Results expected = run(*cpu, c, in, true);
      const Results inference = run(*cpu, c, in, false);
      const double tolerance = 4 * (1 + c.config.numLayers) * unit;
      const std::string id = (precision == kPrecisionFp16 ? "fp16 " : "bf16 ") + idOf(c);
      onCuda(options, [&](Device& device) {
        Results actual = run(device, c, in, true);
        // A cell within its rounding of the clip falls on the other side of it: its derivative is another.
        if (c.config.cellClip > 0)
          requireAlike(actual.y, expected.y, tolerance, id + "y");
        else
          requireAllAlike(actual, expected, id, tolerance);
        CHECK(!(actual == expected));
        requireAllAlike(run(device, c, in, false), inference, id + "inference ", tolerance);
        CHECK(run(device, c, in, true) == actual);
      });
    }
  }
}

namespace {

cuda::CudaDeviceOptions standardAlgorithm() {
  cuda::CudaDeviceOptions options;
  options.rnnAlgorithm = "standard";
  return options;
}

Case libraryCase(float dropout, uint64_t seed) {
  Case c = {{3, 5, 3, true, BiasMode::kDouble, dropout}, true, true};
  c.config.librarySeed = seed;
  return c;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

}  // namespace

TEST("a stack whose dropout is the library's is one call and one weight space, and drops in training alone") {
  const Case c = libraryCase(0.4f, 7), without = libraryCase(0, 7);
  const Inputs in = inputsOf(c);
  CHECK(lstmLayout(c.config).size == lstmLayout(without.config).size);
  onStandIn({}, [&](Device& device) {
    CHECK(run(device, c, in, false).y == run(device, without, in, false).y);
    const int before = standIn().calls("rnnForward");
    const Results dropped = run(device, c, in, true);
    CHECK(standIn().calls("rnnForward") - before == 1 && standIn().calls("dropout") == 0);
    CHECK(dropped.y != run(device, without, in, true).y);
  });
}

TEST_ON_CUDA("the library's dropout is seeded: a seed gives the same passes again, another one others") {
  const Inputs in = inputsOf(libraryCase(0.4f, 7));
  onCuda(standardAlgorithm(), [&](Device& device) {
    const Results first = run(device, libraryCase(0.4f, 7), in, true);
    CHECK(run(device, libraryCase(0.4f, 7), in, true) == first);
    CHECK(run(device, libraryCase(0.4f, 8), in, true).y != first.y);
  });
}

TEST_ON_CUDA("gradients behind the library's dropout are those of the forward pass it masked") {
  const Case c = libraryCase(0.4f, 7);
  const Inputs in = inputsOf(c);
  const std::vector<float> along = harness::Random(5).floats(in.x.size());
  onCuda(standardAlgorithm(), [&](Device& device) {
    // Of sum dy y + dhn hn + dcn cn: a fresh op draws the same first masks.
    const auto valueAt = [&](float step) {
      Inputs moved = in;
      for (size_t i = 0; i < along.size(); ++i) moved.x[i] += step * along[i];
      const Results r = run(device, c, moved, true);
      return dot(r.y, in.dy) + dot(r.hn, in.dhn) + dot(r.cn, in.dcn);
    };
    const double measured = (valueAt(1e-2f) - valueAt(-1e-2f)) / 2e-2;
    const double told = dot(run(device, c, in, true).dx, along);
    CHECK(std::fabs(measured - told) <= 1e-3 * (1 + std::fabs(told)));
  });
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
