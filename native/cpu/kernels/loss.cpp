#include <math.h>

#include "cpu/kernels/softmax.h"
#include "cpu/kernels/table.h"

// The equations are those of LossArgs in engine/device.h. Sums in double; a row's gradient is written after its
// predictions were read, as both may be one buffer.
namespace lstm::cpu::LSTM_ARCH {
namespace {

// One row: z, d [classes], d null for no gradient; t [targets].
struct Row {
  const float* z;
  const float* t;
  float* d;
  int classes;
  double weight;  // of the loss
  double metric;  // of the other sums
  float scale;    // of the gradient: weight / elements
};

LSTM_INLINE void addError(RowSums* sums, double weight, double difference) {
  sums->absoluteError += weight * (difference < 0 ? -difference : difference);
  sums->squaredError += weight * (difference * difference);
}

LSTM_INLINE float signOf(float x) {
  return static_cast<float>((x > 0) - (x < 0));
}

struct Mse {
  double loss(double d) const { return d * d; }
  float derivative(float d) const { return 2 * d; }
};

struct Mae {
  double loss(double d) const { return d < 0 ? -d : d; }
  float derivative(float d) const { return signOf(d); }
};

struct Huber {
  float delta;
  double loss(double d) const {
    const double size = d < 0 ? -d : d;
    return size < delta ? 0.5 * d * d : delta * (size - 0.5 * delta);
  }
  float derivative(float d) const { return d > delta ? delta : d < -delta ? -delta : d; }
};

// log cosh d = |d| + log(1 + exp(-2|d|)) - log 2, which no d overflows
struct LogCosh {
  double loss(double d) const {
    const double size = d < 0 ? -d : d;
    return size + log1p(exp(-2 * size)) - 0.69314718055994530942;
  }
  float derivative(float d) const { return tanhf(d); }
};

template <typename Element>
LSTM_INLINE void differenceRow(const Element& element, const Row& r, RowSums* sums) {
  double loss = 0;
  for (int i = 0; i < r.classes; ++i) {
    const double difference = static_cast<double>(r.z[i]) - r.t[i];
    loss += element.loss(difference);
    addError(sums, r.metric, difference);
    if (r.d) r.d[i] = r.scale * element.derivative(r.z[i] - r.t[i]);
  }
  sums->loss += r.weight * loss;
  sums->count += r.metric * r.classes;
}

void quantileRow(const Row& r, const float* quantiles, int count, RowSums* sums) {
  double loss = 0;
  for (int i = 0; i < r.classes; ++i) {
    const double q = quantiles[i % count];
    const double missing = static_cast<double>(r.t[i / count]) - r.z[i];
    loss += missing > 0 ? q * missing : (q - 1) * missing;
    const double slope = missing > 0 ? -q : missing < 0 ? 1 - q : missing * 0;  // NaN stays
    if (r.d) r.d[i] = static_cast<float>(r.scale * slope);
  }
  sums->loss += r.weight * loss;
  sums->count += r.metric * (r.classes / count);
}

void gaussianRow(const Row& r, bool full, RowSums* sums) {
  constexpr double kLeastVariance = 1e-6;
  double loss = 0;
  for (int i = 0; i < r.classes; i += 2) {
    const double difference = static_cast<double>(r.z[i]) - r.t[i / 2];
    const double logVariance = r.z[i + 1];
    const double given = exp(logVariance);
    const bool held = given < kLeastVariance;
    const double variance = held ? kLeastVariance : given;
    const double share = difference * difference / variance;
    loss += 0.5 * ((held ? log(kLeastVariance) : logVariance) + share) + (full ? 0.91893853320467274178 : 0);
    addError(sums, r.metric, difference);
    if (!r.d) continue;
    r.d[i] = static_cast<float>(r.scale * difference / variance);
    r.d[i + 1] = static_cast<float>(0.5 * r.scale * (given / variance) * (1 - share));
  }
  sums->loss += r.weight * loss;
  sums->count += r.metric * (r.classes / 2);
}

// max(z, 0) - z t + log(1 + exp(-|z|)), stable on both sides; d = sigmoid(z) - t
void binaryRow(const Row& r, RowSums* sums) {
  double loss = 0;
  for (int i = 0; i < r.classes; i += W) {
    const int lanes = r.classes - i < W ? r.classes - i : W;
    const Vec logits = loadUpTo(r.z + i, lanes);
    const Vec targets = loadUpTo(r.t + i, lanes);
    const Vec p = vsigmoid(logits);
    const Vec e = vexp(-absolute(logits));
    for (int lane = 0; lane < lanes; ++lane) {
      const double logit = logits[lane];
      const double target = targets[lane];
      loss += (logit > 0 ? logit : 0) - logit * target + log1p(static_cast<double>(e[lane]));
      sums->correct += (logit > 0) == (target > 0.5) ? r.metric : 0;
      addError(sums, r.metric, static_cast<double>(p[lane]) - target);
    }
    if (r.d) storeUpTo(r.d + i, (p - targets) * r.scale, lanes);
  }
  sums->loss += r.weight * loss;
  sums->count += r.metric * r.classes;
}

// log sum exp(z) - z[id]; d = softmax(z) - onehot(id). scratch [classes] holds exp(z - max), may be z.
void idRow(const Row& r, int id, float* scratch, RowSums* sums) {
  if (argmax(r.z, r.classes) == id) sums->correct += r.metric;
  const float target = r.z[id];
  const SoftmaxRow s = exponentials(r.z, scratch, r.classes);
  const double loss = log(s.sum) + s.max - target;
  sums->loss += r.weight * loss;
  sums->logLikelihood -= r.metric * loss;
  sums->count += r.metric;
  if (!r.d) return;
  const float factor = static_cast<float>(r.scale / s.sum);
  for (int i = 0; i < r.classes; ++i) r.d[i] = scratch[i] * factor;
  r.d[id] -= r.scale;
}

// Targets t [classes] or, null, one-hot at id.
struct Distribution {
  const float* t;
  int id;
  const float* classWeights;
  double kept;    // 1 - labelSmoothing
  double spread;  // labelSmoothing / classes

  double target(int i) const { return t ? t[i] : i == id ? 1.0 : 0.0; }
  double operator()(int i) const {
    return (kept * target(i) + spread) * (classWeights ? classWeights[i] : 1.0);
  }
};

// -sum a log p = (log sum exp z) (sum a) - sum a z; d = softmax(z) (sum a) - a
void distributionRow(const Row& r, const Distribution& a, float* scratch, RowSums* sums) {
  const int best = a.t ? argmax(a.t, r.classes) : a.id;
  if (argmax(r.z, r.classes) == best) sums->correct += r.metric;
  double mass = 0, dot = 0, plainMass = 0, plainDot = 0;
  for (int i = 0; i < r.classes; ++i) {
    const double wanted = a(i);
    const double target = a.target(i);
    mass += wanted;
    plainMass += target;
    if (wanted != 0) dot += wanted * r.z[i];
    if (target != 0) plainDot += target * r.z[i];
  }
  const SoftmaxRow s = exponentials(r.z, scratch, r.classes);
  const double logSum = log(s.sum) + s.max;
  sums->loss += r.weight * (logSum * mass - dot);
  sums->logLikelihood -= r.metric * (logSum * plainMass - plainDot);
  sums->count += r.metric;
  const double inverse = 1.0 / s.sum;
  for (int i = 0; i < r.classes; ++i) {
    const double p = scratch[i] * inverse;
    if (a.t) addError(sums, r.metric, p - a.t[i]);
    if (r.d) r.d[i] = static_cast<float>(r.scale * (p * mass - a(i)));
  }
}

void clearRow(float* d, int classes) {
  for (int i = 0; d && i < classes; ++i) d[i] = 0;
}

void crossEntropyRow(const LossRows& p, Row r, int64_t row, float* scratch, RowSums* sums) {
  const int id = p.ids ? p.ids[row] : 0;
  if (id < 0) return clearRow(r.d, r.classes);
  if (p.ids && p.labelSmoothing == 0) {
    if (p.classWeights) {
      r.weight *= p.classWeights[id];
      r.scale *= p.classWeights[id];
    }
    return idRow(r, id, scratch, sums);
  }
  const double smoothing = p.labelSmoothing;
  const Distribution a{p.ids ? nullptr : r.t, id, p.classWeights, 1 - smoothing, smoothing / p.classes};
  distributionRow(r, a, scratch, sums);
}

void lossRow(const LossRows& p, const Row& r, int64_t row, float* scratch, RowSums* sums) {
  switch (p.kind) {
    case RowLoss::kMse:
      return differenceRow(Mse{}, r, sums);
    case RowLoss::kMae:
      return differenceRow(Mae{}, r, sums);
    case RowLoss::kHuber:
      return differenceRow(Huber{p.delta}, r, sums);
    case RowLoss::kLogCosh:
      return differenceRow(LogCosh{}, r, sums);
    case RowLoss::kQuantile:
      return quantileRow(r, p.quantiles, p.quantileCount, sums);
    case RowLoss::kGaussianNll:
      return gaussianRow(r, p.full, sums);
    case RowLoss::kBinaryCrossEntropy:
      return binaryRow(r, sums);
    case RowLoss::kCrossEntropyIds:
    case RowLoss::kCrossEntropyValues:
      return crossEntropyRow(p, r, row, scratch, sums);
  }
}

int targetsOf(const LossRows& p) {
  if (p.kind == RowLoss::kQuantile) return p.classes / p.quantileCount;
  return p.kind == RowLoss::kGaussianNll ? p.classes / 2 : p.classes;
}

constexpr int kLocal = 4096;

}  // namespace

void lossRows(const LossRows& p, RowSums* sums) {
  float local[kLocal];
  // Without a gradient the exponentials have no place of their own; wide rows then need a heap row.
  float* spare = local;
  if (!p.dPredictions && p.classes > kLocal) spare = new float[p.classes];
  const int targets = targetsOf(p);
  for (int64_t row = p.begin; row < p.end; ++row) {
    const int64_t at = row * p.classes;
    const double weight = p.rowWeights ? p.rowWeights[row] : 1.0;
    Row r{};
    r.z = p.predictions + at;
    r.t = p.values ? p.values + row * targets : nullptr;
    r.d = p.dPredictions ? p.dPredictions + at : nullptr;
    r.classes = p.classes;
    r.weight = weight;
    r.metric = p.weighMetrics ? weight : 1.0;
    r.scale = static_cast<float>(weight * p.inverseCount);
    lossRow(p, r, row, r.d ? r.d : spare, sums);
  }
  if (spare != local) delete[] spare;
}

}  // namespace lstm::cpu::LSTM_ARCH
