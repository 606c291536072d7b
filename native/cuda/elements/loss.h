#pragma once

#include <limits.h>
#include <math.h>
#include <stdint.h>

#include "cuda/elements/activation.h"
#include "cuda/elements/softmax.h"

// Loss, gradient and metric sums, as engine/device.h defines them. Sums are double. A gradient may stand in the
// predictions' place: an element is read for the last time before it is written.
//   weight: of the loss, metric: of the other sums, scale = float(weight / elements): what a gradient is multiplied by.
//   d null: no gradient.
namespace lstm::elements {

constexpr int kMse = 0;
constexpr int kCrossEntropy = 1;
constexpr int kBinaryCrossEntropy = 2;
constexpr int kMae = 3;
constexpr int kHuber = 4;
constexpr int kLogCosh = 5;
constexpr int kQuantile = 6;
constexpr int kGaussianNll = 7;

struct LossPart {
  double loss;
  double correct;
  double absoluteError;
  double squaredError;
  double logLikelihood;
  double count;

  LSTM_HOST_DEVICE static LossPart none() { return {0, 0, 0, 0, 0, 0}; }

  LSTM_HOST_DEVICE void take(const LossPart& other) {
    loss += other.loss;
    correct += other.correct;
    absoluteError += other.absoluteError;
    squaredError += other.squaredError;
    logLikelihood += other.logLikelihood;
    count += other.count;
  }
  LSTM_HOST_DEVICE void takeDifference(double metric, double difference) {
    absoluteError += metric * fabs(difference);
    squaredError += metric * (difference * difference);
  }
};

struct LossSettings {
  int kind;
  int classes;                // channels of the predictions
  const float* classWeights;  // [classes] or null
  const float* quantiles;     // [quantileCount]
  int quantileCount;
  float delta;
  float labelSmoothing;
  bool full;

  // A row of element-wise losses is so many units: `width` channels each, `share` of them on one target.
  LSTM_HOST_DEVICE int width() const { return kind == kGaussianNll ? 2 : 1; }
  LSTM_HOST_DEVICE int share() const { return kind == kQuantile ? quantileCount : 1; }
  LSTM_HOST_DEVICE int units() const { return classes / width(); }
  LSTM_HOST_DEVICE int targets() const { return classes / width() / share(); }
};

// What the weights of a row make of it.
struct RowScale {
  double weight;
  double metric;
  float scale;
};

LSTM_HOST_DEVICE inline RowScale rowScale(double weight, bool weighMetrics, double inverse) {
  return {weight, weighMetrics ? weight : 1.0, static_cast<float>(weight * inverse)};
}

// 1 / what the mean divides by; elements null: every row counts alike.
LSTM_HOST_DEVICE inline double inverseCount(int kind, int64_t rows, int classes, const double* elements) {
  double count = static_cast<double>(rows);
  if (kind != kCrossEntropy) count *= kind == kGaussianNll ? classes / 2 : classes;
  if (elements) count = *elements;
  return count > 0 ? 1.0 / count : 0.0;
}

// mse, mae, huber, logCosh: of p - t; gives the gradient.
LSTM_HOST_DEVICE inline float differenceElement(const LossSettings& with, float p, float t,
                                                const RowScale& row, LossPart* sums) {
  const double difference = static_cast<double>(p) - t;
  const double size = fabs(difference);
  const float d = p - t;
  double loss = 0;
  float slope = 0;
  if (with.kind == kMse) {
    loss = difference * difference;
    slope = 2 * d;
  } else if (with.kind == kMae) {
    loss = size;
    slope = static_cast<float>((d > 0) - (d < 0));
  } else if (with.kind == kHuber) {
    const double delta = with.delta;
    loss = size < delta ? 0.5 * difference * difference : delta * (size - 0.5 * delta);
    slope = d > with.delta ? with.delta : d < -with.delta ? -with.delta : d;
  } else {
    loss = size + log1p(exp(-2 * size)) - 0.69314718055994530942;
    slope = tanhf(d);
  }
  sums->loss += row.weight * loss;
  sums->takeDifference(row.metric, difference);
  sums->count += row.metric;
  return slope * row.scale;
}

// max(q (t - p), (q - 1)(t - p)); gives the gradient. A target counts with its first quantile.
LSTM_HOST_DEVICE inline float quantileElement(double q, bool first, float p, float t, const RowScale& row,
                                              LossPart* sums) {
  const double missing = static_cast<double>(t) - p;
  sums->loss += row.weight * (missing > 0 ? q * missing : (q - 1) * missing);
  if (first) sums->count += row.metric;
  const double slope = missing > 0 ? -q : missing < 0 ? 1 - q : missing * 0;  // NaN stays
  return static_cast<float>(row.scale * slope);
}

// (log v + (p - t)^2 / v) / 2 of z = (p, log variance); d [2] may be z.
LSTM_HOST_DEVICE inline void gaussianElement(bool full, const float* z, float t, const RowScale& row,
                                             float* d, LossPart* sums) {
  constexpr double kLeastVariance = 1e-6;
  const double difference = static_cast<double>(z[0]) - t;
  const double logVariance = z[1];
  const double given = exp(logVariance);
  const bool held = given < kLeastVariance;
  const double variance = held ? kLeastVariance : given;
  const double share = difference * difference / variance;
  const double logUsed = held ? log(kLeastVariance) : logVariance;
  sums->loss += row.weight * (0.5 * (logUsed + share) + (full ? 0.91893853320467274178 : 0.0));
  sums->takeDifference(row.metric, difference);
  sums->count += row.metric;
  if (!d) return;
  d[0] = static_cast<float>(row.scale * difference / variance);
  d[1] = static_cast<float>(0.5 * row.scale * (given / variance) * (1 - share));
}

// max(z, 0) - z t + log(1 + exp(-|z|)), stable on both sides; gives the gradient (sigmoid(z) - t) scale.
LSTM_HOST_DEVICE inline float binaryElement(float z, float t, const RowScale& row, LossPart* sums) {
  const float e = expf(-fabsf(z));
  const float p = (z < 0 ? e : 1.0f) / (1.0f + e);
  const double positive = z < 0 ? 0.0 : static_cast<double>(z);  // NaN stays
  sums->loss += row.weight * (positive - static_cast<double>(z) * t + static_cast<double>(log1pf(e)));
  if ((z > 0) == (t > 0.5f)) sums->correct += row.metric;
  sums->takeDifference(row.metric, static_cast<double>(p) - t);
  sums->count += row.metric;
  return (p - t) * row.scale;
}

// One unit of a row, `unit` counted from any row's start: z, d [width()], its target t.
LSTM_HOST_DEVICE inline void lossUnit(const LossSettings& with, int unit, const float* z, float t,
                                      const RowScale& row, float* d, LossPart* sums) {
  if (with.kind == kGaussianNll) return gaussianElement(with.full, z, t, row, d, sums);
  float gradient = 0;
  if (with.kind == kQuantile) {
    const int quantile = unit % with.quantileCount;
    gradient = quantileElement(with.quantiles[quantile], quantile == 0, *z, t, row, sums);
  } else if (with.kind == kBinaryCrossEntropy) {
    gradient = binaryElement(*z, t, row, sums);
  } else {
    gradient = differenceElement(with, *z, t, row, sums);
  }
  if (d) *d = gradient;
}

// The greatest element and the first place where it stands.
struct Best {
  float value;
  int index;

  LSTM_HOST_DEVICE static Best none() { return {-INFINITY, INT_MAX}; }

  LSTM_HOST_DEVICE void take(const Best& other) {
    if (other.value > value || (other.value == value && other.index < index)) *this = other;
  }
};

struct IdTotals {
  SoftmaxSum softmax;
  Best best;
  LSTM_HOST_DEVICE void take(const IdTotals& other) {
    softmax.take(other.softmax);
    best.take(other.best);
  }
};

// One row of logits against a class id: log sum exp(z) - z[id]; d = (softmax(z) - onehot(id)) scale.
// Member 0 adds the row's sums.
template <typename Team>
LSTM_HOST_DEVICE void crossEntropyIdRow(Team& team, const float* z, int id, int classes, const RowScale& row,
                                        float* d, LossPart* sums) {
  IdTotals own = {SoftmaxSum::none(), Best::none()};
  for (int i = team.lane; i < classes; i += team.size) {
    own.softmax.takeElement(z[i]);
    own.best.take({z[i], i});
  }
  const float target = z[id];  // read by every member before join, which nobody leaves before all have come
  const IdTotals all = team.join(own);
  if (team.lane == 0) {
    const double loss = log(all.softmax.sum) + all.softmax.max - target;
    if (all.best.index == id) sums->correct += row.metric;
    sums->loss += row.weight * loss;
    sums->logLikelihood -= row.metric * loss;
    sums->count += row.metric;
  }
  if (!d) return;
  const float factor = static_cast<float>(row.scale / all.softmax.sum);
  for (int i = team.lane; i < classes; i += team.size)
    d[i] = expf(z[i] - all.softmax.max) * factor - (i == id ? row.scale : 0.0f);
}

// Targets t [classes] or, null, one-hot at id, smoothed and weighed: a of LossArgs.
struct Distribution {
  const float* t;
  int id;
  const float* classWeights;
  double kept;    // 1 - labelSmoothing
  double spread;  // labelSmoothing / classes

  LSTM_HOST_DEVICE double target(int i) const { return t ? t[i] : i == id ? 1.0 : 0.0; }
  LSTM_HOST_DEVICE double operator()(int i) const {
    return (kept * target(i) + spread) * (classWeights ? classWeights[i] : 1.0);
  }
};

// The sums of t and t z, and of a and a z.
struct TargetTotals {
  double mass, dot, plainMass, plainDot;
  LSTM_HOST_DEVICE void takeElement(double wanted, double target, float z) {
    mass += wanted;
    plainMass += target;
    if (wanted != 0) dot += wanted * z;  // 0 * -Inf is no loss
    if (target != 0) plainDot += target * z;
  }
  LSTM_HOST_DEVICE void take(const TargetTotals& other) {
    mass += other.mass;
    dot += other.dot;
    plainMass += other.plainMass;
    plainDot += other.plainDot;
  }
};

struct DistributionTotals {
  SoftmaxSum softmax;
  Best best;        // of the logits
  Best bestTarget;  // of the targets
  LSTM_HOST_DEVICE void take(const DistributionTotals& other) {
    softmax.take(other.softmax);
    best.take(other.best);
    bestTarget.take(other.bestTarget);
  }
};

// One row of logits against a: (log sum exp z)(sum a) - sum a z; d = (softmax(z) (sum a) - a) scale.
// Member 0 adds the row's loss; each member adds the errors of its own elements.
template <typename Team>
LSTM_HOST_DEVICE void crossEntropyValueRow(Team& team, const float* z, const Distribution& a, int classes,
                                           const RowScale& row, float* d, LossPart* sums) {
  DistributionTotals own = {SoftmaxSum::none(), Best::none(), Best::none()};
  TargetTotals ownTargets = {0, 0, 0, 0};
  for (int i = team.lane; i < classes; i += team.size) {
    own.softmax.takeElement(z[i]);
    own.best.take({z[i], i});
    own.bestTarget.take({static_cast<float>(a.target(i)), i});
    ownTargets.takeElement(a(i), a.target(i), z[i]);
  }
  const DistributionTotals all = team.join(own);
  const TargetTotals targets = team.join(ownTargets);
  if (team.lane == 0) {
    const double logSum = log(all.softmax.sum) + all.softmax.max;
    if (all.best.index == all.bestTarget.index) sums->correct += row.metric;
    sums->loss += row.weight * (logSum * targets.mass - targets.dot);
    sums->logLikelihood -= row.metric * (logSum * targets.plainMass - targets.plainDot);
    sums->count += row.metric;
  }
  const double inverse = 1.0 / all.softmax.sum;
  for (int i = team.lane; i < classes; i += team.size) {
    const double p = expf(z[i] - all.softmax.max) * inverse;
    if (a.t) sums->takeDifference(row.metric, p - a.t[i]);
    if (d) d[i] = static_cast<float>(row.scale * (p * targets.mass - a(i)));
  }
}

template <typename Team>
LSTM_HOST_DEVICE void crossEntropyRow(Team& team, const LossSettings& with, const float* z, const float* t,
                                      int id, RowScale row, float* d, LossPart* sums) {
  if (!t && id < 0) {  // does not count
    for (int i = team.lane; d && i < with.classes; i += team.size) d[i] = 0;
    return;
  }
  if (!t && with.labelSmoothing == 0) {
    if (with.classWeights) {
      row.weight *= with.classWeights[id];
      row.scale *= with.classWeights[id];
    }
    return crossEntropyIdRow(team, z, id, with.classes, row, d, sums);
  }
  const double smoothing = with.labelSmoothing;
  const Distribution a{t, id, with.classWeights, 1 - smoothing, smoothing / with.classes};
  crossEntropyValueRow(team, z, a, with.classes, row, d, sums);
}

// Any loss, one row, for a team. z, d: [classes] of this row; t: [targets()] or null; id: crossEntropy by ids.
template <typename Team>
LSTM_HOST_DEVICE void lossRow(Team& team, const LossSettings& with, const float* z, const float* t, int id,
                              const RowScale& row, float* d, LossPart* sums) {
  if (with.kind == kCrossEntropy) return crossEntropyRow(team, with, z, t, id, row, d, sums);
  const int width = with.width();
  for (int unit = team.lane; unit < with.units(); unit += team.size)
    lossUnit(with, unit, z + unit * width, t[unit / with.share()], row, d ? d + unit * width : nullptr, sums);
}

}  // namespace lstm::elements
