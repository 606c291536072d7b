#include "cpu/cpu_device.h"
#include "harness.h"

using namespace lstm;

namespace {

struct Expected {
  LossSums sums = {0, 0, 0, 0};
  std::vector<double> d;
};

Expected expectedLoss(const LossArgs& a) {
  Expected e;
  e.d.resize(a.rows * a.classes);
  for (int64_t r = 0; r < a.rows; ++r) {
    const double weight = a.rowWeights ? a.rowWeights[r] : 1;
    const float* z = a.predictions + r * a.classes;
    std::vector<double> p(z, z + a.classes), t(a.classes), d(a.classes);
    if (a.values) t.assign(a.values + r * a.classes, a.values + (r + 1) * a.classes);
    if (a.ids) t[a.ids[r]] = 1;
    double loss = 0;
    double elements = static_cast<double>(a.rows) * a.classes;
    if (a.kind == LossKind::kCrossEntropy) {
      elements = static_cast<double>(a.rows);
      double max = p[0], sum = 0, mass = 0;
      for (double v : p) max = std::fmax(max, v);
      for (double v : p) sum += std::exp(v - max);
      int best = 0, target = 0;
      for (int i = 0; i < a.classes; ++i) {
        if (p[i] > p[best]) best = i;
        if (t[i] > t[target]) target = i;
        mass += t[i];
        loss -= t[i] * (z[i] - max - std::log(sum));
      }
      for (int i = 0; i < a.classes; ++i) {
        p[i] = std::exp(z[i] - max) / sum;
        d[i] = p[i] * mass - t[i];
      }
      e.sums.correct += best == target;
    }
    for (int i = 0; i < a.classes; ++i) {
      if (a.kind == LossKind::kMse) {
        loss += (p[i] - t[i]) * (p[i] - t[i]);
        d[i] = 2 * (p[i] - t[i]);
      }
      if (a.kind == LossKind::kBinaryCrossEntropy) {
        p[i] = 1 / (1 + std::exp(-static_cast<double>(z[i])));
        // -log p = log(1 + exp(-z)), -log(1 - p) = log(1 + exp(z))
        loss += t[i] * std::log1p(std::exp(-static_cast<double>(z[i]))) +
                (1 - t[i]) * std::log1p(std::exp(static_cast<double>(z[i])));
        d[i] = p[i] - t[i];
        e.sums.correct += (p[i] > 0.5) == (t[i] > 0.5);
      }
      if (!a.ids) {
        e.sums.absoluteError += std::fabs(p[i] - t[i]);
        e.sums.squaredError += (p[i] - t[i]) * (p[i] - t[i]);
      }
      e.d[r * a.classes + i] = weight * d[i] / elements;
    }
    e.sums.loss += weight * loss;
  }
  return e;
}

bool near(double a, double b, double tolerance = 1e-5) {
  return std::fabs(a - b) <= tolerance * (1 + std::fabs(b));
}

void check(Device& device, LossArgs args, const std::string& what) {
  const Expected expected = expectedLoss(args);
  LossSums sums;
  std::vector<float> d(args.rows * args.classes);
  args.dPredictions = nullptr;
  args.sums = &sums;
  device.loss(args);
  const LossSums alone = sums;
  args.dPredictions = d.data();
  device.loss(args);
  CHECK(sums.loss == alone.loss && sums.absoluteError == alone.absoluteError);
  harness::require(near(sums.loss, expected.sums.loss), what + " loss");
  harness::require(sums.correct == expected.sums.correct, what + " correct");
  harness::require(near(sums.absoluteError, expected.sums.absoluteError), what + " absoluteError");
  harness::require(near(sums.squaredError, expected.sums.squaredError), what + " squaredError");
  // p - t cancels to a rounding error of p where they nearly agree: the scale is that of a row's p, which a
  // distribution that does not sum to 1 multiplies by its sum.
  double scale = 0;
  for (int64_t r = 0; r < args.rows; ++r)
    scale = std::fmax(scale, args.rowWeights ? args.rowWeights[r] : 1.0);
  scale /= static_cast<double>(args.rows) * (args.kind == LossKind::kCrossEntropy ? 1 : args.classes);
  if (args.kind == LossKind::kCrossEntropy && args.values) scale *= args.classes;
  for (size_t i = 0; i < d.size(); ++i)
    harness::require(std::fabs(d[i] - expected.d[i]) <= 1e-6 * scale * (args.kind == LossKind::kMse ? 10 : 1),
                     what + " gradient");
  // In place, on a copy of the predictions.
  std::vector<float> both(args.predictions, args.predictions + d.size());
  args.predictions = both.data();
  args.dPredictions = both.data();
  device.loss(args);
  CHECK(both == d && sums.loss == alone.loss);
}

}  // namespace

TEST("losses, their sums and gradients agree with double loops, in place too") {
  harness::Random random(4);
  for (const cpu::Kernels* kernels : harness::allKernels())
    for (int threads : {1, 2, 3}) {
      const auto device = cpu::makeDeviceOn(*kernels, threads);
      for (int rows : {1, 7, 130})
        for (int classes : {1, 2, 17, 65}) {
          const std::vector<float> z = random.floats(rows * classes, 5);
          std::vector<float> values(rows * classes), weights(rows);
          std::vector<int32_t> ids(rows);
          for (float& v : values) v = static_cast<float>(random.uniform(0, 1));
          for (float& w : weights) w = static_cast<float>(random.uniform(0, 2));
          for (int32_t& id : ids) id = random.below(classes);
          for (const float* w :
               {static_cast<const float*>(nullptr), static_cast<const float*>(weights.data())}) {
            LossArgs args{LossKind::kMse, rows, classes, z.data(), nullptr,
                          values.data(),  w,    nullptr, nullptr};
            check(*device, args, "mse");
            args.kind = LossKind::kBinaryCrossEntropy;
            check(*device, args, "binaryCrossEntropy");
            args.kind = LossKind::kCrossEntropy;
            check(*device, args, "crossEntropy by values");
            args.values = nullptr;
            args.ids = ids.data();
            check(*device, args, "crossEntropy by ids");
          }
        }
    }
}

TEST("huge logits give finite losses and gradients") {
  const auto device = makeCpuDevice({1, ""});
  const float z[3] = {1e4f, -1e4f, 0}, t[3] = {0, 1, 0};
  const int32_t id = 1;
  float d[3];
  LossSums sums;
  device->loss({LossKind::kCrossEntropy, 1, 3, z, &id, nullptr, nullptr, d, &sums});
  CHECK(near(sums.loss, 2e4) && d[0] == 1 && d[1] == -1 && d[2] == 0);
  device->loss({LossKind::kBinaryCrossEntropy, 1, 3, z, nullptr, t, nullptr, d, &sums});
  CHECK(near(sums.loss, 2e4 + std::log(2.0)) && near(d[0], 1.0 / 3) && near(d[1], -1.0 / 3));
}

TEST("a loss has the same bits on any threads, and a NaN logit makes it NaN") {
  harness::Random random(6);
  const int rows = 777, classes = 40;
  std::vector<float> z = random.floats(rows * classes, 3);
  std::vector<int32_t> ids(rows);
  for (int32_t& id : ids) id = random.below(classes);
  double first = 0;
  for (int threads : {1, 2, 3, 5}) {
    const auto device = makeCpuDevice({threads, ""});
    LossSums sums;
    device->loss(
        {LossKind::kCrossEntropy, rows, classes, z.data(), ids.data(), nullptr, nullptr, nullptr, &sums});
    if (threads == 1) first = sums.loss;
    CHECK(sums.loss == first);
  }
  for (int at : {0, 3, 39}) {
    std::vector<float> bad = z;
    bad[at] = NAN;
    LossSums sums;
    makeCpuDevice({1, ""})->loss(
        {LossKind::kCrossEntropy, rows, classes, bad.data(), ids.data(), nullptr, nullptr, nullptr, &sums});
    CHECK(std::isnan(sums.loss));
  }
}
