#include "cpu/loss.h"

namespace lstm::cpu {
namespace {

// Rows are summed in so many chunks whatever the thread count, and the chunks in their order.
constexpr int64_t kChunks = 64;

RowLoss rowLoss(const LossArgs& args) {
  switch (args.kind) {
    case LossKind::kMse:
      return RowLoss::kMse;
    case LossKind::kMae:
      return RowLoss::kMae;
    case LossKind::kHuber:
      return RowLoss::kHuber;
    case LossKind::kLogCosh:
      return RowLoss::kLogCosh;
    case LossKind::kQuantile:
      return RowLoss::kQuantile;
    case LossKind::kGaussianNll:
      return RowLoss::kGaussianNll;
    case LossKind::kBinaryCrossEntropy:
      return RowLoss::kBinaryCrossEntropy;
    case LossKind::kCrossEntropy:
      break;
  }
  return args.ids ? RowLoss::kCrossEntropyIds : RowLoss::kCrossEntropyValues;
}

// Of the gradient: one by what the mean divides by, and the scale it is asked for in.
double gradientFactor(const LossArgs& args) {
  const double elements = args.elements ? *args.elements : liveElements(args.kind, args.rows, args.classes);
  return elements > 0 ? args.gradientScale / elements : 0.0;
}

}  // namespace

void loss(Context& context, const LossArgs& args) {
  RowSums chunks[kChunks] = {};
  const int64_t chunkRows = (args.rows + kChunks - 1) / kChunks;
  const int threads = context.pool.threadsFor(static_cast<double>(args.rows) * args.classes, 10e3);
  context.pool.parallelFor(threads, kChunks, 1, [&](Range range) {
    for (int64_t chunk = range.begin; chunk < range.end; ++chunk) {
      LossRows rows{};
      rows.kind = rowLoss(args);
      rows.begin = chunk * chunkRows;
      rows.end = rows.begin + chunkRows < args.rows ? rows.begin + chunkRows : args.rows;
      rows.classes = args.classes;
      rows.predictions = args.predictions;
      rows.ids = args.ids;
      rows.values = args.values;
      rows.rowWeights = args.rowWeights;
      rows.dPredictions = args.dPredictions;
      rows.inverseCount = gradientFactor(args);
      rows.classWeights = args.classWeights;
      rows.quantiles = args.quantiles;
      rows.quantileCount = args.quantileCount;
      rows.delta = args.delta;
      rows.labelSmoothing = args.labelSmoothing;
      rows.full = args.full;
      rows.weighMetrics = args.weighMetrics;
      context.kernels.lossRows(rows, &chunks[chunk]);
    }
  });
  LossSums sums{};
  for (const RowSums& chunk : chunks) {
    sums.loss += chunk.loss;
    sums.correct += chunk.correct;
    sums.absoluteError += chunk.absoluteError;
    sums.squaredError += chunk.squaredError;
    sums.logLikelihood += chunk.logLikelihood;
    sums.count += chunk.count;
  }
  *args.sums = sums;
}

}  // namespace lstm::cpu
