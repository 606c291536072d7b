#pragma once

#include <limits.h>
#include <math.h>
#include <stdint.h>

#include "cuda/elements/loss.h"

// Counts of a batch, as MetricArgs of engine/device.h defines them. Members of a team take rows (or classes) lane,
// lane + size, ... and join in one fixed order.
namespace lstm::elements {

constexpr double kLeastTarget = 2.220446049250313e-16;  // 2^-52

// What is counted, by row.
struct MetricRows {
  int kind;
  int64_t rows;
  int classes;
  int channelsPerTarget;
  const float* z;        // [rows, classes]
  const int32_t* ids;    // [rows] or null
  const float* t;        // [rows, targets] or null
  const float* weights;  // [rows] or null
  int topK;
  int point, lower, upper;
  float halfWidth;

  LSTM_HOST_DEVICE double weight(int64_t row) const { return weights ? weights[row] : 1.0; }
  LSTM_HOST_DEVICE int targets() const { return classes / channelsPerTarget; }
};

struct RowClasses {
  int32_t predicted;
  int32_t actual;  // below 0: the row does not count
  int32_t before;  // logits that stand before the target's
};

template <typename Team>
LSTM_HOST_DEVICE int argmaxRow(Team& team, const float* values, int count) {
  Best best = Best::none();
  for (int i = team.lane; i < count; i += team.size) best.take({values[i], i});
  const int index = team.join(best).index;
  return index < count ? index : 0;  // NaN alone
}

// The classes of a crossEntropy row or of a single binary channel.
template <typename Team>
LSTM_HOST_DEVICE RowClasses rowClasses(Team& team, const MetricRows& m, int64_t row) {
  const float* z = m.z + row * m.classes;
  const float* t = m.t ? m.t + row * m.classes : nullptr;
  if (m.kind == kBinaryCrossEntropy) return {z[0] > 0, t[0] > 0.5f, 0};
  const int actual = t ? argmaxRow(team, t, m.classes) : m.ids[row];
  if (actual < 0) return {0, -1, 0};
  Sum before = {0};
  for (int i = team.lane; i < m.classes; i += team.size)
    before.value += z[i] > z[actual] || (z[i] == z[actual] && i > actual);
  const int ahead = static_cast<int>(team.join(before).value);
  return {argmaxRow(team, z, m.classes), actual, ahead};
}

struct ClassCounts {
  double right, predicted, actual;
  LSTM_HOST_DEVICE void take(const ClassCounts& other) {
    right += other.right;
    predicted += other.predicted;
    actual += other.actual;
  }
  LSTM_HOST_DEVICE void takeRow(bool isPredicted, bool isActual, double weight) {
    if (isPredicted && isActual) right += weight;
    if (isPredicted) predicted += weight;
    if (isActual) actual += weight;
  }
};

// One class over all rows; of: [rows], not read for binary channels.
template <typename Team>
LSTM_HOST_DEVICE ClassCounts classCounts(Team& team, const MetricRows& m, const RowClasses* of, int k) {
  ClassCounts own = {0, 0, 0};
  for (int64_t row = team.lane; row < m.rows; row += team.size) {
    const int64_t at = row * m.classes + k;
    if (m.kind == kBinaryCrossEntropy)
      own.takeRow(m.z[at] > 0, m.t[at] > 0.5f, m.weight(row));
    else if (of[row].actual >= 0)
      own.takeRow(of[row].predicted == k, of[row].actual == k, m.weight(row));
  }
  return team.join(own);
}

// One cell of the confusion matrix over all rows.
template <typename Team>
LSTM_HOST_DEVICE double confusionCell(Team& team, const MetricRows& m, const RowClasses* of, int actual,
                                      int predicted) {
  Sum own = {0};
  for (int64_t row = team.lane; row < m.rows; row += team.size)
    if (of[row].actual == actual && of[row].predicted == predicted) own.value += m.weight(row);
  return team.join(own).value;
}

template <typename Team>
LSTM_HOST_DEVICE double rankedCount(Team& team, const MetricRows& m, const RowClasses* of) {
  Sum own = {0};
  for (int64_t row = team.lane; row < m.rows; row += team.size)
    if (of[row].actual >= 0 && of[row].before < m.topK) own.value += m.weight(row);
  return team.join(own).value;
}

struct TargetSums {
  double sums[8];
  LSTM_HOST_DEVICE void take(const TargetSums& other) {
    for (int i = 0; i < 8; ++i) sums[i] += other.sums[i];
  }
};

LSTM_HOST_DEVICE inline bool isCovered(const MetricRows& m, const float* z, double t) {
  if (m.kind == kGaussianNll) {
    const double half = m.halfWidth * exp(0.5 * z[1]);
    return z[0] - half <= t && t <= z[0] + half;
  }
  return m.lower >= 0 && z[m.lower] <= t && t <= z[m.upper];
}

// One target over all rows.
template <typename Team>
LSTM_HOST_DEVICE TargetSums targetSums(Team& team, const MetricRows& m, int target) {
  TargetSums own = {{0, 0, 0, 0, 0, 0, 0, 0}};
  for (int64_t row = team.lane; row < m.rows; row += team.size) {
    const float* z = m.z + row * m.classes + target * m.channelsPerTarget;
    const double p = z[m.kind == kQuantile ? m.point : 0];
    const double t = m.t[row * m.targets() + target];
    const double weight = m.weight(row);
    const double error = fabs(p - t);
    const double sizes = fabs(p) + fabs(t);
    own.take({{weight, weight * error, weight * error * error, weight * t, weight * t * t,
               weight * error / fmax(fabs(t), kLeastTarget), sizes == 0 ? 0.0 : weight * 2 * error / sizes,
               isCovered(m, z, t) ? weight : 0.0}});
  }
  return team.join(own);
}

}  // namespace lstm::elements
