#include <algorithm>

#include "cpu/cpu_device.h"
#include "engine/errors.h"
#include "engine/objective.h"
#include "harness.h"

using namespace lstm;

namespace {

struct Expected {
  LossSums sums{};
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

namespace {

// Sum and gradients of an element's loss by central differences of its equation in double: z [channels], t its target.
struct Element {
  LossKind kind;
  double delta;
  std::vector<float> quantiles;

  double operator()(const std::vector<double>& z, double t) const {
    const double d = z[0] - t;
    double sum = 0;
    switch (kind) {
      case LossKind::kMae:
        return std::fabs(d);
      case LossKind::kHuber:
        return std::fabs(d) < delta ? d * d / 2 : delta * (std::fabs(d) - delta / 2);
      case LossKind::kLogCosh:
        return std::log(std::cosh(d));
      case LossKind::kQuantile:
        for (size_t q = 0; q < z.size(); ++q)
          sum += std::fmax(quantiles[q] * (t - z[q]), (quantiles[q] - 1.0) * (t - z[q]));
        return sum;
      default:
        return (z[1] + d * d / std::exp(z[1])) / 2 + std::log(2 * M_PI) / 2;
    }
  }
  double slope(std::vector<double> z, double t, int at) const {
    constexpr double kStep = 1e-6;
    z[at] += kStep;
    const double above = (*this)(z, t);
    z[at] -= 2 * kStep;
    return (above - (*this)(z, t)) / (2 * kStep);
  }
};

}  // namespace

TEST("losses of numbers and their gradients agree with their equations and central differences") {
  harness::Random random(12);
  const int rows = 37, targets = 3;
  for (const cpu::Kernels* kernels : harness::allKernels())
    for (const LossKind kind : {LossKind::kMae, LossKind::kHuber, LossKind::kLogCosh, LossKind::kQuantile,
                                LossKind::kGaussianNll}) {
      const Element element{kind, 0.8, {0.1f, 0.5f, 0.9f, 0.95f}};
      const int width = kind == LossKind::kQuantile ? 4 : kind == LossKind::kGaussianNll ? 2 : 1;
      const std::vector<float> z = random.floats(rows * targets * width, 2);
      const std::vector<float> t = random.floats(rows * targets, 2);
      std::vector<float> d(z.size());
      LossSums sums;
      LossArgs args{kind, rows, targets * width, z.data(), nullptr, t.data(), nullptr, d.data(), &sums};
      args.delta = 0.8f;
      args.full = true;
      args.quantiles = element.quantiles.data();
      args.quantileCount = 4;
      cpu::makeDeviceOn(*kernels, 2)->loss(args);
      double loss = 0;
      const double elements = liveElements(kind, rows, targets * width);
      CHECK(elements == rows * targets * (kind == LossKind::kQuantile ? 4 : 1));
      for (int i = 0; i < rows * targets; ++i) {
        const std::vector<double> own(z.begin() + i * width, z.begin() + (i + 1) * width);
        loss += element(own, t[i]);
        for (int k = 0; k < width; ++k)
          CHECK(std::fabs(d[i * width + k] * elements - element.slope(own, t[i], k)) < 2e-4);
      }
      CHECK(near(sums.loss, loss) && sums.count == rows * targets && sums.correct == 0);
    }
}

TEST("a variance below 1e-6 is held there, and a certain forecast that is wrong stays finite") {
  const float z[2] = {1, -200}, t[1] = {1.5f};
  float d[2];
  LossSums sums;
  makeCpuDevice({1, ""})->loss({LossKind::kGaussianNll, 1, 2, z, nullptr, t, nullptr, d, &sums});
  CHECK(near(sums.loss, (std::log(1e-6) + 0.25 / 1e-6) / 2) && near(d[0], -0.5 / 1e-6) && d[1] == 0);
}

TEST("class weights, smoothing and rows that do not count follow the equation of LossArgs") {
  harness::Random random(13);
  const int rows = 11, classes = 5;
  const std::vector<float> z = random.floats(rows * classes, 3);
  std::vector<float> weights(classes);
  for (float& w : weights) w = static_cast<float>(random.uniform(0, 2));
  std::vector<int32_t> ids(rows);
  for (int32_t& id : ids) id = random.below(classes + 1) - 1;
  ids[3] = -1;
  for (const float smoothing : {0.0f, 0.25f}) {
    double loss = 0, logLikelihood = 0, count = 0, elements = 0;
    std::vector<double> expected(rows * classes);
    for (const int32_t id : ids) elements += id < 0 ? 0 : weights[id];
    for (int r = 0; r < rows; ++r) {
      if (ids[r] < 0) continue;
      double sum = 0, mass = 0;
      for (int k = 0; k < classes; ++k) sum += std::exp(z[r * classes + k]);
      std::vector<double> a(classes);
      for (int k = 0; k < classes; ++k) {
        a[k] = weights[k] * ((1 - smoothing) * (k == ids[r]) + smoothing / classes);
        mass += a[k];
        loss -= a[k] * (z[r * classes + k] - std::log(sum));
      }
      for (int k = 0; k < classes; ++k)
        expected[r * classes + k] = (std::exp(z[r * classes + k]) / sum * mass - a[k]) / elements;
      logLikelihood += z[r * classes + ids[r]] - std::log(sum);
      count += 1;
    }
    std::vector<float> d(rows * classes, 7);
    LossSums sums;
    LossArgs args{
        LossKind::kCrossEntropy, rows, classes, z.data(), ids.data(), nullptr, nullptr, d.data(), &sums};
    args.classWeights = weights.data();
    args.labelSmoothing = smoothing;
    args.elements = &elements;
    makeCpuDevice({1, ""})->loss(args);
    CHECK(near(sums.loss, loss) && near(sums.logLikelihood, logLikelihood) && sums.count == count);
    for (size_t i = 0; i < d.size(); ++i) CHECK(std::fabs(d[i] - expected[i]) < 1e-6);
  }
}

TEST("with no row that counts a loss is 0 and so are its gradients") {
  const float z[4] = {1, 2, 3, 4};
  const int32_t ids[2] = {-1, -1};
  const double elements = 0;
  float d[4] = {9, 9, 9, 9};
  LossSums sums;
  LossArgs args{LossKind::kCrossEntropy, 2, 2, z, ids, nullptr, nullptr, d, &sums};
  args.elements = &elements;
  makeCpuDevice({1, ""})->loss(args);
  CHECK(sums.loss == 0 && sums.count == 0);
  for (const float value : d) CHECK(value == 0);
}

TEST("losses and metrics that do not fit the output are refused") {
  const auto refuses = [](const LossConfig& loss, const MetricRequest& metrics, int channels) {
    try {
      checkLoss(loss, channels);
      checkMetrics(metrics, loss, channels);
    } catch (const InvalidArgument&) {
      return true;
    }
    return false;
  };
  const auto with = [](LossKind kind, auto change) {
    LossConfig loss;
    loss.kind = kind;
    change(loss);
    return loss;
  };
  const auto asking = [](auto change) {
    MetricRequest request;
    change(request);
    return request;
  };
  const auto same = [](auto&) {};
  const LossConfig mse, classes = with(LossKind::kCrossEntropy, same),
                        labels = with(LossKind::kBinaryCrossEntropy, same);
  const LossConfig quantiles = with(LossKind::kQuantile, [](auto& l) { l.quantiles = {0.1f, 0.9f}; });
  CHECK(!refuses(mse, {}, 3) && !refuses(classes, {}, 3) && !refuses(quantiles, {}, 4));
  CHECK(refuses(quantiles, {}, 3));
  CHECK(refuses(with(LossKind::kQuantile, same), {}, 3));
  CHECK(refuses(with(LossKind::kQuantile, [](auto& l) { l.quantiles = {1.5f}; }), {}, 3));
  CHECK(refuses(with(LossKind::kGaussianNll, same), {}, 3));
  CHECK(refuses(with(LossKind::kHuber, [](auto& l) { l.delta = 0; }), {}, 3));
  CHECK(refuses(with(LossKind::kHuber, [](auto& l) { l.delta = NAN; }), {}, 3));
  CHECK(refuses(with(LossKind::kCrossEntropy, [](auto& l) { l.labelSmoothing = 1; }), {}, 3));
  CHECK(refuses(with(LossKind::kCrossEntropy, [](auto& l) { l.classWeights = {1, 2}; }), {}, 3));
  CHECK(refuses(with(LossKind::kCrossEntropy, [](auto& l) { l.classWeights = {1, 2, -1}; }), {}, 3));
  CHECK(refuses(mse, asking([](auto& m) { m.classCounts = true; }), 3));
  CHECK(refuses(mse, asking([](auto& m) { m.topK = 1; }), 3));
  CHECK(refuses(classes, asking([](auto& m) { m.targetSums = true; }), 3));
  CHECK(refuses(classes, asking([](auto& m) { m.topK = 4; }), 3));
  CHECK(refuses(classes, asking([](auto& m) { m.confusion = true; }), kMostConfusionClasses + 1));
  CHECK(refuses(labels, asking([](auto& m) { m.confusion = true; }), 2));
  CHECK(!refuses(labels, asking([](auto& m) { m.confusion = true; }), 1));
  CHECK(refuses(quantiles, asking([](auto& m) { m.point = 2; }), 4));
  CHECK(refuses(quantiles, asking([](auto& m) { m.lower = 0; }), 4));
  CHECK(refuses(quantiles, asking([](auto& m) { m.upper = m.lower = 2; }), 4));
  CHECK(refuses(mse, asking([](auto& m) { m.halfWidth = -1; }), 4));
}

TEST("metric counts are those of plain loops, on any threads") {
  harness::Random random(15);
  const int rows = 301, classes = 7;
  const std::vector<float> z = random.floats(rows * classes, 2);
  std::vector<int32_t> ids(rows);
  std::vector<float> weights(rows);
  for (int32_t& id : ids) id = random.below(classes + 1) - 1;
  for (float& w : weights) w = static_cast<float>(random.uniform(0, 2));
  std::vector<double> counts(3 * classes), confusion(classes * classes);
  double ranked = 0;
  for (int r = 0; r < rows; ++r) {
    if (ids[r] < 0) continue;
    const float* row = z.data() + r * classes;
    const int best = static_cast<int>(std::max_element(row, row + classes) - row);
    const auto before = std::count_if(row, row + classes, [&](float v) { return v > row[ids[r]]; });
    confusion[ids[r] * classes + best] += weights[r];
    counts[3 * best + 1] += weights[r];
    counts[3 * ids[r] + 2] += weights[r];
    if (best == ids[r]) counts[3 * best] += weights[r];
    if (before < 3) ranked += weights[r];
  }
  for (int threads : {1, 2, 5}) {
    std::vector<double> gotCounts(3 * classes, -1), gotConfusion(classes * classes, -1);
    double gotRanked = -1;
    makeCpuDevice({threads, ""})
        ->metrics({LossKind::kCrossEntropy, rows, classes, 1, z.data(), ids.data(), nullptr, weights.data(),
                   gotCounts.data(), gotConfusion.data(), &gotRanked, 3, nullptr, 0, -1, -1, 0});
    CHECK(gotCounts == counts && gotConfusion == confusion && gotRanked == ranked);
  }
}
