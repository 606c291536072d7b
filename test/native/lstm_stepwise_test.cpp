#include <cmath>
#include <optional>

#include "cpu/cpu_device.h"
#include "harness.h"
#include "lstm_reference.h"
#include "shapes.h"

// Inference of few sequences and with narrow weights. What float32 weights give at other sizes is in lstm_test.cpp.
using namespace lstm;

namespace {

struct Case {
  LstmConfig config;
  BatchShape shape;
  std::vector<float> weights, x, h0, c0;
};

Case caseOf(int in, int hidden, int layers, bool both, int projection, int batchSize, int timeSteps,
            bool unequal, bool states = true) {
  Case c;
  c.config.inputSize = in;
  c.config.hiddenSize = hidden;
  c.config.numLayers = layers;
  c.config.bidirectional = both;
  c.config.projectionSize = projection;
  harness::Random random(hidden * 131 + batchSize * 7 + timeSteps);
  std::vector<int> lengths;
  if (unequal)
    for (int n = 0; n < batchSize; ++n)
      lengths.push_back(n == batchSize / 2 ? timeSteps : 1 + random.below(timeSteps));
  c.shape = shapeOf(batchSize, timeSteps, lengths);
  const size_t stacks = static_cast<size_t>(layers) * c.config.directions() * batchSize;
  c.weights = random.floats(lstmLayout(c.config).size, 1.5 / std::sqrt(hidden));
  c.x = random.floats(c.shape.rows * in, 2);
  if (states) {
    c.h0 = random.floats(stacks * c.config.outputSize());
    c.c0 = random.floats(stacks * hidden);
  }
  return c;
}

struct Results {
  std::vector<float> y, hn, cn;
  bool operator==(const Results&) const = default;
};

Results run(LstmOp& op, const Case& c, WeightForm form, bool training = false, uint64_t version = 1) {
  const size_t stacks = static_cast<size_t>(c.config.numLayers) * c.config.directions() * c.shape.batchSize;
  Results r;
  r.y.resize(c.shape.rows * c.config.directions() * c.config.outputSize(), 99);
  r.hn.resize(stacks * c.config.outputSize(), 99);
  r.cn.resize(stacks * c.config.hiddenSize, 99);
  // Filled with NaN: what is read before it is written shows.
  std::vector<float> reserve(op.reserveFloats(c.shape, training) + 1, NAN);
  std::vector<float> workspace(op.workspaceFloats(c.shape, training), NAN);
  op.forward({c.shape, c.weights.data(), version, c.x.data(), c.h0.empty() ? nullptr : c.h0.data(),
              c.c0.empty() ? nullptr : c.c0.data(), r.y.data(), r.hn.data(), r.cn.data(), reserve.data(),
              workspace.data(), training, RandomKey{}, nullptr, form});
  return r;
}

Results run(const cpu::Kernels& kernels, int threads, const Case& c, WeightForm form, bool training = false) {
  const auto device = cpu::makeDeviceOn(kernels, threads);
  return run(*device->makeLstm(c.config), c, form, training);
}

// Every element of the tensors that narrow forms concern.
template <typename Visit>
void forEachRow(const Case& c, std::vector<float>& weights, Visit visit) {
  const LstmLayout layout = lstmLayout(c.config);
  for (size_t i = 0; i < layout.tensors.size(); ++i) {
    const int in = c.config.layerInputSize(static_cast<int>(i) / c.config.directions());
    for (int row = 0; row < 4 * c.config.hiddenSize; ++row) {
      visit(weights.data() + layout.tensors[i].weightIh + int64_t{row} * in, in);
      const int out = c.config.outputSize();
      visit(weights.data() + layout.tensors[i].weightHh + int64_t{row} * out, out);
    }
  }
}

// Eight bits of mantissa, by arithmetic instead of by bits: nearbyint rounds ties to even.
float toBfloat16(float value) {
  int exponent;
  const double mantissa = std::frexp(static_cast<double>(value), &exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(mantissa * 256), exponent - 8));
}

std::vector<Case> shapes() {
  return {caseOf(5, 7, 2, true, 0, 1, 6, false),     caseOf(3, 8, 1, false, 0, 1, 1, false),
          caseOf(3, 33, 1, false, 0, 2, 1, false),   caseOf(4, 17, 2, false, 0, 3, 9, true),
          caseOf(6, 40, 2, true, 0, 2, 7, true),     caseOf(6, 19, 2, true, 5, 3, 4, true),
          caseOf(6, 19, 1, false, 5, 1, 4, false),   caseOf(1, 1, 1, true, 0, 1, 3, false, false),
          caseOf(5, 24, 3, false, 0, 1, 1, false),   caseOf(9, 64, 1, false, 0, 3, 5, false, false),
          caseOf(1100, 10, 1, false, 0, 2, 3, true), caseOf(7, 20, 2, true, 6, 11, 5, true)};
}

}  // namespace

TEST("inference of few sequences gives the bits of training, on any number of threads") {
  for (const Case& c : shapes())
    for (const cpu::Kernels* kernels : harness::allKernels()) {
      const Results expected = run(*kernels, 1, c, WeightForm::kFloat32, true);
      for (int threads : {1, 3}) CHECK(run(*kernels, threads, c, WeightForm::kFloat32) == expected);
    }
}

TEST("threads that share the units of few sequences give the bits of one thread") {
  const Case c = caseOf(300, 320, 2, true, 0, 1, 3, false);
  for (WeightForm form : {WeightForm::kFloat32, WeightForm::kBfloat16, WeightForm::kInt8})
    for (const cpu::Kernels* kernels : harness::allKernels()) {
      const Results one = run(*kernels, 1, c, form);
      for (int threads : {2, 4}) CHECK(run(*kernels, threads, c, form) == one);
    }
}

TEST("weights in bfloat16 give the bits of float32 weights that are rounded to it") {
  for (const Case& c : shapes()) {
    Case rounded = c;
    forEachRow(c, rounded.weights, [](float* row, int k) {
      for (int i = 0; i < k; ++i) row[i] = toBfloat16(row[i]);
    });
    CHECK(rounded.weights != c.weights);
    for (const cpu::Kernels* kernels : harness::allKernels())
      CHECK(run(*kernels, 2, c, WeightForm::kBfloat16) == run(*kernels, 2, rounded, WeightForm::kFloat32));
  }
}

TEST("weights in int8 agree with the reference on weights that are whole multiples of their row's 127th") {
  for (const Case& c : shapes()) {
    Case rounded = c;
    forEachRow(c, rounded.weights, [](float* row, int k) {
      double max = 0;
      for (int i = 0; i < k; ++i) max = std::fmax(max, std::fabs(row[i]));
      for (int i = 0; i < k; ++i) row[i] = static_cast<float>(std::nearbyint(row[i] / max * 127) * max / 127);
    });
    ReferenceInputs reference;
    reference.config = c.config;
    reference.shape = &c.shape;
    reference.weights.assign(rounded.weights.begin(), rounded.weights.end());
    reference.x.assign(c.x.begin(), c.x.end());
    reference.h0.assign(c.h0.begin(), c.h0.end());
    reference.c0.assign(c.c0.begin(), c.c0.end());
    const ReferenceOutputs expected = referenceForward(reference);
    for (const cpu::Kernels* kernels : harness::allKernels()) {
      const Results r = run(*kernels, 1, c, WeightForm::kInt8);
      // Inputs have 15 bits of their row's greatest: an error of 2^-16 each, some hundreds of them in a sum.
      const std::string what = std::string(kernels->name) + " int8 ";
      harness::requireClose(r.y.data(), expected.y, 2e-4, what + "y");
      harness::requireClose(r.hn.data(), expected.hn, 2e-4, what + "hn");
      harness::requireClose(r.cn.data(), expected.cn, 2e-4, what + "cn");
    }
  }
}

TEST("int8 sums of the greatest weights and inputs do not overflow") {
  Case c = caseOf(4000, 3, 1, false, 0, 1, 1, false, false);
  for (float& w : c.weights) w = 1;
  for (float& x : c.x) x = 1;
  for (const cpu::Kernels* kernels : harness::allKernels()) {
    const Results r = run(*kernels, 1, c, WeightForm::kInt8);
    for (float y : r.y) CHECK(std::fabs(y - std::tanh(1.0f)) < 1e-6);
  }
}

TEST("a weight or an input that is not finite makes its units NaN in every form, and no others fail") {
  for (WeightForm form : {WeightForm::kFloat32, WeightForm::kBfloat16, WeightForm::kInt8})
    for (const cpu::Kernels* kernels : harness::allKernels()) {
      Case c = caseOf(5, 20, 1, false, 0, 1, 1, false, false);
      c.weights[lstmLayout(c.config).tensors[0].weightIh + 2 * 5 + 1] = NAN;  // input gate of unit 2
      const Results r = run(*kernels, 1, c, form);
      for (int u = 0; u < 20; ++u) CHECK(std::isnan(r.y[u]) == (u == 2));
      c = caseOf(5, 20, 1, false, 0, 2, 1, false, false);
      c.x[5 + 3] = INFINITY;
      for (float& w : c.weights) w = -std::fabs(w);
      const Results s = run(*kernels, 1, c, form);
      for (int u = 0; u < 20; ++u) CHECK(std::isfinite(s.y[u]));
    }
}

TEST("every weight form sees new weights when their version changes") {
  Case c = caseOf(5, 20, 2, false, 0, 1, 2, false);
  const auto device = makeCpuDevice({1, ""});
  for (WeightForm form : {WeightForm::kFloat32, WeightForm::kBfloat16, WeightForm::kInt8}) {
    const auto op = device->makeLstm(c.config);
    for (uint64_t version : {1, 2}) {
      CHECK(run(*op, c, form, false, version) == run(*device->makeLstm(c.config), c, form));
      for (float& w : c.weights) w *= -0.5f;
    }
  }
}

TEST("calls that go on from the states of the ones before give the bits of one call") {
  const Case whole = caseOf(6, 30, 2, false, 0, 1, 7, false);
  for (WeightForm form : {WeightForm::kFloat32, WeightForm::kBfloat16, WeightForm::kInt8})
    for (const cpu::Kernels* kernels : harness::allKernels()) {
      const auto device = cpu::makeDeviceOn(*kernels, 1);
      const auto op = device->makeLstm(whole.config);
      const Results expected = run(*op, whole, form);
      Case part = whole;
      part.shape = shapeOf(1, 1);
      std::vector<float> y;
      for (int t = 0; t < 7; ++t) {
        part.x.assign(whole.x.begin() + t * 6, whole.x.begin() + (t + 1) * 6);
        const Results r = run(*op, part, form);
        y.insert(y.end(), r.y.begin(), r.y.end());
        part.h0 = r.hn;
        part.c0 = r.cn;
      }
      CHECK(y == expected.y && part.h0 == expected.hn && part.c0 == expected.cn);
    }
}
