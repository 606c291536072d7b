#include "cpu/cpu_device.h"
#include "harness.h"

using namespace lstm;

namespace {

struct Arena {
  std::vector<TensorRow> rows;
  std::vector<float> p, g, m, v, aux, average;
};

Arena arenaOf(uint64_t seed) {
  harness::Random random(seed);
  Arena a;
  const int64_t sizes[] = {1, 40000, 37, 16384, 5000};
  int64_t offset = 0;
  for (int i = 0; i < 5; ++i) {
    a.rows.push_back({offset, sizes[i], i != 2, i == 1 ? 0.01f : 0.0f, i == 1 || i == 3 ? 0.02f : 0.0f});
    a.rows.back().rowSize = i == 4 ? 50 : 0;
    a.rows.back().weightDecay = i == 3 ? 0.5f : 0;
    a.rows.back().rateScale = i == 4 ? 0.25f : 1;
    offset += sizes[i];
  }
  a.p = random.floats(offset);
  a.g = random.floats(offset, 0.1);
  a.m = random.floats(offset, 0.1);
  a.v = random.floats(offset, 0.1);
  a.p[7] = 0;  // sign(0) = 0
  for (float& value : a.v) value = std::fabs(value) + 0.01f;
  a.aux = random.floats(offset, 0.05);
  a.average = random.floats(offset);
  return a;
}

double sign(double x) {
  return (x > 0) - (x < 0);
}

double normOf(const std::vector<double>& x, int64_t begin, int64_t end) {
  double sum = 0;
  for (int64_t i = begin; i < end; ++i) sum += x[i] * x[i];
  return std::sqrt(sum);
}

// The optimiser's part of Device::update's comment, in doubles; rate includes rateScale.
void expectedElement(const UpdateConfig& c, int64_t step, double rate, double decay, double d, Arena& a,
                     int64_t i) {
  double p = a.p[i], m = a.m[i], v = a.v[i], aux = a.aux[i];
  if (c.coupledDecay)
    d += decay * p;
  else
    p *= 1 - rate * decay;
  const double t = static_cast<double>(step);
  if (c.kind == UpdateKind::kAdam) {
    m = c.beta1 * m + (1.0 - c.beta1) * d;
    v = c.beta2 * v + (1.0 - c.beta2) * d * d;
    if (c.amsgrad) aux = std::fmax(aux, v);
    const double bias1 = 1 - std::pow(c.beta1, t), bias2 = 1 - std::pow(c.beta2, t);
    const double second = c.amsgrad ? aux : v;
    p -= c.keras ? rate * std::sqrt(bias2) / bias1 * m / (std::sqrt(second) + c.epsilon)
                 : rate * (m / bias1) / (std::sqrt(second / bias2) + c.epsilon);
  } else if (c.kind == UpdateKind::kSgd) {
    m = c.momentum * m + (c.keras ? rate * d : d);
    const double move = c.nesterov ? (c.keras ? rate * d : d) + c.momentum * m : m;
    p -= c.momentum == 0 ? rate * d : c.keras ? move : rate * move;
  } else if (c.kind == UpdateKind::kRmsprop) {
    v = c.beta2 * v + (1.0 - c.beta2) * d * d;
    if (c.centered) aux = c.beta2 * aux + (1.0 - c.beta2) * d;
    const double second = c.centered ? v - aux * aux : v;
    double move = c.keras ? rate * d / std::sqrt(second + c.epsilon) : d / (std::sqrt(second) + c.epsilon);
    if (c.momentum != 0) move = m = c.momentum * m + move;
    p -= c.keras ? move : rate * move;
  } else {
    v += d * d;
    const double sum = v + c.initialAccumulator;
    p -= rate * d / (c.keras ? std::sqrt(sum + c.epsilon) : std::sqrt(sum) + c.epsilon);
  }
  const UpdateState state = stateOf(c);
  a.p[i] = static_cast<float>(p);
  if (state.m) a.m[i] = static_cast<float>(m);
  if (state.v) a.v[i] = static_cast<float>(v);
  if (state.aux) a.aux[i] = static_cast<float>(aux);
  if (c.average == AverageKind::kEma)
    a.average[i] = static_cast<float>(c.averageDecay * a.average[i] + (1.0 - c.averageDecay) * p);
}

// Device::update's comment, in doubles.
UpdateSums expectedUpdate(const UpdateConfig& c, int64_t step, Arena& a) {
  UpdateSums sums = {0, 0, step, 1, 1};
  std::vector<double> d(a.p.size()), weights(a.p.begin(), a.p.end()), norms;
  for (const TensorRow& row : a.rows) {
    for (int64_t i = row.offset; i < row.offset + row.size && row.trainable; ++i) {
      const double p = a.p[i];
      d[i] = a.g[i] + row.l1 * sign(p) + 2.0 * row.l2 * p;
      sums.penalty += row.l1 * std::fabs(p) + row.l2 * p * p;
    }
    norms.push_back(normOf(d, row.offset, row.offset + row.size));
    sums.squaredNorm += norms.back() * norms.back();
  }
  for (size_t tensor = 0; tensor < a.rows.size(); ++tensor) {
    const TensorRow& row = a.rows[tensor];
    const int64_t rowSize = row.rowSize > 0 ? row.rowSize : row.size;
    double most = 0, own = 0;  // of the row that i lies in
    for (int64_t i = row.offset; i < row.offset + row.size; ++i) {
      a.g[i] = 0;
      if (!row.trainable) continue;
      double g = d[i];
      const double limit = c.clipLimit;
      if (c.clip == ClipKind::kGlobalNorm)
        g *= std::fmin(1, limit / (std::sqrt(sums.squaredNorm) + c.clipEpsilon));
      if (c.clip == ClipKind::kTensorNorm) g *= std::fmin(1, limit / (norms[tensor] + c.clipEpsilon));
      if (c.clip == ClipKind::kValue) g = std::fmin(std::fmax(g, -limit), limit);
      if (c.clip == ClipKind::kAdaptive) {
        if ((i - row.offset) % rowSize == 0) {
          most = limit * std::fmax(normOf(weights, i, i + rowSize), c.clipEpsilon);
          own = normOf(d, i, i + rowSize);
        }
        g *= std::fmin(1, most / own);
      }
      if (c.noiseEta > 0)
        g += std::sqrt(c.noiseEta / std::pow(static_cast<double>(step), c.noiseGamma)) *
             noiseOf({77, kNoiseStream, static_cast<uint32_t>(step - 1)}, i);
      expectedElement(c, step, c.learningRate * row.rateScale, row.weightDecay, g, a, i);
    }
  }
  return sums;
}

UpdateConfig adamConfig(ClipKind clip) {
  UpdateConfig c;
  c.kind = UpdateKind::kAdam;
  c.clip = clip;
  c.clipLimit = clip == ClipKind::kValue ? 0.03f : clip == ClipKind::kAdaptive ? 0.01f : 1.0f;
  c.clipEpsilon = clip == ClipKind::kAdaptive ? 1e-3f : 1e-6f;
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

// Each rule with the options that change its arithmetic.
std::vector<UpdateConfig> ruleConfigs() {
  std::vector<UpdateConfig> configs;
  for (const bool keras : {false, true}) {
    UpdateConfig c = adamConfig(ClipKind::kNone);
    c.keras = keras;
    c.epsilon = 1e-3f;
    configs.push_back(c);
    c.amsgrad = true;
    c.average = AverageKind::kEma;
    c.averageDecay = 0.9f;
    c.coupledDecay = true;
    configs.push_back(c);
    c = sgdConfig(ClipKind::kNone, 0.9f, true);
    c.keras = keras;
    c.noiseEta = 0.3f;
    c.noiseGamma = 0.55f;
    configs.push_back(c);
    for (const bool centered : {false, true}) {
      c = sgdConfig(ClipKind::kNone, centered ? 0.5f : 0, false);
      c.kind = UpdateKind::kRmsprop;
      c.keras = keras;
      c.centered = centered;
      c.beta2 = 0.9f;
      c.epsilon = 1e-2f;
      configs.push_back(c);
    }
    c = sgdConfig(ClipKind::kNone, 0, false);
    c.kind = UpdateKind::kAdagrad;
    c.keras = keras;
    c.initialAccumulator = 0.1f;
    c.epsilon = 1e-2f;
    configs.push_back(c);
  }
  return configs;
}

UpdateSums run(Device& device, const UpdateConfig& config, int64_t step, Arena& a,
               const LossSums* loss = nullptr) {
  UpdateSums sums;
  StepScalars scalars = {0, config.learningRate, step - 1, 1, 0, 3};
  UpdateArgs args{};
  args.config = config;
  args.scalars = &scalars;
  args.rows = a.rows;
  args.params = a.p.data();
  args.grads = a.g.data();
  const UpdateState state = stateOf(config);
  args.m = state.m ? a.m.data() : nullptr;
  args.v = state.v ? a.v.data() : nullptr;
  args.aux = state.aux ? a.aux.data() : nullptr;
  args.average = config.average == AverageKind::kNone ? nullptr : a.average.data();
  args.seed = 77;
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

TEST("every rule, clip and penalty agrees with double loops and clears the gradients") {
  std::vector<UpdateConfig> configs = ruleConfigs();
  for (ClipKind clip : {ClipKind::kNone, ClipKind::kGlobalNorm, ClipKind::kTensorNorm, ClipKind::kValue,
                        ClipKind::kAdaptive}) {
    configs.push_back(adamConfig(clip));
    configs.push_back(sgdConfig(clip, 0, false));
    configs.push_back(sgdConfig(clip, 0.9f, false));
    configs.push_back(sgdConfig(clip, 0.9f, true));
  }
  for (size_t i = 0; i < configs.size(); ++i)
    for (int64_t step : {int64_t{1}, int64_t{1000}}) {
      const Arena given = arenaOf(i);
      Arena expected = given;
      const UpdateSums wanted = expectedUpdate(configs[i], step, expected);
      for (const cpu::Kernels* kernels : harness::allKernels()) {
        const auto device = cpu::makeDeviceOn(*kernels, 2);
        Arena actual = given;
        const UpdateSums sums = run(*device, configs[i], step, actual);
        const std::string what = std::string(kernels->name) + " config " + std::to_string(i) + " ";
        harness::require(near(sums.squaredNorm, wanted.squaredNorm, 1e-6), what + "squaredNorm");
        harness::require(near(sums.penalty, wanted.penalty, 1e-6), what + "penalty");
        CHECK(sums.applied == 1);
        CHECK(actual.g == expected.g);
        harness::requireClose(actual.p.data(), expected.p, 1e-6, what + "p");
        harness::requireClose(actual.m.data(), expected.m, 1e-6, what + "m");
        harness::requireClose(actual.v.data(), expected.v, 1e-6, what + "v");
        harness::requireClose(actual.aux.data(), expected.aux, 1e-6, what + "aux");
        harness::requireClose(actual.average.data(), expected.average, 1e-6, what + "average");
        CHECK(near(device->penalty(actual.rows, given.p.data()), wanted.penalty, 1e-6));
      }
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
      LossSums loss = {};
      loss.loss = inLoss ? bad : 1.0;
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
