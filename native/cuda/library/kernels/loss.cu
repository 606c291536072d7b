#include "cuda/elements/loss.h"

#include "cuda/library/kernels/launch.cuh"
#include "cuda/library/kernels/teams.cuh"

// Loss, gradient and the four sums in one pass (two reads of a row of logits, the second from the cache): 8 bytes of an
// element with a gradient. Every block leaves its sums in dPartials; sumKernel adds them in their order.
namespace lstm::gpu {
namespace {

using elements::LossPart;

constexpr int64_t kMostBlocks = 1024;  // of any card, so that the sums' order is the same on every one
constexpr int kWarpClasses = 1024;

__device__ double weightOf(const RuntimeLoss& args, int64_t row) {
  return args.dRowWeights ? static_cast<double>(args.dRowWeights[row]) : 1.0;
}

// Of the gradient: 1 / elements, and the scale it is asked for in.
__device__ double gradientFactor(const RuntimeLoss& args) {
  const double scale =
      static_cast<double>(args.gradientScale) * (args.dScalars ? args.dScalars->lossScale : 1);
  return elements::inverseCount(args.kind, args.rows, args.classes) * scale;
}

template <typename Team>
__device__ void lossOfRow(Team& team, const RuntimeLoss& args, double inverse, int64_t row, LossPart* sums) {
  const int64_t at = row * args.classes;
  elements::lossRow(team, args.kind, args.classes, args.dPredictions + at,
                    args.dValues ? args.dValues + at : nullptr, args.dIds ? args.dIds[row] : 0,
                    weightOf(args, row), inverse, args.dGradient ? args.dGradient + at : nullptr, sums);
}

// All threads of the block; the first one writes.
__device__ void leavePartial(const BlockTeam<kThreads>& block, const LossPart& own, double* partials) {
  const LossPart all = block.join(own);
  if (threadIdx.x == 0) memcpy(partials + 4 * static_cast<int64_t>(blockIdx.x), &all, sizeof all);
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

// mse and binaryCrossEntropy: elements know nothing of their row but its weight, so a thread is a team of one element.
__global__ void elementKernel(RuntimeLoss args) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  const double inverse = gradientFactor(args);
  elements::LoneTeam team;
  LossPart sums = LossPart::none();
  for (int64_t i = globalThread(); i < args.rows * args.classes; i += gridThreads())
    elements::lossRow(team, args.kind, 1, args.dPredictions + i, args.dValues + i, 0,
                      args.dRowWeights ? weightOf(args, i / args.classes) : 1.0, inverse,
                      args.dGradient ? args.dGradient + i : nullptr, &sums);
  leavePartial({static_cast<int>(threadIdx.x), shared}, sums, args.dPartials);
}

__global__ void sumKernel(int blocks, const double* partials, RuntimeLossSums* sums) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  LossPart own = LossPart::none();
  for (int block = threadIdx.x; block < blocks; block += kThreads) {
    LossPart next;
    memcpy(&next, partials + 4 * static_cast<int64_t>(block), sizeof next);
    own.take(next);
  }
  const LossPart all = BlockTeam<kThreads>{static_cast<int>(threadIdx.x), shared}.join(own);
  if (threadIdx.x == 0) *sums = {all.loss, all.correct, all.absoluteError, all.squaredError};
}

int64_t mostBlocks(int64_t rows) {
  return greatest(1, least(rows, kMostBlocks));
}

void checkLoss(const RuntimeLoss& args) {
  require(args.kind >= elements::kMse && args.kind <= elements::kBinaryCrossEntropy, "loss", "no such loss");
  require(args.rows >= 1 && args.classes >= 1 && args.dPredictions && args.dPartials && args.dSums, "loss",
          "expected predictions, partials and sums");
  const bool byIds = args.kind == elements::kCrossEntropy && !args.dValues;
  require(byIds ? args.dIds != nullptr : args.dValues != nullptr, "loss", "expected targets");
}

}  // namespace

int64_t lossPartials(int64_t rows) {
  return 4 * mostBlocks(rows);
}

void loss(const Launch& launch, const RuntimeLoss& args) {
  checkLoss(args);
  const int64_t most = mostBlocks(args.rows);
  int64_t blocks = 0;
  if (args.kind != elements::kCrossEntropy) {
    blocks = least(most, (args.rows * args.classes + kThreads - 1) / kThreads);
    elementKernel<<<static_cast<unsigned>(blocks), kThreads, 0, launch.stream>>>(args);
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
