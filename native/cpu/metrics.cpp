#include "cpu/metrics.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lstm::cpu {
namespace {

struct RowClasses {
  int predicted;
  int actual;  // below 0: the row does not count
  int before;  // logits that stand before the target's
};

template <typename T>
int argmax(const T* values, int count) {
  return static_cast<int>(std::max_element(values, values + count) - values);
}

double weightOf(const MetricArgs& args, int64_t row) {
  return args.rowWeights ? args.rowWeights[row] : 1.0;
}

int standBefore(const float* z, int classes, int target) {
  int count = 0;
  for (int k = 0; k < classes; ++k) count += z[k] > z[target] || (z[k] == z[target] && k > target);
  return count;
}

RowClasses classesOf(const MetricArgs& args, int64_t row) {
  const float* z = args.predictions + row * args.classes;
  const float* t = args.values ? args.values + row * args.classes : nullptr;
  if (args.kind == LossKind::kBinaryCrossEntropy) return {z[0] > 0, t[0] > 0.5f, 0};
  const int actual = t ? argmax(t, args.classes) : args.ids[row];
  if (actual < 0) return {0, -1, 0};
  return {argmax(z, args.classes), actual, args.ranked ? standBefore(z, args.classes, actual) : 0};
}

void addLabels(const MetricArgs& args, int64_t row) {
  const double weight = weightOf(args, row);
  for (int k = 0; k < args.classes; ++k) {
    const bool predicted = args.predictions[row * args.classes + k] > 0;
    const bool actual = args.values[row * args.classes + k] > 0.5f;
    double* counts = args.classCounts + 3 * k;
    counts[0] += predicted && actual ? weight : 0;
    counts[1] += predicted ? weight : 0;
    counts[2] += actual ? weight : 0;
  }
}

void addRow(const MetricArgs& args, int64_t row, const RowClasses& of) {
  if (of.actual < 0) return;
  const double weight = weightOf(args, row);
  if (args.classCounts && args.kind == LossKind::kCrossEntropy) {
    if (of.predicted == of.actual) args.classCounts[3 * of.actual] += weight;
    args.classCounts[3 * of.predicted + 1] += weight;
    args.classCounts[3 * of.actual + 2] += weight;
  }
  const int64_t side = args.kind == LossKind::kBinaryCrossEntropy ? 2 : args.classes;
  if (args.confusion) args.confusion[of.actual * side + of.predicted] += weight;
  if (args.ranked && of.before < args.topK) *args.ranked += weight;
}

// Rows are looked at side by side and added in their order.
void addClasses(Context& context, const MetricArgs& args) {
  std::vector<RowClasses> rows(args.rows);
  const int threads = context.pool.threadsFor(static_cast<double>(args.rows) * args.classes, 50e3);
  context.pool.parallelFor(threads, args.rows, 16, [&](Range range) {
    for (int64_t row = range.begin; row < range.end; ++row) rows[row] = classesOf(args, row);
  });
  for (int64_t row = 0; row < args.rows; ++row) addRow(args, row, rows[row]);
}

bool covered(const MetricArgs& args, const float* z, double t) {
  if (args.kind == LossKind::kGaussianNll) {
    const double half = args.halfWidth * std::exp(0.5 * z[1]);
    return z[0] - half <= t && t <= z[0] + half;
  }
  return args.lower >= 0 && z[args.lower] <= t && t <= z[args.upper];
}

void addTarget(const MetricArgs& args, int64_t row, int target, int targets) {
  constexpr double kEpsilon = 1.0 / (int64_t{1} << 52);
  const float* z = args.predictions + row * args.classes + target * args.channelsPerTarget;
  const double p = z[args.kind == LossKind::kQuantile ? args.point : 0];
  const double t = args.values[row * targets + target];
  const double weight = weightOf(args, row);
  const double error = std::fabs(p - t);
  const double sizes = std::fabs(p) + std::fabs(t);
  double* sums = args.targetSums + static_cast<int64_t>(target) * kTargetSums;
  sums[0] += weight;
  sums[1] += weight * error;
  sums[2] += weight * error * error;
  sums[3] += weight * t;
  sums[4] += weight * t * t;
  sums[5] += weight * error / std::fmax(std::fabs(t), kEpsilon);
  sums[6] += sizes == 0 ? 0 : weight * 2 * error / sizes;
  sums[7] += covered(args, z, t) ? weight : 0;
}

}  // namespace

void metrics(Context& context, const MetricArgs& args) {
  const bool binary = args.kind == LossKind::kBinaryCrossEntropy;
  const int64_t side = binary ? 2 : args.classes;
  if (args.classCounts) std::fill_n(args.classCounts, int64_t{3} * args.classes, 0.0);
  if (args.confusion) std::fill_n(args.confusion, side * side, 0.0);
  if (args.ranked) *args.ranked = 0;
  if (args.classCounts && binary)
    for (int64_t row = 0; row < args.rows; ++row) addLabels(args, row);
  if ((args.classCounts && !binary) || args.confusion || args.ranked) addClasses(context, args);
  if (!args.targetSums) return;
  const int targets = args.classes / args.channelsPerTarget;
  std::fill_n(args.targetSums, int64_t{kTargetSums} * targets, 0.0);
  for (int64_t row = 0; row < args.rows; ++row)
    for (int target = 0; target < targets; ++target) addTarget(args, row, target, targets);
}

}  // namespace lstm::cpu
