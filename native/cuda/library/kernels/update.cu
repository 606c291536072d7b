#include "cuda/elements/update.h"

#include "cuda/elements/half.h"
#include "cuda/elements/team.h"
#include "cuda/library/kernels/launch.cuh"
#include "cuda/library/kernels/teams.cuh"

// The update of the flat arenas:
//   normKernel    reads g (and p where a penalty stands): 4 or 8 bytes of a parameter
//   tensorKernel  adds each tensor's parts in their order
//   totalKernel   adds the tensors; decides whether the update applies; makes every tensor's clip and the step's
//                 factors; counts the step and moves the loss scale on
//   applyKernel   adam reads g, p, m, v and writes p, m, v, g = 0: 32 bytes; sgd with momentum 24, without 16; 2 more
//                 for a half copy
// The arenas are cut into chunks at multiples of kChunk, tensors are cut by chunks, and each piece has its own place
// among the partial sums: chunk + row, which grows with every step along the arena. All arenas are 256-byte aligned, so
// an offset that is a multiple of four is a 16-byte access in each of them.
namespace lstm::gpu {
namespace {

using elements::Clip;

constexpr int64_t kChunk = 16384;  // elements; a block has one chunk

struct NormPart {
  double squaredNorm;
  double penalty;
  __device__ void take(const NormPart& other) {
    squaredNorm += other.squaredNorm;
    penalty += other.penalty;
  }
};

// What all elements of a step share; made by totalKernel, since the step's number is on the device alone.
struct StepFactors {
  float inverseLossScale;
  float learningRate;
  elements::BiasCorrection bias;
};
constexpr int kFactorDoubles = sizeof(StepFactors) / sizeof(double);
static_assert(sizeof(StepFactors) % sizeof(double) == 0);

// The places of dPartials, in doubles: the step's factors, parts [pieces] of two, penalties by tensor [rows], clips by
// tensor [rows].
struct Partials {
  StepFactors* factors;
  NormPart* parts;
  double* penalties;
  double* clips;
};

__host__ __device__ inline int64_t chunksOf(int64_t size) {
  return (size + kChunk - 1) / kChunk;
}

__host__ __device__ inline Partials partialsOf(const RuntimeUpdate& args) {
  double* parts = args.dPartials + kFactorDoubles;
  double* penalties = parts + 2 * (chunksOf(args.size) + args.rowCount);
  return {reinterpret_cast<StepFactors*>(args.dPartials), reinterpret_cast<NormPart*>(parts), penalties,
          penalties + args.rowCount};
}

// The first row that ends behind `at`.
__device__ int rowAt(const RuntimeUpdate& args, int64_t at) {
  int low = 0;
  int high = args.rowCount;
  while (low < high) {
    const int middle = (low + high) / 2;
    const RuntimeTensorRow& row = args.dRows[middle];
    if (row.offset + row.size > at)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

struct Piece {
  int row;
  int64_t begin;
  int64_t end;
};

// Calls function(piece) for every tensor's part of this block's chunk; all threads come along.
template <typename Function>
__device__ void forPieces(const RuntimeUpdate& args, Function function) {
  const int64_t from = static_cast<int64_t>(blockIdx.x) * kChunk;
  const int64_t to = min(from + kChunk, args.size);
  for (int row = rowAt(args, from); row < args.rowCount; ++row) {
    const int64_t offset = args.dRows[row].offset;
    if (offset >= to) break;
    const Piece piece{row, max(from, offset), min(to, offset + args.dRows[row].size)};
    if (piece.begin < piece.end) function(piece);
  }
}

// Calls wide(i) for the groups of four from an aligned i, one(i) for the elements before and after them.
template <typename Wide, typename One>
__device__ void forElements(const Piece& piece, Wide wide, One one) {
  const int64_t first = min((piece.begin + 3) / 4 * 4, piece.end);
  const int64_t last = max(first, piece.end / 4 * 4);
  if (piece.begin + threadIdx.x < first) one(piece.begin + threadIdx.x);
  for (int64_t i = first + 4 * static_cast<int64_t>(threadIdx.x); i < last; i += 4 * kThreads) wide(i);
  if (last + threadIdx.x < piece.end) one(last + threadIdx.x);
}

__device__ float4& four(float* array, int64_t i) {
  return *reinterpret_cast<float4*>(array + i);
}

struct NormOfElement {
  const RuntimeTensorRow& row;
  float inverseLossScale;
  bool hasPenalty;
  NormPart* sum;

  __device__ void add(float g, float p) const {
    sum->squaredNorm += elements::squaredGradient(g * inverseLossScale, p, row.l1, row.l2);
    if (hasPenalty) sum->penalty += elements::penaltyOf(p, row.l1, row.l2);
  }
};

// Of these gradients.
__device__ float lossScaleOf(const RuntimeUpdate& args) {
  return args.unscaled ? 1 : args.dScalars->lossScale;
}

__global__ void normKernel(RuntimeUpdate args, bool penaltyOnly) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  const BlockTeam<kThreads> team{static_cast<int>(threadIdx.x), shared};
  NormPart* parts = partialsOf(args).parts;
  const float inverseLossScale = penaltyOnly ? 1 : 1 / lossScaleOf(args);
  forPieces(args, [&](const Piece& piece) {
    const RuntimeTensorRow row = args.dRows[piece.row];
    const bool hasPenalty = row.l1 != 0 || row.l2 != 0;
    NormPart own = {0, 0};
    if (row.trainable && (hasPenalty || !penaltyOnly)) {
      const NormOfElement norm{row, inverseLossScale, hasPenalty, &own};
      forElements(
          piece,
          [&](int64_t i) {
            const float4 g = penaltyOnly ? float4{} : four(args.dGrads, i);
            const float4 p = hasPenalty ? four(args.dParams, i) : float4{};
            norm.add(g.x, p.x);
            norm.add(g.y, p.y);
            norm.add(g.z, p.z);
            norm.add(g.w, p.w);
          },
          [&](int64_t i) { norm.add(penaltyOnly ? 0 : args.dGrads[i], hasPenalty ? args.dParams[i] : 0); });
    }
    const NormPart all = team.join(own);
    if (threadIdx.x == 0) parts[blockIdx.x + piece.row] = all;
  });
}

// A block for each tensor: its pieces, in one order.
__global__ void tensorKernel(RuntimeUpdate args, bool penaltyOnly) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  const int r = blockIdx.x;
  const RuntimeTensorRow row = args.dRows[r];
  const Partials partials = partialsOf(args);
  NormPart own = {0, 0};
  if (row.size > 0) {
    const int64_t last = (row.offset + row.size - 1) / kChunk;
    for (int64_t chunk = row.offset / kChunk + threadIdx.x; chunk <= last; chunk += kThreads)
      own.take(partials.parts[chunk + r]);
  }
  const NormPart all = BlockTeam<kThreads>{static_cast<int>(threadIdx.x), shared}.join(own);
  if (threadIdx.x != 0) return;
  if (!penaltyOnly) args.dTensorNorms[r] = all.squaredNorm;
  partials.penalties[r] = all.penalty;
}

// By one thread, after every reader of the scalars: what the update reports, its factors, and the counters' next state.
__device__ void countStep(const RuntimeUpdate& args, const NormPart& all) {
  RuntimeScalars& now = *args.dScalars;
  const bool applies = elements::updateApplies(all.squaredNorm, args.dLoss ? args.dLoss->loss : 0);
  const float beta1 = args.kind == elements::kAdam ? args.beta1 : 0;
  const float beta2 = args.kind == elements::kAdam ? args.beta2 : 0;
  const float lossScale = lossScaleOf(args);
  *partialsOf(args).factors = {1 / lossScale, now.learningRate,
                               elements::biasCorrection(now.learningRate, beta1, beta2, now.step + 1)};
  *args.dSums = {all.penalty, all.squaredNorm, now.step + applies, lossScale, applies};
  now.step += applies;
  if (!args.dynamicLossScale) return;
  const bool finite = elements::normIsFinite(all.squaredNorm);
  if (finite && !applies) return;  // the loss itself was not finite: that is not the scale's doing
  const elements::LossScale next = elements::nextLossScale({now.lossScale, now.goodSteps}, finite);
  now.lossScale = next.scale;
  now.goodSteps = next.goodSteps;
}

__global__ void totalKernel(RuntimeUpdate args, bool penaltyOnly) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  const Partials partials = partialsOf(args);
  NormPart own = {0, 0};
  for (int r = threadIdx.x; r < args.rowCount; r += kThreads)
    own.take({penaltyOnly ? 0 : args.dTensorNorms[r], partials.penalties[r]});
  const NormPart all = BlockTeam<kThreads>{static_cast<int>(threadIdx.x), shared}.join(own);
  if (penaltyOnly) {
    if (threadIdx.x == 0) args.dSums->penalty = all.penalty;
    return;
  }
  for (int r = threadIdx.x; r < args.rowCount; r += kThreads)
    partials.clips[r] =
        elements::clipOf(args.clip, args.clipLimit, all.squaredNorm, args.dTensorNorms[r]).value;
  if (threadIdx.x == 0) countStep(args, all);
}

__device__ elements::UpdateElement elementOf(const RuntimeUpdate& args, const StepFactors& step) {
  elements::UpdateElement u{};
  u.inverseLossScale = step.inverseLossScale;
  u.learningRate = step.learningRate;
  u.momentum = args.momentum;
  u.nesterov = args.nesterov != 0;
  u.beta1 = args.beta1;
  u.beta2 = args.beta2;
  u.epsilon = args.epsilon;
  u.bias = step.bias;
  return u;
}

__device__ void clearPiece(const RuntimeUpdate& args, const Piece& piece) {
  forElements(
      piece, [&](int64_t i) { four(args.dGrads, i) = float4{}; }, [&](int64_t i) { args.dGrads[i] = 0; });
}

__device__ void writeHalf(const RuntimeUpdate& args, int64_t i, float p) {
  static_cast<uint16_t*>(args.dHalfParams)[i] = elements::halfBits(args.halfKind, p);
}

__device__ void writeHalves(const RuntimeUpdate& args, int64_t i, const float4& p) {
  *reinterpret_cast<ushort4*>(static_cast<uint16_t*>(args.dHalfParams) + i) =
      ushort4{elements::halfBits(args.halfKind, p.x), elements::halfBits(args.halfKind, p.y),
              elements::halfBits(args.halfKind, p.z), elements::halfBits(args.halfKind, p.w)};
}

__device__ void adamPiece(const RuntimeUpdate& args, const elements::UpdateElement& u, const Piece& piece) {
  forElements(
      piece,
      [&](int64_t i) {
        const float4 g = four(args.dGrads, i);
        float4 p = four(args.dParams, i);
        float4 m = four(args.dM, i);
        float4 v = four(args.dV, i);
        elements::adamElement(u, g.x, &p.x, &m.x, &v.x);
        elements::adamElement(u, g.y, &p.y, &m.y, &v.y);
        elements::adamElement(u, g.z, &p.z, &m.z, &v.z);
        elements::adamElement(u, g.w, &p.w, &m.w, &v.w);
        four(args.dParams, i) = p;
        four(args.dM, i) = m;
        four(args.dV, i) = v;
        four(args.dGrads, i) = float4{};
        if (args.dHalfParams) writeHalves(args, i, p);
      },
      [&](int64_t i) {
        elements::adamElement(u, args.dGrads[i], args.dParams + i, args.dM + i, args.dV + i);
        args.dGrads[i] = 0;
        if (args.dHalfParams) writeHalf(args, i, args.dParams[i]);
      });
}

__device__ void sgdPiece(const RuntimeUpdate& args, const elements::UpdateElement& u, const Piece& piece) {
  const bool hasMoment = args.dM != nullptr;
  forElements(
      piece,
      [&](int64_t i) {
        const float4 g = four(args.dGrads, i);
        float4 p = four(args.dParams, i);
        float4 m = hasMoment ? four(args.dM, i) : float4{};
        elements::sgdElement(u, g.x, &p.x, hasMoment ? &m.x : nullptr);
        elements::sgdElement(u, g.y, &p.y, hasMoment ? &m.y : nullptr);
        elements::sgdElement(u, g.z, &p.z, hasMoment ? &m.z : nullptr);
        elements::sgdElement(u, g.w, &p.w, hasMoment ? &m.w : nullptr);
        four(args.dParams, i) = p;
        if (hasMoment) four(args.dM, i) = m;
        four(args.dGrads, i) = float4{};
        if (args.dHalfParams) writeHalves(args, i, p);
      },
      [&](int64_t i) {
        elements::sgdElement(u, args.dGrads[i], args.dParams + i, hasMoment ? args.dM + i : nullptr);
        args.dGrads[i] = 0;
        if (args.dHalfParams) writeHalf(args, i, args.dParams[i]);
      });
}

template <bool kAdam>
__global__ void applyKernel(RuntimeUpdate args) {
  const bool applies = args.dSums->applied != 0;
  const Partials partials = partialsOf(args);
  elements::UpdateElement u = elementOf(args, *partials.factors);
  forPieces(args, [&](const Piece& piece) {
    const RuntimeTensorRow row = args.dRows[piece.row];
    if (!applies || !row.trainable) return clearPiece(args, piece);
    u.l1 = row.l1;
    u.l2 = row.l2;
    u.clip = {args.clip == elements::kClipValue, static_cast<float>(partials.clips[piece.row])};
    if (kAdam)
      adamPiece(args, u, piece);
    else
      sgdPiece(args, u, piece);
  });
}

void checkUpdate(const RuntimeUpdate& args, bool penaltyOnly) {
  require(args.size >= 1 && args.rowCount >= 1 && args.dRows && args.dParams && args.dPartials && args.dSums,
          "update", "expected rows, parameters, partials and sums");
  require(isAligned(args.dParams) && isAligned(args.dGrads) && isAligned(args.dM) && isAligned(args.dV),
          "update", "expected arenas at multiples of 16 bytes");
  require(reinterpret_cast<uintptr_t>(args.dHalfParams) % sizeof(ushort4) == 0, "update",
          "expected the half copy at a multiple of 8 bytes");
  if (penaltyOnly) return;
  require(args.kind == elements::kAdam || args.kind == elements::kSgd, "update", "no such optimizer");
  require(args.clip >= elements::kClipNone && args.clip <= elements::kClipValue, "update", "no such clip");
  require(args.dGrads && args.dScalars && args.dTensorNorms, "update",
          "expected gradients, scalars and norms");
  require(!args.dHalfParams || args.halfKind == elements::kFp16 || args.halfKind == elements::kBf16, "update",
          "no such half precision");
  require(args.kind == elements::kSgd || (args.dM && args.dV), "update", "adam: expected m and v");
}

}  // namespace

int64_t updatePartials(int64_t size, int rowCount) {
  return kFactorDoubles + 2 * (chunksOf(size) + rowCount) + 2 * rowCount;
}

void update(const Launch& launch, const RuntimeUpdate& args, bool penaltyOnly) {
  checkUpdate(args, penaltyOnly);
  const unsigned chunks = static_cast<unsigned>(chunksOf(args.size));
  normKernel<<<chunks, kThreads, 0, launch.stream>>>(args, penaltyOnly);
  checkLaunch("normKernel");
  tensorKernel<<<args.rowCount, kThreads, 0, launch.stream>>>(args, penaltyOnly);
  checkLaunch("tensorKernel");
  totalKernel<<<1, kThreads, 0, launch.stream>>>(args, penaltyOnly);
  checkLaunch("totalKernel");
  if (penaltyOnly) return;
  if (args.kind == elements::kAdam)
    applyKernel<true><<<chunks, kThreads, 0, launch.stream>>>(args);
  else
    applyKernel<false><<<chunks, kThreads, 0, launch.stream>>>(args);
  checkLaunch("applyKernel");
}

}  // namespace lstm::gpu
