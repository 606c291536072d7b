#include "cpu/update.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lstm::cpu {
namespace {

constexpr int64_t kBlock = 16384;  // elements

NormSums total(const std::vector<NormSums>& parts) {
  NormSums sum = {0, 0};
  for (const NormSums& part : parts) {
    sum.squaredNorm += part.squaredNorm;
    sum.penalty += part.penalty;
  }
  return sum;
}

// Calls function(first, count, stride) for lines begin to end of a tensor's rows, or of its columns.
struct Lines {
  const TensorRow& row;
  bool byColumn;

  int64_t rowSize() const { return row.rowSize > 0 ? row.rowSize : row.size; }
  int64_t count() const { return byColumn ? rowSize() : row.size / rowSize(); }
  template <typename Function>
  void each(Range range, Function function) const {
    const int64_t rows = row.size / rowSize();
    for (int64_t line = range.begin; line < range.end; ++line)
      if (byColumn)
        function(row.offset + line, rows, rowSize());
      else
        function(row.offset + line * rowSize(), rowSize(), int64_t{1});
  }
};

double squaredNormOf(const float* x, int64_t first, int64_t count, int64_t stride) {
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) {
    const double value = x[first + k * stride];
    sum += value * value;
  }
  return sum;
}

static_assert(static_cast<int>(UpdateKind::kAdam) == static_cast<int>(Rule::kAdam) &&
              static_cast<int>(UpdateKind::kAdagrad) == static_cast<int>(Rule::kAdagrad));

UpdateBlock blockOf(const ElementFactors& f) {
  UpdateBlock b{};
  b.gradScale = f.gradScale;
  b.l1 = f.l1;
  b.l2 = f.l2;
  b.clipScale = f.clipScale;
  b.clipValue = f.clipValue;
  b.hasClipValue = std::isfinite(f.clipValue);
  b.coupled = f.coupled;
  b.keep = f.keep;
  b.beta1 = f.beta1;
  b.beta2 = f.beta2;
  b.stepSize = f.stepSize;
  b.rootScale = f.rootScale;
  b.inner = f.inner;
  b.outer = f.outer;
  b.inRoot = f.inRoot;
  b.outRoot = f.outRoot;
  b.momentum = f.momentum;
  b.ahead = f.ahead;
  b.moment = f.moment;
  b.averageWeight = f.averageWeight;
  b.nonNegative = f.nonNegative != 0;
  b.noise = f.noise;
  return b;
}

}  // namespace

void Updater::cut(std::span<const TensorRow> rows) {
  blocks_.clear();
  for (size_t tensor = 0; tensor < rows.size(); ++tensor)
    for (int64_t done = 0; done < rows[tensor].size; done += kBlock)
      blocks_.push_back(
          {rows[tensor].offset + done, std::min(kBlock, rows[tensor].size - done), static_cast<int>(tensor)});
  blockSums_.resize(blocks_.size());
  tensorSums_.resize(rows.size());
}

int Updater::threads() const {
  return context_.pool.threadsFor(static_cast<double>(blocks_.size()) * kBlock, 2 * kBlock);
}

// grads null: penalties alone.
void Updater::sumBlocks(std::span<const TensorRow> rows, const float* params, const float* grads,
                        float scale) {
  context_.pool.parallelFor(threads(), static_cast<int64_t>(blocks_.size()), 1, [&](Range range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      const Block& block = blocks_[i];
      const TensorRow& row = rows[block.tensor];
      blockSums_[i] = {0, 0};
      if (row.trainable)
        blockSums_[i] = context_.kernels.normBlock(
            block.size, params + block.offset, grads ? grads + block.offset : nullptr, scale, row.l1, row.l2);
    }
  });
  std::fill(tensorSums_.begin(), tensorSums_.end(), NormSums{0, 0});
  for (size_t i = 0; i < blocks_.size(); ++i) {
    NormSums& sums = tensorSums_[blocks_[i].tensor];
    sums.squaredNorm += blockSums_[i].squaredNorm;
    sums.penalty += blockSums_[i].penalty;
  }
}

double Updater::penalty(std::span<const TensorRow> rows, const float* params) {
  cut(rows);
  sumBlocks(rows, params, nullptr, 1);
  return total(tensorSums_).penalty;
}

void Updater::applyBlock(const UpdateArgs& args, const StepFactors& step, double squaredNorm,
                         const Block& block) const {
  const TensorRow& row = args.rows[block.tensor];
  if (!row.trainable) {
    std::memset(args.grads + block.offset, 0, block.size * sizeof(float));
    return;
  }
  const auto at = [&](float* arena) { return arena ? arena + block.offset : nullptr; };
  const TensorTerms terms = {row.l1, row.l2, row.rateScale, row.weightDecay,
                             static_cast<int>(row.constraint.kind)};
  UpdateBlock b = blockOf(
      elementFactors(ruleOf(args.config), step, terms, squaredNorm, tensorSums_[block.tensor].squaredNorm));
  b.rule = static_cast<Rule>(args.config.kind);
  b.size = block.size;
  b.p = at(args.params);
  b.g = at(args.grads);
  b.m = at(args.m);
  b.v = at(args.v);
  b.aux = at(args.aux);
  b.average = args.config.average == AverageKind::kNone ? nullptr : at(args.average);
  std::vector<float> normals;
  if (b.noise > 0) {
    const RandomKey key = {args.seed, kNoiseStream, step.noiseStep};
    normals.resize(block.size);
    for (int64_t i = 0; i < block.size; ++i) normals[i] = noiseOf(key, block.offset + i);
    b.normals = normals.data();
  }
  context_.kernels.updateBlock(b);
}

void Updater::clipAdaptively(const UpdateArgs& args, float gradScale) const {
  for (const TensorRow& row : args.rows) {
    if (!row.trainable) continue;
    const Lines lines = {row, false};
    const auto clip = [&](int64_t first, int64_t count, int64_t) {
      float* g = args.grads + first;
      const float* p = args.params + first;
      for (int64_t k = 0; k < count; ++k)
        g[k] = g[k] * gradScale + row.l1 * ((p[k] > 0) - (p[k] < 0)) + 2 * row.l2 * p[k];
      const float scale = adaptiveClip(args.config.clipLimit, args.config.clipEpsilon,
                                       squaredNormOf(g, 0, count, 1), squaredNormOf(p, 0, count, 1));
      for (int64_t k = 0; k < count; ++k) g[k] *= scale;
    };
    context_.pool.parallelFor(threads(), lines.count(), 1, [&](Range range) { lines.each(range, clip); });
  }
}

void Updater::holdMaxNorms(const UpdateArgs& args) const {
  for (const TensorRow& row : args.rows) {
    if (!row.trainable || row.constraint.kind != ConstraintKind::kMaxNorm) continue;
    const Lines lines = {row, row.constraint.byColumn};
    const auto hold = [&](int64_t first, int64_t count, int64_t stride) {
      const float scale =
          maxNormScale(row.constraint.limit, squaredNormOf(args.params, first, count, stride));
      for (int64_t k = 0; k < count; ++k) args.params[first + k * stride] *= scale;
    };
    context_.pool.parallelFor(threads(), lines.count(), 1, [&](Range range) { lines.each(range, hold); });
  }
}

void Updater::update(const UpdateArgs& args) {
  cut(args.rows);
  StepScalars& scalars = *args.scalars;
  sumBlocks(args.rows, args.params, args.grads, args.gradScale);
  const NormSums sums = total(tensorSums_);
  // As float: Adam's v is one, and an infinite v would stop its parameter for good.
  const bool apply = std::isfinite(static_cast<float>(sums.squaredNorm)) &&
                     (!args.loss || lossesAreFinite(args.loss, args.lossCount));
  const StepFactors step =
      stepFactors(ruleOf(args.config), scalars.learningRate, args.gradScale, scalars.step, scalars.averaged);
  if (apply && args.config.clip == ClipKind::kAdaptive) clipAdaptively(args, args.gradScale);
  context_.pool.parallelFor(threads(), static_cast<int64_t>(blocks_.size()), 1, [&](Range range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      if (apply) {
        applyBlock(args, step, sums.squaredNorm, blocks_[i]);
      } else {
        std::memset(args.grads + blocks_[i].offset, 0, blocks_[i].size * sizeof(float));
      }
    }
  });
  if (apply) holdMaxNorms(args);
  scalars.step += apply;
  scalars.averaged += apply && args.config.average != AverageKind::kNone;
  *args.sums = {sums.penalty, sums.squaredNorm, scalars.step, scalars.lossScale, apply};
}

}  // namespace lstm::cpu
