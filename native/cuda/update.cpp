#include "cuda/update.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "cuda/step_scalars.h"

namespace lstm::cuda {
namespace {

static_assert(sizeof(UpdateSums) == sizeof(RuntimeUpdateSums) &&
              offsetof(UpdateSums, squaredNorm) == offsetof(RuntimeUpdateSums, squaredNorm) &&
              offsetof(UpdateSums, step) == offsetof(RuntimeUpdateSums, step) &&
              offsetof(UpdateSums, lossScale) == offsetof(RuntimeUpdateSums, lossScale) &&
              offsetof(UpdateSums, applied) == offsetof(RuntimeUpdateSums, applied));
static_assert(static_cast<int>(HalfKind::kFp16) == kHalfFp16 &&
              static_cast<int>(HalfKind::kBf16) == kHalfBf16);

static_assert(static_cast<int>(UpdateKind::kAdagrad) == kAdagradRule &&
              static_cast<int>(ClipKind::kAdaptive) == kAdaptiveClip &&
              static_cast<int>(AverageKind::kEma) == kEmaAverage &&
              static_cast<int>(ConstraintKind::kMaxNorm) == kMaxNormConstraint);

RuntimeTensorRow runtimeRow(const TensorRow& row) {
  return {row.offset,
          row.size,
          row.rowSize > 0 ? row.rowSize : row.size,
          row.trainable,
          row.l1,
          row.l2,
          row.rateScale,
          row.weightDecay,
          static_cast<int32_t>(row.constraint.kind),
          row.constraint.limit,
          row.constraint.byColumn};
}

}  // namespace

void Updater::show(std::span<const TensorRow> rows) {
  if (std::equal(rows.begin(), rows.end(), sent_.begin(), sent_.end())) return;
  sent_.clear();
  std::vector<RuntimeTensorRow> table;
  for (const TensorRow& row : rows) table.push_back(runtimeRow(row));
  rows_.assign(table.data(), table.size());
  sent_.assign(rows.begin(), rows.end());
}

RuntimeUpdate Updater::begin(std::span<const TensorRow> rows) {
  show(rows);
  RuntimeUpdate call{};
  call.rowCount = static_cast<int>(rows.size());
  call.size = rows.back().offset + rows.back().size;
  call.dRows = rows_.data();
  call.dTensorNorms = tensorNorms_.reserve(rows.size());
  call.dPartials = partials_.reserve(core_.context.runtime().updatePartials(call.size, call.rowCount));
  return call;
}

void Updater::update(const UpdateArgs& args) {
  if (args.rows.empty()) return updateNothing(args);
  RuntimeUpdate call = begin(args.rows);
  call.rule = ruleOf(args.config);
  call.seed = args.seed;
  call.gradScale = args.gradScale;
  call.unscaled = args.unscaled;
  call.hasMaxNorm = std::any_of(args.rows.begin(), args.rows.end(), [](const TensorRow& row) {
    return row.trainable && row.constraint.kind == ConstraintKind::kMaxNorm;
  });
  call.dParams = args.params;
  call.dGrads = args.grads;
  call.dM = args.m;
  call.dV = args.v;
  call.dAux = args.aux;
  call.dAverage = args.average;
  call.dHalfParams = args.halfParams ? args.halfParams : core_.halves.copyOf(args.params);
  call.halfKind = args.halfParams ? static_cast<int>(args.halfKind) : int{core_.halves.kind};
  call.dynamicLossScale = args.dynamicLossScale && !args.unscaled;
  call.dScalars = runtimeScalars(args.scalars);
  call.dLosses = reinterpret_cast<const RuntimeLossSums*>(args.loss);
  call.lossCount = args.lossCount;
  call.dSums = reinterpret_cast<RuntimeUpdateSums*>(args.sums);
  core_.context.call(&CudaRuntime::update, &call, 0);
}

// A network without parameters: no kernel has work, but the step counts.
void Updater::updateNothing(const UpdateArgs& args) {
  std::vector<LossSums> losses(args.loss ? args.lossCount : 0);
  if (args.loss)
    core_.context.call(&CudaRuntime::copyOut, static_cast<void*>(losses.data()),
                       static_cast<const void*>(args.loss), losses.size() * sizeof(LossSums));
  StepScalars scalars{};
  core_.context.call(&CudaRuntime::copyOut, static_cast<void*>(&scalars),
                     static_cast<const void*>(args.scalars), sizeof(scalars));
  const bool applies = lossesAreFinite(losses.data(), losses.size());
  scalars.step += applies;
  core_.context.call(&CudaRuntime::copyIn, static_cast<void*>(&args.scalars->step),
                     static_cast<const void*>(&scalars.step), sizeof(scalars.step));
  const UpdateSums sums = {0, 0, scalars.step, scalars.lossScale, applies};
  core_.context.call(&CudaRuntime::copyIn, static_cast<void*>(args.sums), static_cast<const void*>(&sums),
                     sizeof(sums));
}

double Updater::penalty(std::span<const TensorRow> rows, const float* params) {
  if (rows.empty()) return 0;
  RuntimeUpdate call = begin(rows);
  call.dParams = const_cast<float*>(params);  // only read when it is penalties alone
  call.dSums = penalty_.reserve(1);
  core_.context.call(&CudaRuntime::update, &call, 1);
  RuntimeUpdateSums sums{};
  core_.context.call(&CudaRuntime::copyOut, static_cast<void*>(&sums), static_cast<const void*>(call.dSums),
                     sizeof(sums));
  return sums.penalty;
}

}  // namespace lstm::cuda
