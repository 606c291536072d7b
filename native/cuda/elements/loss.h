#pragma once

#include <limits.h>
#include <math.h>
#include <stdint.h>

#include "cuda/elements/activation.h"
#include "cuda/elements/softmax.h"

// Loss, gradient and metric sums, as engine/device.h defines them. Sums are double. A gradient may stand in the
// predictions' place: an element is read for the last time before it is written.
//   scale = float(weight / live elements): what a gradient is multiplied by.   d null: no gradient.
namespace lstm::elements {

constexpr int kMse = 0;
constexpr int kCrossEntropy = 1;
constexpr int kBinaryCrossEntropy = 2;

struct LossPart {
  double loss;
  double correct;
  double absoluteError;
  double squaredError;

  LSTM_HOST_DEVICE static LossPart none() { return {0, 0, 0, 0}; }

  LSTM_HOST_DEVICE void take(const LossPart& other) {
    loss += other.loss;
    correct += other.correct;
    absoluteError += other.absoluteError;
    squaredError += other.squaredError;
  }
  LSTM_HOST_DEVICE void takeDifference(double difference) {
    absoluteError += fabs(difference);
    squaredError += difference * difference;
  }
};

// 1 / live elements of the mean.
LSTM_HOST_DEVICE inline double inverseCount(int kind, int64_t rows, int classes) {
  return 1.0 / (kind == kCrossEntropy ? static_cast<double>(rows) : static_cast<double>(rows) * classes);
}

// (p - t)^2; gives the gradient.
LSTM_HOST_DEVICE inline float mseElement(float p, float t, double weight, float scale, LossPart* sums) {
  const double difference = static_cast<double>(p) - t;
  sums->loss += weight * (difference * difference);
  sums->takeDifference(difference);
  return 2 * scale * (p - t);
}

// max(z, 0) - z t + log(1 + exp(-|z|)), stable on both sides; gives the gradient (sigmoid(z) - t) scale.
LSTM_HOST_DEVICE inline float binaryElement(float z, float t, double weight, float scale, LossPart* sums) {
  const float e = expf(-fabsf(z));
  const float p = (z < 0 ? e : 1.0f) / (1.0f + e);
  const double positive = z < 0 ? 0.0 : static_cast<double>(z);  // NaN stays
  sums->loss += weight * (positive - static_cast<double>(z) * t + static_cast<double>(log1pf(e)));
  sums->correct += (z > 0) == (t > 0.5f);
  sums->takeDifference(static_cast<double>(p) - t);
  return (p - t) * scale;
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
LSTM_HOST_DEVICE void crossEntropyIdRow(Team& team, const float* z, int id, int classes, double weight,
                                        float scale, float* d, LossPart* sums) {
  IdTotals own = {SoftmaxSum::none(), Best::none()};
  for (int i = team.lane; i < classes; i += team.size) {
    own.softmax.takeElement(z[i]);
    own.best.take({z[i], i});
  }
  const float target = z[id];  // read by every member before join, which nobody leaves before all have come
  const IdTotals all = team.join(own);
  if (team.lane == 0) {
    sums->correct += all.best.index == id;
    sums->loss += weight * (log(all.softmax.sum) + all.softmax.max - target);
  }
  if (!d) return;
  const float factor = static_cast<float>(scale / all.softmax.sum);
  for (int i = team.lane; i < classes; i += team.size)
    d[i] = expf(z[i] - all.softmax.max) * factor - (i == id ? scale : 0.0f);
}

struct DistributionTotals {
  SoftmaxSum softmax;
  Best best;        // of the logits
  Best bestTarget;  // of the targets
  double mass;      // sum t
  double dot;       // sum t z
  LSTM_HOST_DEVICE void take(const DistributionTotals& other) {
    softmax.take(other.softmax);
    best.take(other.best);
    bestTarget.take(other.bestTarget);
    mass += other.mass;
    dot += other.dot;
  }
};

// One row of logits against a distribution t: (log sum exp z)(sum t) - sum t z; d = (softmax(z) (sum t) - t) scale.
// Member 0 adds the row's loss; each member adds the errors of its own elements.
template <typename Team>
LSTM_HOST_DEVICE void crossEntropyValueRow(Team& team, const float* z, const float* t, int classes,
                                           double weight, float scale, float* d, LossPart* sums) {
  DistributionTotals own = {SoftmaxSum::none(), Best::none(), Best::none(), 0, 0};
  for (int i = team.lane; i < classes; i += team.size) {
    own.softmax.takeElement(z[i]);
    own.best.take({z[i], i});
    own.bestTarget.take({t[i], i});
    own.mass += t[i];
    if (t[i] != 0) own.dot += static_cast<double>(t[i]) * z[i];  // 0 * -Inf is no loss
  }
  const DistributionTotals all = team.join(own);
  if (team.lane == 0) {
    sums->correct += all.best.index == all.bestTarget.index;
    sums->loss += weight * ((log(all.softmax.sum) + all.softmax.max) * all.mass - all.dot);
  }
  const double inverse = 1.0 / all.softmax.sum;
  for (int i = team.lane; i < classes; i += team.size) {
    const double p = expf(z[i] - all.softmax.max) * inverse;
    sums->takeDifference(p - t[i]);
    if (d) d[i] = static_cast<float>(scale * (p * all.mass - t[i]));
  }
}

// Any loss, one row, for a team. z, d: [classes] of this row; t: [classes] or null; id: crossEntropy by ids.
template <typename Team>
LSTM_HOST_DEVICE void lossRow(Team& team, int kind, int classes, const float* z, const float* t, int id,
                              double weight, double inverse, float* d, LossPart* sums) {
  const float scale = static_cast<float>(weight * inverse);
  if (kind == kCrossEntropy) {
    if (t)
      crossEntropyValueRow(team, z, t, classes, weight, scale, d, sums);
    else
      crossEntropyIdRow(team, z, id, classes, weight, scale, d, sums);
    return;
  }
  for (int i = team.lane; i < classes; i += team.size) {
    const float gradient = kind == kMse ? mseElement(z[i], t[i], weight, scale, sums)
                                        : binaryElement(z[i], t[i], weight, scale, sums);
    if (d) d[i] = gradient;
  }
}

}  // namespace lstm::elements
