#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "cuda/elements/activation.h"
#include "cuda/elements/dropout.h"
#include "cuda/elements/embedding.h"
#include "cuda/elements/half.h"
#include "cuda/elements/loss.h"
#include "cuda/elements/pool.h"
#include "cuda/elements/softmax.h"
#include "cuda/elements/update.h"
#include "harness.h"
#include "shapes.h"

// The CUDA kernels' arithmetic, compiled for the host, against loops in double written from the equations.
namespace {

using namespace lstm;
using namespace lstm::elements;
using Doubles = std::vector<double>;

constexpr double kFloat = 1e-6;  // a few units in the last place of float32, relative to the greatest value

TEST("element activations and their gradients are those of double arithmetic, far tails included") {
  for (const float x : {-200.0f, -20.0f, -1.5f, -0.0f, 0.0f, 1e-5f, 0.7f, 20.0f, 200.0f}) {
    const double wide = x;
    const double expected[] = {wide, wide > 0 ? wide : 0, std::tanh(wide), 1 / (1 + std::exp(-wide))};
    const double slope[] = {1, wide > 0 ? 1.0 : 0.0, 1 - expected[2] * expected[2],
                            expected[3] * (1 - expected[3])};
    for (int kind = kLinear; kind <= kSigmoid; ++kind) {
      const float y = activate(kind, x);
      CHECK(std::fabs(y - expected[kind]) <= kFloat * (1 + std::fabs(expected[kind])));
      CHECK(std::fabs(activationGradient(kind, y, 3.0f) - 3 * slope[kind]) <= 4 * kFloat);
    }
  }
  CHECK(std::isnan(activate(kRelu, NAN)) && std::isnan(activate(kSigmoid, NAN)));
}

Doubles softmaxOf(const float* z, int classes) {
  const double max = *std::max_element(z, z + classes);
  Doubles p(classes);
  double sum = 0;
  for (int i = 0; i < classes; ++i) sum += p[i] = std::exp(z[i] - max);
  for (double& value : p) value /= sum;
  return p;
}

TEST("element softmax of a row and its gradient are those of double arithmetic") {
  harness::Random random(11);
  LoneTeam team;
  for (const int classes : {1, 2, 3, 33, 1000}) {
    std::vector<float> y = random.floats(classes, 30);
    const Doubles p = softmaxOf(y.data(), classes);
    softmaxRow(team, classes, y.data());
    harness::requireClose(y.data(), p, kFloat, "softmax");
    std::vector<float> dy = random.floats(classes);
    double dot = 0;
    for (int i = 0; i < classes; ++i) dot += p[i] * dy[i];
    Doubles expected(classes);
    for (int i = 0; i < classes; ++i) expected[i] = p[i] * (dy[i] - dot);
    softmaxGradientRow(team, classes, y.data(), dy.data());
    harness::requireClose(dy.data(), expected, kFloat, "softmax gradient");
  }
}

TEST("a row's totals are the same whether one thread takes it or many, whose parts are joined") {
  harness::Random random(12);
  const int classes = 1000;
  const std::vector<float> z = random.floats(classes, 50);
  for (const int lanes : {1, 2, 32, 256, 2000}) {  // with 2000 some lanes have nothing
    IdTotals all = {SoftmaxSum::none(), Best::none()};
    for (int lane = 0; lane < lanes; ++lane) {
      IdTotals own = {SoftmaxSum::none(), Best::none()};
      for (int i = lane; i < classes; i += lanes) {
        own.softmax.takeElement(z[i]);
        own.best.take({z[i], i});
      }
      all.take(own);
    }
    double sum = 0;
    const auto top = std::max_element(z.begin(), z.end());
    for (const float value : z) sum += std::exp(static_cast<double>(value) - *top);
    CHECK(all.softmax.max == *top && all.best.index == top - z.begin());
    CHECK(std::fabs(all.softmax.sum - sum) <= kFloat * sum);
  }
}

TEST("of equal greatest elements the first counts, whatever the order of joining") {
  Best first = {2.0f, 3};
  first.take({2.0f, 7});
  CHECK(first.index == 3);
  Best second = {2.0f, 7};
  second.take({2.0f, 3});
  CHECK(second.index == 3);
  Best nothing = Best::none();
  nothing.take({-INFINITY, 5});
  CHECK(nothing.index == 5);
}

struct Expected {
  double loss = 0, correct = 0, absoluteError = 0, squaredError = 0;
  Doubles gradient;
};

int argmaxOf(const float* z, int classes) {
  return static_cast<int>(std::max_element(z, z + classes) - z);
}

// One row in double: engine/device.h's equations; t null: by id.
Expected expectedRow(int kind, int classes, const float* z, const float* t, int id, double weight,
                     double inverse) {
  Expected e;
  const Doubles p = softmaxOf(z, classes);
  double mass = 0;
  for (int i = 0; t && i < classes; ++i) mass += t[i];
  for (int i = 0; i < classes; ++i) {
    const double value = z[i];
    const double target = t ? t[i] : i == id;
    double difference = value - target;
    double gradient = 2 * difference;
    if (kind == kMse) {
      e.loss += weight * difference * difference;
    } else if (kind == kBinaryCrossEntropy) {
      const double sigmoid = 1 / (1 + std::exp(-value));
      e.loss -= weight * (target * std::log(sigmoid) + (1 - target) * std::log1p(-sigmoid));
      e.correct += (value > 0) == (target > 0.5);
      gradient = difference = sigmoid - target;
    } else {
      if (target != 0) e.loss -= weight * target * std::log(p[i]);
      gradient = t ? p[i] * mass - target : p[i] - target;
      difference = t ? p[i] - target : 0;
    }
    e.absoluteError += std::fabs(difference);
    e.squaredError += difference * difference;
    e.gradient.push_back(weight * inverse * gradient);
  }
  if (kind == kCrossEntropy) e.correct = argmaxOf(z, classes) == (t ? argmaxOf(t, classes) : id);
  return e;
}

LossSettings plain(int kind, int classes) {
  return {kind, classes, nullptr, nullptr, 0, 1, 0, false};
}

void checkLoss(int kind, bool byId, bool inPlace) {
  harness::Random random(20 + kind);
  LoneTeam team;
  for (const int classes : {1, 2, 5, 64, 1025})
    for (int round = 0; round < 4; ++round) {
      std::vector<float> z = random.floats(classes, 6);
      std::vector<float> t(classes);
      for (float& value : t)
        value = static_cast<float>(kind == kBinaryCrossEntropy ? random.below(2) : random.uniform(0, 1));
      const int id = random.below(classes);
      const double weight = round == 0 ? 1.0 : random.uniform(0, 3);
      const Expected expected =
          expectedRow(kind, classes, z.data(), byId ? nullptr : t.data(), id, weight, 1.0 / 17);
      std::vector<float> other(classes);
      float* d = inPlace ? z.data() : other.data();
      LossPart sums = LossPart::none();
      lossRow(team, plain(kind, classes), z.data(), byId ? nullptr : t.data(), id,
              rowScale(weight, false, 1.0 / 17), d, &sums);
      CHECK(std::fabs(sums.loss - expected.loss) <= 3 * kFloat * (1 + std::fabs(expected.loss)));
      CHECK(sums.correct == (kind == kMse ? 0 : expected.correct));
      CHECK(std::fabs(sums.absoluteError - expected.absoluteError) <=
            3 * kFloat * (1 + expected.absoluteError));
      CHECK(std::fabs(sums.squaredError - expected.squaredError) <= 3 * kFloat * (1 + expected.squaredError));
      harness::requireClose(d, expected.gradient, kFloat, "gradient");
    }
}

TEST("element losses, gradients and sums are those of double arithmetic, also in place") {
  for (const bool inPlace : {false, true}) {
    checkLoss(kMse, false, inPlace);
    checkLoss(kBinaryCrossEntropy, false, inPlace);
    checkLoss(kCrossEntropy, false, inPlace);
    checkLoss(kCrossEntropy, true, inPlace);
  }
}

TEST("element losses stay finite for logits of any size, and tell a NaN") {
  LoneTeam team;
  for (const int kind : {kCrossEntropy, kBinaryCrossEntropy}) {
    float z[] = {-3e38f, 3e38f, 0};
    const float t[] = {0, 1, 0};
    LossPart sums = LossPart::none();
    lossRow(team, plain(kind, 3), z, t, 0, rowScale(1, false, 1), z, &sums);
    CHECK(std::isfinite(sums.loss) && std::isfinite(z[0]) && std::isfinite(z[1]) && std::isfinite(z[2]));
    float bad[] = {0, NAN, 0};
    sums = LossPart::none();
    lossRow(team, plain(kind, 3), bad, t, 0, rowScale(1, false, 1), nullptr, &sums);
    CHECK(std::isnan(sums.loss));
  }
}

TEST("element dropout takes every element's own Philox word, at any start within a block") {
  harness::Random random(31);
  const DropoutDraw draw = dropoutDraw(0x123456789abcdefull, 5, 9, 0.3f);
  const std::vector<float> x = random.floats(64);
  for (uint64_t first = 0; first < 13; ++first)
    for (int count = 1; count <= static_cast<int>(4 - first % 4); ++count) {
      float y[5] = {7, 7, 7, 7, 7};
      dropoutWithinBlock(draw, first, count, x.data(), y);
      for (int i = 0; i < count; ++i) {
        const bool drops =
            lstm::philoxWord({0x123456789abcdefull, 5, 9}, first + i) < lstm::dropoutThreshold(0.3f);
        CHECK(y[i] == (drops ? 0.0f : x[i] * (1.0f / (1.0f - 0.3f))));
      }
      CHECK(y[count] == 7);
    }
}

TEST("element dropout draws the bits that the CPU device's kernels draw") {
  harness::Random random(32);
  const DropoutDraw draw = dropoutDraw(77, 3, 21, 0.5f);
  const std::vector<float> x = random.floats(1000);
  for (const lstm::cpu::Kernels* kernels : harness::allKernels()) {
    std::vector<float> expected(x.size());
    kernels->dropout(77, 3, 21, 0, static_cast<int64_t>(x.size()), draw.threshold, draw.scale, x.data(),
                     expected.data());
    std::vector<float> y(x.size());
    for (size_t block = 0; block < x.size() / 4; ++block)
      dropoutWithinBlock(draw, 4 * block, 4, x.data() + 4 * block, y.data() + 4 * block);
    CHECK(y == expected);
  }
}

TEST("bias corrections are those of Kingma and Ba, for a million steps") {
  UpdateRule rule{};
  rule.kind = kAdamRule;
  rule.beta1 = 0.9f;
  rule.beta2 = 0.999f;
  for (const int64_t step : {int64_t{1}, int64_t{3}, int64_t{1000}, int64_t{1000000}}) {
    const StepFactors f = stepFactors(rule, 0.1f, 1, step - 1, 0);
    const double t = static_cast<double>(step);
    CHECK(std::fabs(f.stepSize / (0.1 / (1 - std::pow(0.9, t))) - 1) <= 1e-6);
    CHECK(std::fabs(f.rootScale * std::sqrt(1 - std::pow(0.999, t)) - 1) <= 1e-5);  // of float(0.999)
  }
}

TEST("gradient noise shrinks as Neelakantan et al. have it, and is standard normal before") {
  UpdateRule rule{};
  rule.noiseEta = 0.3f;
  rule.noiseGamma = 0.55f;
  for (const int64_t step : {int64_t{0}, int64_t{9}, int64_t{100000}})
    CHECK(std::fabs(stepFactors(rule, 0.1f, 1, step, 0).noise -
                    std::sqrt(0.3 / std::pow(1.0 + static_cast<double>(step), 0.55))) <= 1e-7);
  const RandomKey key = {12345, kNoiseStream, 7};
  constexpr int kCount = 200000;
  double sum = 0, squares = 0, fourth = 0, neighbours = 0, last = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = noiseOf(key, i);
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    neighbours += x * last;
    last = x;
  }
  // Five standard deviations of each mean: 1, sqrt(2), sqrt(96) and 1 over sqrt(200000).
  CHECK(std::fabs(sum / kCount) <= 5 / std::sqrt(kCount));
  CHECK(std::fabs(squares / kCount - 1) <= 5 * std::sqrt(2.0 / kCount));
  CHECK(std::fabs(fourth / kCount - 3) <= 5 * std::sqrt(96.0 / kCount));
  CHECK(std::fabs(neighbours / kCount) <= 5 / std::sqrt(kCount));
}

TEST("the loss scale follows PyTorch's GradScaler") {
  LossScale now = {65536, 0};
  for (int step = 1; step < 2000; ++step) now = nextLossScale(now, true);
  CHECK(now.scale == 65536 && now.goodSteps == 1999);
  now = nextLossScale(now, true);
  CHECK(now.scale == 131072 && now.goodSteps == 0);
  now = nextLossScale({131072, 7}, false);
  CHECK(now.scale == 65536 && now.goodSteps == 0);
  now = nextLossScale({1.5e38f * 2, 1999}, true);
  CHECK(now.scale == 3e38f && now.goodSteps == 0);  // never infinite
}

TEST("half precision rounds to nearest even, through subnormals, overflow and NaN") {
  const auto powerOf2 = [](int exponent) { return static_cast<float>(std::ldexp(1.0, exponent)); };
  struct Case {
    float x;
    uint16_t fp16, bf16;
  };
  // By hand from IEEE 754 binary16 (10 bits of fraction) and bfloat16 (7).
  const Case cases[] = {
      {0.0f, 0x0000, 0x0000},
      {-0.0f, 0x8000, 0x8000},
      {1.0f, 0x3c00, 0x3f80},
      {-2.5f, 0xc100, 0xc020},
      {1 + powerOf2(-11), 0x3c00, 0x3f80},                  // fp16 tie, to even below
      {1 + 3 * powerOf2(-11), 0x3c02, 0x3f80},              // fp16 tie, to even above
      {1 + powerOf2(-11) + powerOf2(-20), 0x3c01, 0x3f80},  // just above the tie
      {1 + powerOf2(-8), 0x3c04, 0x3f80},                   // bf16 tie, to even below
      {1 + 3 * powerOf2(-8), 0x3c0c, 0x3f82},               // bf16 tie, to even above
      {65504.0f, 0x7bff, 0x4780},                           // the largest fp16
      {65519.0f, 0x7bff, 0x4780},
      {65520.0f, 0x7c00, 0x4780},  // rounds to infinity
      {1e30f, 0x7c00, 0x714a},
      {powerOf2(-14), 0x0400, 0x3880},      // the smallest normal fp16
      {powerOf2(-24), 0x0001, 0x3380},      // the smallest subnormal fp16
      {powerOf2(-25), 0x0000, 0x3300},      // tie, to even
      {3 * powerOf2(-25), 0x0002, 0x33c0},  // tie, to even
      {powerOf2(-15) + powerOf2(-24), 0x0201, 0x3800},
      {INFINITY, 0x7c00, 0x7f80},
      {-INFINITY, 0xfc00, 0xff80},
      {3.4e38f, 0x7c00, 0x7f80},
  };
  for (const Case& c : cases) {
    harness::require(halfBits(kFp16, c.x) == c.fp16, "fp16 of " + std::to_string(c.x));
    harness::require(halfBits(kBf16, c.x) == c.bf16, "bf16 of " + std::to_string(c.x));
  }
  CHECK((halfBits(kFp16, NAN) & 0x7c00) == 0x7c00 && (halfBits(kFp16, NAN) & 0x3ff) != 0);
  CHECK((halfBits(kBf16, NAN) & 0x7f80) == 0x7f80 && (halfBits(kBf16, NAN) & 0x7f) != 0);
}

TEST("the clips' factors follow PyTorch, TensorFlow and Brock et al.") {
  CHECK(normClip(5, 1e-6f, 100) == static_cast<float>(5 / (10 + static_cast<double>(1e-6f))));
  CHECK(normClip(5, 1e-6f, 4) == 1 && normClip(5, 0, 25) == 1);
  CHECK(normClip(5, 0, 100) == 0.5f);
  CHECK(adaptiveClip(0.5f, 1e-3f, 4, 4) == 0.5f);  // |g| 2, most 0.5 * 2
  CHECK(adaptiveClip(0.5f, 1e-3f, 0.25, 4) == 1);  // |g| 0.5
  CHECK(adaptiveClip(0.5f, 1.0f, 4, 0) == 0.25f);  // weights of 0 count as epsilon
  CHECK(adaptiveClip(0.01f, 1e-3f, 0, 0) == 1);
}

TEST("a max-norm follows Keras: norm / (1e-7 + norm) below the limit, limit / (1e-7 + norm) above") {
  CHECK(maxNormScale(2, 16) == static_cast<float>(2 / (4 + 1e-7)));
  CHECK(maxNormScale(2, 1) == static_cast<float>(1 / (1 + 1e-7)));
  CHECK(maxNormScale(2, 0) == 0);
}

TEST("an update does not apply for a loss or a norm that is not finite, or a norm beyond float32") {
  const auto applies = [](double squaredNorm, std::vector<double> losses) {
    std::vector<lstm::LossSums> sums(losses.size());
    for (size_t i = 0; i < losses.size(); ++i) sums[i].loss = losses[i];
    return updateApplies(squaredNorm, sums.data(), static_cast<int>(sums.size()));
  };
  CHECK(applies(0, {0}) && applies(1e38, {-3}) && applies(1e38, {}));
  CHECK(!applies(1e39, {0}) && !applies(NAN, {0}) && !applies(INFINITY, {0}));
  CHECK(!applies(1, {NAN}) && !applies(1, {INFINITY}) && !applies(1, {-INFINITY}));
  CHECK(applies(1, {1, -2}) && !applies(1, {1, NAN}) && !applies(1, {INFINITY, 1}));
}

TEST("what an element adds to the norm and to the penalty is of the penalised gradient") {
  CHECK(std::fabs(squaredGradient(0.5f, -2.0f, 0.1f, 0.25f) - std::pow(0.5 - 0.1 - 1.0, 2)) <= kFloat);
  CHECK(std::fabs(penaltyOf(-2.0f, 0.1f, 0.25f) - (0.2 + 1.0)) <= kFloat);
  CHECK(squaredGradient(0.5f, 0.0f, 0.1f, 0.25f) == 0.25);
}

TEST("element pooling takes each sequence's own live steps, forward and backward") {
  harness::Random random(51);
  const lstm::BatchShape shape = shapeOf(3, 5, {2, 5, 4});
  const int channels = 3;
  const std::vector<float> x = random.floats(shape.rows * channels);
  for (int n = 0; n < 3; ++n)
    for (int c = 0; c < channels; ++c) {
      Doubles steps;
      std::vector<int64_t> rows;
      for (int t = 0; t < shape.lengths[n]; ++t) {
        rows.push_back(shape.rowOffset[t] + n);
        steps.push_back(x[rows.back() * channels + c]);
      }
      const size_t top = std::max_element(steps.begin(), steps.end()) - steps.begin();
      const double mean = std::accumulate(steps.begin(), steps.end(), 0.0) / steps.size();
      const double expected[] = {steps.back(), mean, steps[top]};
      for (int mode = kPoolLast; mode <= kPoolMax; ++mode) {
        int32_t argmax = -1;
        const float y =
            poolElement(mode, n, c, shape.lengths[n], shape.rowOffset.data(), channels, x.data(), &argmax);
        CHECK(std::fabs(y - expected[mode]) <= kFloat);
        CHECK(argmax == (mode == kPoolMax ? rows[top] : -1));
        for (size_t t = 0; t < steps.size(); ++t) {
          const double slope =
              mode == kPoolMean ? 1.0 / steps.size() : (mode == kPoolLast ? t + 1 == steps.size() : t == top);
          CHECK(std::fabs(
                    poolGradientElement(mode, static_cast<int>(t), rows[t], shape.lengths[n], 2.0f, argmax) -
                    2 * slope) <= kFloat);
        }
      }
    }
}

TEST("an embedding's gradient is added run by run, every token's rows in their order") {
  const std::vector<int32_t> tokens = {3, 1, 3, 0, 1, 3};
  const std::vector<int32_t> order = {3, 1, 4, 0, 2, 5};
  const std::vector<float> dy = {1e8f, 2, 1, 5, 3, -1e8f};  // of one channel; another order gives another sum
  std::vector<float> table = {10, 20, 30, 40};
  for (int64_t at = 0; at < 6; ++at) {
    if (!beginsRun(tokens.data(), order.data(), at)) continue;
    float* to = &table[tokens[order[at]]];
    const int64_t end = runEnd(6, tokens.data(), order.data(), at);
    *to = addRun(*to, 1, order.data(), at, end, 0, dy.data());
  }
  CHECK(table[0] == 15 && table[1] == 25 && table[2] == 30);
  CHECK(table[3] == ((40.0f + 1e8f) + 1.0f) - 1e8f);
}

}  // namespace
