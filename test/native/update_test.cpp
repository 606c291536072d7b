#include "cpu/cpu_device.h"
#include "harness.h"

using namespace lstm;

namespace {

struct Arena {
  std::vector<TensorRow> rows;
  std::vector<float> p, g, m, v;
};

Arena arenaOf(uint64_t seed) {
  harness::Random random(seed);
  Arena a;
  const int64_t sizes[] = {1, 40000, 37, 16384, 5000};
  int64_t offset = 0;
  for (int i = 0; i < 5; ++i) {
    a.rows.push_back({offset, sizes[i], i != 2, i == 1 ? 0.01f : 0.0f, i == 1 || i == 3 ? 0.02f : 0.0f});
    offset += sizes[i];
  }
  a.p = random.floats(offset);
  a.g = random.floats(offset, 0.1);
  a.m = random.floats(offset, 0.1);
  a.v = random.floats(offset, 0.1);
  a.p[7] = 0;  // sign(0) = 0
  for (float& value : a.v) value = std::fabs(value);
  return a;
}

double sign(double x) {
  return (x > 0) - (x < 0);
}

// Device::update's comment, in doubles.
UpdateSums expectedUpdate(const UpdateConfig& c, int64_t step, Arena& a) {
  UpdateSums sums = {0, 0, step, 1, 1};
  std::vector<double> d(a.p.size()), norms;
  for (const TensorRow& row : a.rows) {
    double norm = 0;
    for (int64_t i = row.offset; i < row.offset + row.size && row.trainable; ++i) {
      const double p = a.p[i];
      d[i] = a.g[i] + row.l1 * sign(p) + 2.0 * row.l2 * p;
      norm += d[i] * d[i];
      sums.penalty += row.l1 * std::fabs(p) + row.l2 * p * p;
    }
    sums.squaredNorm += norm;
    norms.push_back(std::sqrt(norm));
  }
  for (size_t tensor = 0; tensor < a.rows.size(); ++tensor) {
    const TensorRow& row = a.rows[tensor];
    for (int64_t i = row.offset; i < row.offset + row.size; ++i) {
      a.g[i] = 0;
      if (!row.trainable) continue;
      double g = d[i];
      const double limit = c.clipLimit;
      if (c.clip == ClipKind::kGlobalNorm) g *= std::fmin(1, limit / (std::sqrt(sums.squaredNorm) + 1e-6));
      if (c.clip == ClipKind::kTensorNorm) g *= limit / std::fmax(norms[tensor], limit);
      if (c.clip == ClipKind::kValue) g = std::fmin(std::fmax(g, -limit), limit);
      if (c.kind == UpdateKind::kAdam) {
        const double m = c.beta1 * static_cast<double>(a.m[i]) + (1.0 - c.beta1) * g;
        const double v = c.beta2 * static_cast<double>(a.v[i]) + (1.0 - c.beta2) * g * g;
        const double mHat = m / (1 - std::pow(c.beta1, static_cast<double>(step)));
        const double vHat = v / (1 - std::pow(c.beta2, static_cast<double>(step)));
        a.p[i] = static_cast<float>(a.p[i] - c.learningRate * mHat / (std::sqrt(vHat) + c.epsilon));
        a.m[i] = static_cast<float>(m);
        a.v[i] = static_cast<float>(v);
      } else {
        const double m = c.momentum * static_cast<double>(a.m[i]) + g;
        a.p[i] = static_cast<float>(a.p[i] - c.learningRate * (c.nesterov ? g + c.momentum * m : m));
        a.m[i] = static_cast<float>(m);
      }
    }
  }
  return sums;
}

UpdateConfig adamConfig(ClipKind clip) {
  UpdateConfig c;
  c.kind = UpdateKind::kAdam;
  c.clip = clip;
  c.clipLimit = clip == ClipKind::kValue ? 0.03f : 1.0f;
  c.learningRate = 0.01f;
  c.beta1 = 0.9f;
  c.beta2 = 0.999f;
  c.epsilon = 1e-8f;
  return c;
}

UpdateConfig sgdConfig(ClipKind clip, float momentum, bool nesterov) {
  UpdateConfig c = adamConfig(clip);
  c.kind = UpdateKind::kSgd;
  c.momentum = momentum;
  c.nesterov = nesterov;
  return c;
}

UpdateSums run(Device& device, const UpdateConfig& config, int64_t step, Arena& a,
               const LossSums* loss = nullptr) {
  UpdateSums sums;
  StepScalars scalars = {0, config.learningRate, step - 1, 1, 0};
  UpdateArgs args{};
  args.config = config;
  args.scalars = &scalars;
  args.rows = a.rows;
  args.params = a.p.data();
  args.grads = a.g.data();
  args.m = a.m.data();
  args.v = a.v.data();
  args.loss = loss;
  args.sums = &sums;
  device.update(args);
  CHECK(scalars.step == step - 1 + sums.applied && sums.step == scalars.step);
  return sums;
}

bool near(double a, double b, double tolerance) {
  return std::fabs(a - b) <= tolerance * std::fabs(b);
}

}  // namespace

TEST("adam and sgd, every clip and both penalties agree with double loops and clear the gradients") {
  std::vector<UpdateConfig> configs;
  for (ClipKind clip : {ClipKind::kNone, ClipKind::kGlobalNorm, ClipKind::kTensorNorm, ClipKind::kValue}) {
    configs.push_back(adamConfig(clip));
    configs.push_back(sgdConfig(clip, 0, false));
    configs.push_back(sgdConfig(clip, 0.9f, false));
    configs.push_back(sgdConfig(clip, 0.9f, true));
  }
  for (const cpu::Kernels* kernels : harness::allKernels())
    for (int threads : {1, 2})
      for (size_t i = 0; i < configs.size(); ++i)
        for (int64_t step : {int64_t{1}, int64_t{1000}}) {
          const auto device = cpu::makeDeviceOn(*kernels, threads);
          Arena actual = arenaOf(i), expected = arenaOf(i);
          const UpdateSums sums = run(*device, configs[i], step, actual);
          const UpdateSums wanted = expectedUpdate(configs[i], step, expected);
          const std::string what = std::string(kernels->name) + " config " + std::to_string(i) + " ";
          harness::require(near(sums.squaredNorm, wanted.squaredNorm, 1e-6), what + "squaredNorm");
          harness::require(near(sums.penalty, wanted.penalty, 1e-6), what + "penalty");
          CHECK(sums.applied == 1);
          CHECK(actual.g == expected.g);
          harness::requireClose(actual.p.data(), expected.p, 1e-6, what + "p");
          harness::requireClose(actual.m.data(), expected.m, 1e-6, what + "m");
          harness::requireClose(actual.v.data(), expected.v, 1e-6, what + "v");
          CHECK(near(device->penalty(actual.rows, arenaOf(i).p.data()), wanted.penalty, 1e-6));
        }
}

TEST("an update has the same bits on any threads") {
  Arena first;
  double norm = 0;
  for (int threads : {1, 2, 3}) {
    Arena a = arenaOf(3);
    const UpdateSums sums = run(*makeCpuDevice({threads, ""}), adamConfig(ClipKind::kGlobalNorm), 3, a);
    if (threads == 1) {
      first = a;
      norm = sums.squaredNorm;
    }
    CHECK(sums.squaredNorm == norm && a.p == first.p && a.m == first.m && a.v == first.v);
  }
}

TEST("a loss or norm that is not finite leaves parameters and moments alone and clears the gradients") {
  const auto device = makeCpuDevice({2, ""});
  for (float bad : {NAN, INFINITY, -INFINITY})
    for (bool inLoss : {false, true}) {
      Arena a = arenaOf(1);
      const Arena before = a;
      LossSums loss = {inLoss ? bad : 1.0, 0, 0, 0};
      if (!inLoss) a.g[30000] = bad;
      const UpdateSums sums = run(*device, adamConfig(ClipKind::kGlobalNorm), 1, a, &loss);
      CHECK(sums.applied == 0);
      CHECK(a.p == before.p && a.m == before.m && a.v == before.v);
      for (float g : a.g) CHECK(g == 0);
    }
}

TEST("the gradient of a tensor that is not trainable counts for nothing, even NaN") {
  Arena a = arenaOf(2);
  a.g[a.rows[2].offset] = NAN;
  CHECK(run(*makeCpuDevice({1, ""}), adamConfig(ClipKind::kNone), 1, a).applied == 1);
}

TEST("the norm of 7 million gradients is right to 1e-6 relative") {
  constexpr int64_t kCount = 7'000'000;
  harness::Random random(9);
  for (double offset : {0.0, 1.0}) {
    Arena a;
    a.rows = {{0, kCount, true, 0, 0}};
    a.p.resize(kCount);
    a.g = random.floats(kCount);
    for (float& g : a.g) g += static_cast<float>(offset);
    long double plain = 0;
    double kahan = 0, lost = 0;
    for (float g : a.g) {
      plain += static_cast<long double>(g) * g;
      const double term = static_cast<double>(g) * g - lost;
      const double sum = kahan + term;
      lost = (sum - kahan) - term;
      kahan = sum;
    }
    for (const cpu::Kernels* kernels : harness::allKernels())
      for (int threads : {1, 2}) {
        Arena copy = a;
        copy.m.resize(kCount);
        const UpdateSums sums =
            run(*cpu::makeDeviceOn(*kernels, threads), sgdConfig(ClipKind::kNone, 0, false), 1, copy);
        CHECK(near(sums.squaredNorm, static_cast<double>(plain), 1e-12) &&
              near(sums.squaredNorm, kahan, 1e-12));
      }
  }
}
