#include "cuda/elements/metrics.h"

#include "cuda/library/kernels/launch.cuh"
#include "cuda/library/kernels/teams.cuh"

// Counts beside the loss, only when asked for. Each count is one team's sum over the rows in a fixed order, so no
// atomics are needed: a block a class or target, a warp a cell of the confusion matrix (K^2 rows / 32 steps).
namespace lstm::gpu {
namespace {

using elements::MetricRows;
using elements::RowClasses;

__device__ MetricRows rowsOf(const RuntimeMetrics& m) {
  return {m.kind,         m.rows,  m.classes, m.channelsPerTarget,
          m.dPredictions, m.dIds,  m.dValues, m.dRowWeights,
          m.topK,         m.point, m.lower,   m.upper,
          m.halfWidth};
}

__device__ RowClasses* scratchOf(const RuntimeMetrics& m) {
  return reinterpret_cast<RowClasses*>(m.dScratch);
}

__global__ void classifyKernel(RuntimeMetrics m) {
  const MetricRows rows = rowsOf(m);
  WarpTeam team{static_cast<int>(threadIdx.x % kWarp)};
  for (int64_t row = globalThread() / kWarp; row < m.rows; row += gridThreads() / kWarp) {
    const RowClasses classes = elements::rowClasses(team, rows, row);
    if (team.lane == 0) scratchOf(m)[row] = classes;
  }
}

__global__ void classKernel(RuntimeMetrics m) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  const MetricRows rows = rowsOf(m);
  BlockTeam<kThreads> team{static_cast<int>(threadIdx.x), shared};
  for (int k = blockIdx.x; k < m.classes; k += gridDim.x) {
    const elements::ClassCounts counts = elements::classCounts(team, rows, scratchOf(m), k);
    double* out = m.dClassCounts + 3 * static_cast<int64_t>(k);
    if (threadIdx.x != 0) continue;
    out[0] = counts.right;
    out[1] = counts.predicted;
    out[2] = counts.actual;
  }
}

__global__ void cellKernel(RuntimeMetrics m, int side) {
  const MetricRows rows = rowsOf(m);
  WarpTeam team{static_cast<int>(threadIdx.x % kWarp)};
  for (int64_t cell = globalThread() / kWarp; cell < int64_t{side} * side; cell += gridThreads() / kWarp) {
    const double count = elements::confusionCell(team, rows, scratchOf(m), static_cast<int>(cell / side),
                                                 static_cast<int>(cell % side));
    if (team.lane == 0) m.dConfusion[cell] = count;
  }
}

__global__ void rankKernel(RuntimeMetrics m) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  BlockTeam<kThreads> team{static_cast<int>(threadIdx.x), shared};
  const double count = elements::rankedCount(team, rowsOf(m), scratchOf(m));
  if (threadIdx.x == 0) *m.dRanked = count;
}

__global__ void targetKernel(RuntimeMetrics m) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  const MetricRows rows = rowsOf(m);
  BlockTeam<kThreads> team{static_cast<int>(threadIdx.x), shared};
  for (int target = blockIdx.x; target < rows.targets(); target += gridDim.x) {
    const elements::TargetSums sums = elements::targetSums(team, rows, target);
    if (threadIdx.x == 0) memcpy(m.dTargetSums + 8 * static_cast<int64_t>(target), &sums, sizeof sums);
  }
}

void checkMetrics(const RuntimeMetrics& m) {
  require(m.rows >= 1 && m.classes >= 1 && m.channelsPerTarget >= 1 && m.classes % m.channelsPerTarget == 0 &&
              m.dPredictions,
          "metrics", "expected predictions");
  require(m.dValues || (m.dIds && m.kind == elements::kCrossEntropy), "metrics", "expected targets");
  require(m.dScratch || !(m.dClassCounts || m.dConfusion || m.dRanked), "metrics", "expected scratch");
}

}  // namespace

void metrics(const Launch& launch, const RuntimeMetrics& m) {
  checkMetrics(m);
  const bool binary = m.kind == elements::kBinaryCrossEntropy;
  if ((m.dClassCounts && !binary) || m.dConfusion || m.dRanked) {
    classifyKernel<<<gridFor(launch, m.rows * kWarp), kThreads, 0, launch.stream>>>(m);
    checkLaunch("classifyKernel");
  }
  if (m.dClassCounts) {
    classKernel<<<gridFor(launch, int64_t{m.classes} * kThreads), kThreads, 0, launch.stream>>>(m);
    checkLaunch("classKernel");
  }
  if (m.dConfusion) {
    const int side = binary ? 2 : m.classes;
    cellKernel<<<gridFor(launch, int64_t{side} * side * kWarp), kThreads, 0, launch.stream>>>(m, side);
    checkLaunch("cellKernel");
  }
  if (m.dRanked) {
    rankKernel<<<1, kThreads, 0, launch.stream>>>(m);
    checkLaunch("rankKernel");
  }
  if (m.dTargetSums) {
    const int64_t targets = m.classes / m.channelsPerTarget;
    targetKernel<<<gridFor(launch, targets * kThreads), kThreads, 0, launch.stream>>>(m);
    checkLaunch("targetKernel");
  }
}

}  // namespace lstm::gpu
