#include "cuda/elements/loss.h"

#include "cuda/library/kernels/launch.cuh"
#include "cuda/library/kernels/teams.cuh"

// Loss, gradient and the sums in one pass (two reads of a row of logits, the second from the cache): 8 bytes of an
// element with a gradient. Every block leaves its sums in dPartials; sumKernel adds them in their order.
namespace lstm::gpu {
namespace {

using elements::LossPart;

constexpr int64_t kMostBlocks = 1024;  // of any card, so that the sums' order is the same on every one
constexpr int kWarpClasses = 1024;
constexpr int kSums = sizeof(LossPart) / sizeof(double);

__device__ elements::LossSettings settingsOf(const RuntimeLoss& args) {
  return {args.kind,          args.classes, args.dClassWeights,  args.dQuantiles,
          args.quantileCount, args.delta,   args.labelSmoothing, args.full != 0};
}

// Of the gradient: one by what the mean divides by, and the scale it is asked for in.
__device__ double gradientFactor(const RuntimeLoss& args) {
  const double scale =
      static_cast<double>(args.gradientScale) * (args.dScalars ? args.dScalars->lossScale : 1);
  return elements::inverseCount(args.kind, args.rows, args.classes, args.dElements) * scale;
}

__device__ elements::RowScale scaleOf(const RuntimeLoss& args, double inverse, int64_t row) {
  const double weight = args.dRowWeights ? static_cast<double>(args.dRowWeights[row]) : 1.0;
  return elements::rowScale(weight, args.weighMetrics != 0, inverse);
}

// crossEntropy
template <typename Team>
__device__ void lossOfRow(Team& team, const RuntimeLoss& args, double inverse, int64_t row, LossPart* sums) {
  const int64_t at = row * args.classes;
  elements::lossRow(team, settingsOf(args), args.dPredictions + at,
                    args.dValues ? args.dValues + at : nullptr, args.dIds ? args.dIds[row] : 0,
                    scaleOf(args, inverse, row), args.dGradient ? args.dGradient + at : nullptr, sums);
}

// All threads of the block; the first one writes.
__device__ void leavePartial(const BlockTeam<kThreads>& block, const LossPart& own, double* partials) {
  const LossPart all = block.join(own);
  if (threadIdx.x == 0) memcpy(partials + kSums * static_cast<int64_t>(blockIdx.x), &all, sizeof all);
}

__global__ void rowsByWarp(RuntimeLoss args) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  const double inverse = gradientFactor(args);
  WarpTeam team{static_cast<int>(threadIdx.x % kWarp)};
  LossPart sums = LossPart::none();
  for (int64_t row = globalThread() / kWarp; row < args.rows; row += gridThreads() / kWarp)
    lossOfRow(team, args, inverse, row, &sums);
  leavePartial({static_cast<int>(threadIdx.x), shared}, sums, args.dPartials);
}

__global__ void rowsByBlock(RuntimeLoss args) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  const double inverse = gradientFactor(args);
  BlockTeam<kThreads> team{static_cast<int>(threadIdx.x), shared};
  LossPart sums = LossPart::none();
  for (int64_t row = blockIdx.x; row < args.rows; row += gridDim.x)
    lossOfRow(team, args, inverse, row, &sums);
  leavePartial(team, sums, args.dPartials);
}

// The other losses: a unit knows nothing of its row but its weight, so a thread takes one unit.
__global__ void unitKernel(RuntimeLoss args) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  const double inverse = gradientFactor(args);
  const elements::LossSettings settings = settingsOf(args);
  const int width = settings.width();
  const int share = settings.share();
  const int units = settings.units();
  LossPart sums = LossPart::none();
  for (int64_t i = globalThread(); i < args.rows * units; i += gridThreads())
    elements::lossUnit(settings, static_cast<int>(i % units), args.dPredictions + i * width,
                       args.dValues[i / share], scaleOf(args, inverse, i / units),
                       args.dGradient ? args.dGradient + i * width : nullptr, &sums);
  leavePartial({static_cast<int>(threadIdx.x), shared}, sums, args.dPartials);
}

__global__ void sumKernel(int blocks, const double* partials, RuntimeLossSums* sums) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  LossPart own = LossPart::none();
  for (int block = threadIdx.x; block < blocks; block += kThreads) {
    LossPart next;
    memcpy(&next, partials + kSums * static_cast<int64_t>(block), sizeof next);
    own.take(next);
  }
  const LossPart all = BlockTeam<kThreads>{static_cast<int>(threadIdx.x), shared}.join(own);
  if (threadIdx.x == 0)
    *sums = {all.loss, all.correct, all.absoluteError, all.squaredError, all.logLikelihood, all.count};
}

int64_t mostBlocks(int64_t rows) {
  return greatest(1, least(rows, kMostBlocks));
}

void checkLoss(const RuntimeLoss& args) {
  require(args.kind >= elements::kMse && args.kind <= elements::kGaussianNll, "loss", "no such loss");
  require(args.rows >= 1 && args.classes >= 1 && args.dPredictions && args.dPartials && args.dSums, "loss",
          "expected predictions, partials and sums");
  const bool byIds = args.kind == elements::kCrossEntropy && !args.dValues;
  require(args.kind != elements::kQuantile ||
              (args.dQuantiles && args.quantileCount >= 1 && args.classes % args.quantileCount == 0),
          "loss", "expected quantiles that divide the channels");
  require(args.kind != elements::kGaussianNll || args.classes % 2 == 0, "loss", "expected pairs of channels");
  require(byIds ? args.dIds != nullptr : args.dValues != nullptr, "loss", "expected targets");
}

}  // namespace

int64_t lossPartials(int64_t rows) {
  return kSums * mostBlocks(rows);
}

void loss(const Launch& launch, const RuntimeLoss& args) {
  checkLoss(args);
  const int64_t most = mostBlocks(args.rows);
  int64_t blocks = 0;
  if (args.kind != elements::kCrossEntropy) {
    blocks = least(most, (args.rows * args.classes + kThreads - 1) / kThreads);
    unitKernel<<<static_cast<unsigned>(blocks), kThreads, 0, launch.stream>>>(args);
  } else if (args.classes <= kWarpClasses) {
    constexpr int kRowsOfBlock = kThreads / kWarp;
    blocks = least(most, (args.rows + kRowsOfBlock - 1) / kRowsOfBlock);
    rowsByWarp<<<static_cast<unsigned>(blocks), kThreads, 0, launch.stream>>>(args);
  } else {
    blocks = most;
    rowsByBlock<<<static_cast<unsigned>(blocks), kThreads, 0, launch.stream>>>(args);
  }
  checkLaunch("loss");
  sumKernel<<<1, kThreads, 0, launch.stream>>>(static_cast<int>(blocks), args.dPartials, args.dSums);
  checkLaunch("sumKernel");
}

}  // namespace lstm::gpu
