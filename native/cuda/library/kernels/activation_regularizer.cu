#include "cuda/elements/activation_regularizer.h"

#include "cuda/library/kernels/launch.cuh"
#include "cuda/library/kernels/teams.cuh"

// Penalty and gradient in one pass: 12 bytes of an element from memory, its neighbours in time from the cache. Every
// block leaves its sum in dPartials; sumKernel adds them in their order.
namespace lstm::gpu {
namespace {

constexpr int64_t kMostBlocks = 1024;  // of any card, so that the sums' order is the same on every one

struct PenaltyPart {
  double sum;
  __device__ void take(const PenaltyPart& other) { sum += other.sum; }
};

using Block = BlockTeam<kThreads>;

// Steps of a row: the last t with rowOffset[t] <= row.
__device__ int stepOf(const int64_t* rowOffset, int timeSteps, int64_t row) {
  int low = 0, high = timeSteps;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (rowOffset[middle] <= row)
      low = middle;
    else
      high = middle;
  }
  return low;
}

__device__ elements::ActivationNeighbours neighboursOf(const RuntimeActivationRegularizer& args, int64_t row,
                                                       int c) {
  if (!args.dLengths || args.tar == 0) return {nullptr, nullptr};
  const int t = stepOf(args.dRowOffset, args.timeSteps, row);
  const int n = args.dRowToSequence[row];
  const float* before = t > 0 ? args.dY + (args.dRowOffset[t - 1] + n) * args.channels + c : nullptr;
  const float* behind =
      t + 1 < args.dLengths[n] ? args.dY + (args.dRowOffset[t + 1] + n) * args.channels + c : nullptr;
  return {before, behind};
}

__global__ void regularizeKernel(RuntimeActivationRegularizer args) {
  __shared__ __align__(16) unsigned char shared[Block::kSharedBytes];
  const elements::ActivationFactors factors =
      elements::activationFactors(args.ar, args.tar, args.rows, args.batchSize, args.channels);
  const float scale = args.gradientScale * (args.dScalars ? args.dScalars->lossScale : 1.0f);
  PenaltyPart own = {0};
  for (int64_t i = globalThread(); i < args.rows * args.channels; i += gridThreads()) {
    const int64_t row = i / args.channels;
    const elements::ActivationNeighbours at =
        neighboursOf(args, row, static_cast<int>(i - row * args.channels));
    const float y = args.dY[i];
    own.sum += elements::activationPenalty(factors, y, at);
    args.dGradY[i] += scale * elements::activationPenaltyGradient(factors, y, at);
  }
  const PenaltyPart all = Block{static_cast<int>(threadIdx.x), shared}.join(own);
  if (threadIdx.x == 0) args.dPartials[blockIdx.x] = all.sum;
}

__global__ void sumKernel(int blocks, const double* partials, double* sum) {
  __shared__ __align__(16) unsigned char shared[Block::kSharedBytes];
  PenaltyPart own = {0};
  for (int block = threadIdx.x; block < blocks; block += kThreads) own.sum += partials[block];
  const PenaltyPart all = Block{static_cast<int>(threadIdx.x), shared}.join(own);
  if (threadIdx.x == 0) *sum += all.sum;
}

}  // namespace

int64_t activationPartials(int64_t rows, int channels) {
  return greatest(1, least((rows * channels + kThreads - 1) / kThreads, kMostBlocks));
}

void activationRegularizer(const Launch& launch, const RuntimeActivationRegularizer& args) {
  require(args.rows >= 1 && args.channels >= 1 && args.dY && args.dGradY && args.dPartials && args.dSum,
          "activationRegularizer", "expected rows, y, its gradient, partials and a sum");
  require(!args.dLengths || (args.dRowOffset && args.dRowToSequence), "activationRegularizer",
          "expected the tables of the batch's shape");
  const int64_t blocks = activationPartials(args.rows, args.channels);
  regularizeKernel<<<static_cast<unsigned>(blocks), kThreads, 0, launch.stream>>>(args);
  checkLaunch("regularizeKernel");
  sumKernel<<<1, kThreads, 0, launch.stream>>>(static_cast<int>(blocks), args.dPartials, args.dSum);
  checkLaunch("sumKernel");
}

}  // namespace lstm::gpu
