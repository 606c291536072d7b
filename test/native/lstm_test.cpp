#include <optional>

#include "cpu/cpu_device.h"
#include "harness.h"
#include "lstm_reference.h"
#include "shapes.h"

using namespace lstm;

namespace {

struct Case {
  LstmConfig config;
  int batchSize;
  int timeSteps;
  bool unequal;
  bool states;  // h0, c0 in; dhn, dcn in; hn, cn, dh0, dc0 out
};

std::string idOf(const Case& c) {
  return std::string("l") + std::to_string(c.config.numLayers) + "t" + std::to_string(c.timeSteps) + "n" +
         std::to_string(c.batchSize) + "i" + std::to_string(c.config.inputSize) + "h" +
         std::to_string(c.config.hiddenSize) + (c.config.bidirectional ? " both" : "") + " bias" +
         std::to_string(static_cast<int>(c.config.bias)) + (c.unequal ? " unequal" : "") +
         (c.states ? " states" : "") + (c.config.dropout > 0 ? " dropout" : "") +
         (c.config.projectionSize ? " projected to " + std::to_string(c.config.projectionSize) : "") +
         (c.config.cellClip > 0 ? " clipped" : "");
}

struct Inputs {
  BatchShape shape;
  std::vector<float> weights, x, h0, c0, dy, dhn, dcn;
};

struct Results {
  std::vector<float> y, hn, cn, dx, dh0, dc0, dWeights;
  bool operator==(const Results&) const = default;
};

const RandomKey kKey = {77, 4, 2};

Inputs inputsOf(const Case& c) {
  harness::Random random(c.config.hiddenSize * 31 + c.timeSteps);
  std::vector<int> lengths;
  if (c.unequal) {
    for (int n = 0; n < c.batchSize; ++n) lengths.push_back(1 + random.below(c.timeSteps));
    lengths[random.below(c.batchSize)] = c.timeSteps;
  }
  const int D = c.config.directions(), H = c.config.hiddenSize, P = c.config.outputSize();
  const size_t stacks = static_cast<size_t>(c.config.numLayers) * D * c.batchSize;
  Inputs in;
  in.shape = shapeOf(c.batchSize, c.timeSteps, lengths);
  in.weights = random.floats(lstmLayout(c.config).size, 1.5 / std::sqrt(H));
  in.x = random.floats(in.shape.rows * c.config.inputSize);
  in.dy = random.floats(in.shape.rows * D * P);
  if (c.states) {
    in.h0 = random.floats(stacks * P);
    in.c0 = random.floats(stacks * H);
    in.dhn = random.floats(stacks * P);
    in.dcn = random.floats(stacks * H);
  }
  return in;
}

const float* orNull(const std::vector<float>& v) {
  return v.empty() ? nullptr : v.data();
}
float* orNull(std::vector<float>& v) {
  return v.empty() ? nullptr : v.data();
}

Results run(Device& device, const Case& c, const Inputs& in, bool training = true) {
  const auto op = device.makeLstm(c.config);
  Results r;
  r.y.resize(in.dy.size(), 99);
  r.hn.resize(in.h0.size(), 99);
  r.cn.resize(in.c0.size(), 99);
  // Filled with NaN: what is read before it is written shows.
  std::vector<float> reserve(op->reserveFloats(in.shape, training), NAN);
  std::vector<float> workspace(op->workspaceFloats(in.shape, training), NAN);
  op->forward({in.shape, in.weights.data(), 1, in.x.data(), orNull(in.h0), orNull(in.c0), r.y.data(),
               orNull(r.hn), orNull(r.cn), reserve.data(), workspace.data(), training, kKey});
  if (!training) return r;
  r.dx.resize(in.x.size(), 99);
  r.dh0.resize(in.h0.size(), 99);
  r.dc0.resize(in.c0.size(), 99);
  r.dWeights.resize(in.weights.size(), 0);
  workspace.assign(workspace.size(), NAN);
  op->backward({in.shape, in.weights.data(), 1, in.x.data(), r.y.data(), in.dy.data(), orNull(in.dhn),
                orNull(in.dcn), r.dx.data(), orNull(r.dh0), orNull(r.dc0), r.dWeights.data(), reserve.data(),
                workspace.data(), kKey});
  return r;
}

ReferenceInputs referenceOf(const Case& c, const Inputs& in) {
  ReferenceInputs r;
  r.config = c.config;
  r.shape = &in.shape;
  r.weights.assign(in.weights.begin(), in.weights.end());
  r.x.assign(in.x.begin(), in.x.end());
  r.h0.assign(in.h0.begin(), in.h0.end());
  r.c0.assign(in.c0.begin(), in.c0.end());
  if (c.config.dropout > 0)
    for (int layer = 1; layer < c.config.numLayers; ++layer) {
      RandomKey key = kKey;
      key.stream += layer - 1;
      std::vector<double> factor(in.dy.size());
      for (size_t i = 0; i < factor.size(); ++i)
        factor[i] = philoxWord(key, i) < dropoutThreshold(c.config.dropout)
                        ? 0
                        : 1 / (1 - static_cast<double>(c.config.dropout));
      r.dropFactor.push_back(factor);
    }
  return r;
}

std::vector<double> doubles(const std::vector<float>& v) {
  return {v.begin(), v.end()};
}

void check(const Case& c) {
  const Inputs in = inputsOf(c);
  const ReferenceInputs reference = referenceOf(c, in);
  const ReferenceOutputs out = referenceForward(reference);
  const ReferenceGradients gradients =
      referenceBackward(reference, doubles(in.dy), doubles(in.dhn), doubles(in.dcn));
  for (const cpu::Kernels* kernels : harness::allKernels()) {
    std::optional<Results> first;
    for (int threads : {1, 2, 3}) {
      const auto device = cpu::makeDeviceOn(*kernels, threads);
      const Results r = run(*device, c, in);
      const std::string what = std::string(kernels->name) + " " + idOf(c) + " ";
      if (!first) {
        // One rounding error a step, and a few steps until the gates forget it.
        const double tolerance = 1e-5;
        harness::requireClose(r.y.data(), out.y, tolerance, what + "y");
        harness::requireClose(r.dx.data(), gradients.dx, tolerance, what + "dx");
        harness::requireClose(r.dWeights.data(), gradients.dWeights, tolerance, what + "dWeights");
        if (c.states) {
          harness::requireClose(r.hn.data(), out.hn, tolerance, what + "hn");
          harness::requireClose(r.cn.data(), out.cn, tolerance, what + "cn");
          harness::requireClose(r.dh0.data(), gradients.dh0, tolerance, what + "dh0");
          harness::requireClose(r.dc0.data(), gradients.dc0, tolerance, what + "dc0");
        }
        first = r;
      }
      harness::require(r == *first, what + "differs in bits on " + std::to_string(threads) + " threads");
      if (c.config.dropout == 0) {
        const Results inference = run(*device, c, in, false);
        harness::require(inference.y == r.y && inference.hn == r.hn && inference.cn == r.cn,
                         what + "differs in inference");
      }
    }
  }
}

LstmConfig configOf(int in, int hidden, int layers, bool both, BiasMode bias, float dropout = 0) {
  LstmConfig config;
  config.inputSize = in;
  config.hiddenSize = hidden;
  config.numLayers = layers;
  config.bidirectional = both;
  config.bias = bias;
  config.dropout = dropout;
  return config;
}

LstmConfig projectedTo(int size, LstmConfig config) {
  config.projectionSize = size;
  return config;
}

LstmConfig clippedAt(float clip, LstmConfig config) {
  config.cellClip = clip;
  return config;
}

double dotOf(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < b.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void checkCentralDifferences(const Case& c) {
  const Inputs in = inputsOf(c);
  ReferenceInputs reference = referenceOf(c, in);
  const std::vector<double> dy = doubles(in.dy), dhn = doubles(in.dhn), dcn = doubles(in.dcn);
  const ReferenceGradients gradients = referenceBackward(reference, dy, dhn, dcn);
  const auto loss = [&] {
    const ReferenceOutputs out = referenceForward(reference);
    return dotOf(out.y, dy) + dotOf(out.hn, dhn) + dotOf(out.cn, dcn);
  };
  const auto compare = [&](std::vector<double>& values, const std::vector<double>& gradient) {
    for (size_t i = 0; i < values.size(); ++i) {
      const double kept = values[i], step = 1e-5;
      values[i] = kept + step;
      const double up = loss();
      values[i] = kept - step;
      const double down = loss();
      values[i] = kept;
      CHECK(std::fabs((up - down) / (2 * step) - gradient[i]) < 1e-7);
    }
  };
  compare(reference.weights, gradients.dWeights);
  compare(reference.x, gradients.dx);
  compare(reference.h0, gradients.dh0);
  compare(reference.c0, gradients.dc0);
}

}  // namespace

TEST("the reference's gradients are its central differences") {
  if (harness::kSanitized) throw harness::Skip{"its arithmetic is the same without sanitizers"};
  const LstmConfig config = configOf(3, 4, 2, true, BiasMode::kDouble, 0.3f);
  checkCentralDifferences({config, 3, 4, true, true});
  checkCentralDifferences({projectedTo(3, config), 3, 4, true, true});
  // No cell of these numbers is so near the clip that a difference would cross it.
  checkCentralDifferences({clippedAt(0.4f, config), 3, 4, true, true});
  checkCentralDifferences({clippedAt(0.4f, projectedTo(2, config)), 3, 4, true, true});
}

TEST("lstm agrees with the reference in every bias mode and direction, with equal and unequal lengths") {
  for (BiasMode bias : {BiasMode::kNone, BiasMode::kSingle, BiasMode::kDouble})
    for (bool both : {false, true})
      for (bool unequal : {false, true})
        for (bool states : {false, true}) check({configOf(5, 7, 2, both, bias), 5, 6, unequal, states});
}

TEST("lstm agrees with the reference at sizes around the vector and the tile") {
  for (int hidden : {1, 2, 8, 16, 17, 33, 48, 50, 65})
    check({configOf(hidden % 13 + 1, hidden, 1, hidden % 2 == 0, BiasMode::kDouble), hidden % 7 + 1, 5, true,
           true});
  check({configOf(1, 1, 1, false, BiasMode::kSingle), 1, 1, false, false});
  check({configOf(130, 96, 1, false, BiasMode::kDouble), 130, 3, true, true});
  check({configOf(9, 256, 1, false, BiasMode::kDouble), 3, 3, true, true});  // a padded row stride
  // From 80 units on every gate has panels of its own, below it they share them where units fill no vector.
  check({configOf(7, 79, 1, true, BiasMode::kDouble), 21, 3, true, true});
  check({configOf(7, 83, 1, true, BiasMode::kDouble), 21, 3, true, true});
  check({configOf(7, 107, 2, false, BiasMode::kDouble), 13, 4, true, true});
}

TEST("lstm agrees with the reference in deep stacks, long sequences and with dropout between layers") {
  check({configOf(6, 9, 4, true, BiasMode::kDouble), 4, 7, true, true});
  check({configOf(4, 20, 1, true, BiasMode::kDouble), 2, 300, true, true});
  for (bool both : {false, true})
    check({configOf(6, 12, 3, both, BiasMode::kSingle, 0.4f), 4, 7, true, true});
}

TEST("lstm with projection agrees with the reference in every direction, length and bias mode") {
  for (BiasMode bias : {BiasMode::kNone, BiasMode::kSingle, BiasMode::kDouble})
    for (bool both : {false, true})
      for (bool unequal : {false, true})
        for (bool states : {false, true})
          check({projectedTo(3, configOf(5, 7, 2, both, bias)), 5, 6, unequal, states});
  check({projectedTo(4, configOf(6, 12, 3, true, BiasMode::kSingle, 0.4f)), 4, 7, true, true});
}

TEST("lstm with projection agrees with the reference at sizes around the vector and the tile") {
  for (int hidden : {2, 8, 16, 17, 33, 48, 65})
    for (int size : {1, hidden / 2, hidden - 1})
      check({projectedTo(size, configOf(hidden % 13 + 1, hidden, 1, hidden % 2 == 0, BiasMode::kDouble)),
             hidden % 7 + 1, 5, true, true});
  check({projectedTo(64, configOf(9, 256, 1, false, BiasMode::kDouble)), 3, 3, true, true});
  check({projectedTo(33, configOf(20, 96, 1, true, BiasMode::kDouble)), 130, 3, true, true});
}

TEST("lstm with a cell clip agrees with the reference, with and without projection") {
  for (float clip : {0.02f, 0.3f, 50.0f})
    for (bool both : {false, true}) {
      const LstmConfig config = clippedAt(clip, configOf(5, 19, 2, both, BiasMode::kDouble));
      check({config, 5, 6, true, true});
      check({projectedTo(7, config), 5, 6, true, true});
    }
}

TEST(
    "a cell clip clamps the states it gives but not those it is given, and one out of reach changes no bit") {
  const Case c = {configOf(3, 9, 1, false, BiasMode::kDouble), 4, 5, true, true};
  Case clipped = c;
  clipped.config.cellClip = 0.1f;
  Inputs in = inputsOf(c);
  for (float& value : in.c0) value = 100;
  const auto device = makeCpuDevice({1, ""});
  bool reached = false;
  for (float value : run(*device, clipped, in).cn) {
    CHECK(std::fabs(value) <= 0.1f);
    reached = reached || value == 0.1f;
  }
  CHECK(reached);
  clipped.config.cellClip = 1000;
  CHECK(run(*device, clipped, in) == run(*device, c, in));
}

TEST("threads that own sequences, or units of a large hidden state, give the bits of one thread") {
  const auto wide = [](int hidden) { return configOf(40, hidden, 2, true, BiasMode::kDouble, 0.2f); };
  for (const Case& c : {Case{wide(200), 20, 6, true, true}, Case{wide(240), 20, 4, true, true},
                        Case{clippedAt(0.5f, projectedTo(90, wide(200))), 20, 6, true, true}}) {
    const Inputs in = inputsOf(c);
    for (const cpu::Kernels* kernels : harness::allKernels()) {
      const Results one = run(*cpu::makeDeviceOn(*kernels, 1), c, in);
      for (int threads : {2, 3, 4}) CHECK(run(*cpu::makeDeviceOn(*kernels, threads), c, in) == one);
    }
  }
}

TEST("a backward pass without dx does not spoil dx of a later one with the same weights") {
  const Case c = {configOf(5, 9, 1, true, BiasMode::kDouble), 4, 5, true, false};
  const Inputs in = inputsOf(c);
  const auto device = makeCpuDevice({1, ""});
  const auto op = device->makeLstm(c.config);
  std::vector<float> y(in.dy.size()), dx(in.x.size()), dWeights(in.weights.size());
  std::vector<float> reserve(op->reserveFloats(in.shape, true)),
      workspace(op->workspaceFloats(in.shape, true));
  for (float* wanted : {static_cast<float*>(nullptr), dx.data()}) {
    op->forward({in.shape, in.weights.data(), 1, in.x.data(), nullptr, nullptr, y.data(), nullptr, nullptr,
                 reserve.data(), workspace.data(), true, kKey});
    op->backward({in.shape, in.weights.data(), 1, in.x.data(), y.data(), in.dy.data(), nullptr, nullptr,
                  wanted, nullptr, nullptr, dWeights.data(), reserve.data(), workspace.data(), kKey});
  }
  CHECK(dx == run(*device, c, in).dx);
}

TEST("an lstm adds to its weight gradients, and leaves out what is not wanted") {
  const Case c = {configOf(3, 5, 2, true, BiasMode::kDouble), 3, 4, true, true};
  const Inputs in = inputsOf(c);
  const auto device = makeCpuDevice({2, ""});
  const Results whole = run(*device, c, in);
  const auto op = device->makeLstm(c.config);
  std::vector<float> y(in.dy.size()), reserve(op->reserveFloats(in.shape, true)),
      workspace(op->workspaceFloats(in.shape, true)), dWeights(in.weights.size(), 2.0f);
  op->forward({in.shape, in.weights.data(), 1, in.x.data(), in.h0.data(), in.c0.data(), y.data(), nullptr,
               nullptr, reserve.data(), workspace.data(), true, kKey});
  op->backward({in.shape, in.weights.data(), 1, in.x.data(), y.data(), in.dy.data(), in.dhn.data(),
                in.dcn.data(), nullptr, nullptr, nullptr, dWeights.data(), reserve.data(), workspace.data(),
                kKey});
  CHECK(y == whole.y);
  for (size_t i = 0; i < dWeights.size(); ++i)
    CHECK(std::fabs(dWeights[i] - 2.0f - whole.dWeights[i]) < 1e-5);
}

TEST("an lstm without any gradient coming in has gradients of zero") {
  const Case c = {configOf(3, 5, 1, false, BiasMode::kDouble), 2, 3, false, false};
  const Inputs in = inputsOf(c);
  const auto device = makeCpuDevice({1, ""});
  const auto op = device->makeLstm(c.config);
  std::vector<float> y(in.dy.size()), reserve(op->reserveFloats(in.shape, true)),
      workspace(op->workspaceFloats(in.shape, true)), dWeights(in.weights.size()), dx(in.x.size(), 9.0f);
  op->forward({in.shape, in.weights.data(), 1, in.x.data(), nullptr, nullptr, y.data(), nullptr, nullptr,
               reserve.data(), workspace.data(), true, kKey});
  op->backward({in.shape, in.weights.data(), 1, in.x.data(), y.data(), nullptr, nullptr, nullptr, dx.data(),
                nullptr, nullptr, dWeights.data(), reserve.data(), workspace.data(), kKey});
  for (float d : dx) CHECK(d == 0);
  for (float d : dWeights) CHECK(d == 0);
}

TEST("an lstm sees new weights when their version changes") {
  const Case c = {configOf(3, 5, 1, false, BiasMode::kDouble), 2, 3, false, false};
  Inputs in = inputsOf(c);
  const auto device = makeCpuDevice({1, ""});
  const auto op = device->makeLstm(c.config);
  std::vector<float> y(in.dy.size()), workspace(op->workspaceFloats(in.shape, false));
  for (uint64_t version : {1, 2}) {
    op->forward({in.shape, in.weights.data(), version, in.x.data(), nullptr, nullptr, y.data(), nullptr,
                 nullptr, nullptr, workspace.data(), false, kKey});
    CHECK(y == run(*device, c, in, false).y);
    for (float& w : in.weights) w *= -0.5f;
  }
}
