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
void Updater::sumBlocks(std::span<const TensorRow> rows, const float* params, const float* grads) {
  context_.pool.parallelFor(threads(), static_cast<int64_t>(blocks_.size()), 1, [&](Range range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      const Block& block = blocks_[i];
      const TensorRow& row = rows[block.tensor];
      blockSums_[i] = {0, 0};
      if (row.trainable)
        blockSums_[i] = context_.kernels.normBlock(block.size, params + block.offset,
                                                   grads ? grads + block.offset : nullptr, row.l1, row.l2);
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
  sumBlocks(rows, params, nullptr);
  return total(tensorSums_).penalty;
}

UpdateBlock Updater::commonOf(const UpdateArgs& args, double norm) const {
  const UpdateConfig& config = args.config;
  UpdateBlock block{};
  const float learningRate = args.scalars->learningRate;
  block.learningRate = learningRate;
  block.beta1 = config.beta1;
  block.beta2 = config.beta2;
  block.epsilon = config.epsilon;
  block.momentum = config.momentum;
  block.nesterov = config.nesterov;
  if (config.kind == UpdateKind::kAdam) {
    const double step = static_cast<double>(args.scalars->step + 1);
    block.stepSize =
        static_cast<float>(learningRate / (1 - std::pow(static_cast<double>(config.beta1), step)));
    block.inverseRootBias2 =
        static_cast<float>(1 / std::sqrt(1 - std::pow(static_cast<double>(config.beta2), step)));
  }
  switch (config.clip) {
    case ClipKind::kNone:
      block.clip = Clip::kNone;
      break;
    case ClipKind::kValue:
      block.clip = Clip::kValue;
      block.clipValue = config.clipLimit;
      break;
    case ClipKind::kGlobalNorm:
      block.clip = Clip::kScale;
      block.clipValue = static_cast<float>(std::min(1.0, config.clipLimit / (norm + 1e-6)));
      break;
    case ClipKind::kTensorNorm:
      block.clip = Clip::kScale;
      break;  // the factor is the tensor's own
  }
  return block;
}

void Updater::applyBlock(const UpdateArgs& args, const UpdateBlock& common, const Block& block) const {
  const TensorRow& row = args.rows[block.tensor];
  if (!row.trainable) {
    std::memset(args.grads + block.offset, 0, block.size * sizeof(float));
    return;
  }
  UpdateBlock b = common;
  b.size = block.size;
  b.p = args.params + block.offset;
  b.g = args.grads + block.offset;
  b.m = args.m ? args.m + block.offset : nullptr;
  b.v = args.v ? args.v + block.offset : nullptr;
  b.l1 = row.l1;
  b.l2 = row.l2;
  if (args.config.clip == ClipKind::kTensorNorm) {
    const double norm = std::sqrt(tensorSums_[block.tensor].squaredNorm);
    b.clipValue = static_cast<float>(args.config.clipLimit / std::max<double>(norm, args.config.clipLimit));
  }
  if (args.config.kind == UpdateKind::kAdam) {
    context_.kernels.adamBlock(b);
  } else {
    context_.kernels.sgdBlock(b);
  }
}

void Updater::update(const UpdateArgs& args) {
  cut(args.rows);
  sumBlocks(args.rows, args.params, args.grads);
  const NormSums sums = total(tensorSums_);
  // As float: Adam's v is one, and an infinite v would stop its parameter for good.
  const bool apply =
      std::isfinite(static_cast<float>(sums.squaredNorm)) && (!args.loss || std::isfinite(args.loss->loss));
  const UpdateBlock common = commonOf(args, std::sqrt(sums.squaredNorm));
  context_.pool.parallelFor(threads(), static_cast<int64_t>(blocks_.size()), 1, [&](Range range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      if (apply) {
        applyBlock(args, common, blocks_[i]);
      } else {
        std::memset(args.grads + blocks_[i].offset, 0, blocks_[i].size * sizeof(float));
      }
    }
  });
  args.scalars->step += apply;
  *args.sums = {sums.penalty, sums.squaredNorm, args.scalars->step, args.scalars->lossScale, apply};
}

}  // namespace lstm::cpu
