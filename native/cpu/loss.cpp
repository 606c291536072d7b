#include "cpu/loss.h"

namespace lstm::cpu {
namespace {

// Rows are summed in so many chunks whatever the thread count, and the chunks in their order.
constexpr int64_t kChunks = 64;

RowLoss rowLoss(const LossArgs& args) {
  if (args.kind == LossKind::kMse) return RowLoss::kMse;
  if (args.kind == LossKind::kBinaryCrossEntropy) return RowLoss::kBinaryCrossEntropy;
  return args.ids ? RowLoss::kCrossEntropyIds : RowLoss::kCrossEntropyValues;
}

}  // namespace

void loss(Context& context, const LossArgs& args) {
  const double elements = args.kind == LossKind::kCrossEntropy
                              ? static_cast<double>(args.rows)
                              : static_cast<double>(args.rows) * args.classes;
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
      rows.inverseCount = 1.0 / elements;
      context.kernels.lossRows(rows, &chunks[chunk]);
    }
  });
  LossSums sums = {0, 0, 0, 0};
  for (const RowSums& chunk : chunks) {
    sums.loss += chunk.loss;
    sums.correct += chunk.correct;
    sums.absoluteError += chunk.absoluteError;
    sums.squaredError += chunk.squaredError;
  }
  *args.sums = sums;
}

}  // namespace lstm::cpu
