#include "cuda/elements/update.h"

#include "cuda/elements/half.h"
#include "cuda/elements/team.h"
#include "cuda/library/kernels/launch.cuh"
#include "cuda/library/kernels/teams.cuh"

// The update of the flat arenas, in bytes of a parameter:
//   normKernel     reads g (and p where a penalty stands): 4 or 8
//   tensorKernel   adds each tensor's parts in their order
//   totalKernel    adds the tensors; decides whether the update applies; makes the step's factors; counts the step and
//                  moves the loss scale on
//   adaptiveKernel with adaptive clipping alone: reads g and p twice, the second time from the cache, writes g: 12
//   applyKernel    reads and writes p, g = 0 and each array of state: sgd 16, with momentum 24, rmsprop and adagrad 24,
//                  adam 32; 8 more for amsgrad, centered, rmsprop's momentum and an average each, 2 for a half copy
//   maxNormKernel  of tensors with that constraint alone: reads p twice, writes it: 8
// The arenas are cut into chunks at multiples of kChunk, tensors are cut by chunks, and each piece has its own place
// among the partial sums: chunk + row, which grows with every step along the arena. All arenas are 256-byte aligned, so
// an offset that is a multiple of four is a 16-byte access in each of them.
namespace lstm::gpu {
namespace {

constexpr int64_t kChunk = 16384;  // elements; a block has one chunk

struct NormPart {
  double squaredNorm;
  double penalty;
  __device__ void take(const NormPart& other) {
    squaredNorm += other.squaredNorm;
    penalty += other.penalty;
  }
};

constexpr int kFactorDoubles = sizeof(StepFactors) / sizeof(double);
static_assert(sizeof(StepFactors) % sizeof(double) == 0);

// The places of dPartials, in doubles: the step's factors, parts [pieces] of two, penalties by tensor [rows].
struct Partials {
  StepFactors* factors;
  NormPart* parts;
  double* penalties;
};

__host__ __device__ inline int64_t chunksOf(int64_t size) {
  return (size + kChunk - 1) / kChunk;
}

__host__ __device__ inline Partials partialsOf(const RuntimeUpdate& args) {
  double* parts = args.dPartials + kFactorDoubles;
  return {reinterpret_cast<StepFactors*>(args.dPartials), reinterpret_cast<NormPart*>(parts),
          parts + 2 * (chunksOf(args.size) + args.rowCount)};
}

// What brings a number of the gradient arena to the loss's own.
__device__ float scaleOf(const RuntimeUpdate& args) {
  return args.unscaled ? args.gradScale : args.gradScale / args.dScalars->lossScale;
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
  float gradScale;
  bool hasPenalty;
  NormPart* sum;

  __device__ void add(float g, float p) const {
    sum->squaredNorm += elements::squaredGradient(g * gradScale, p, row.l1, row.l2);
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
  const float gradScale = penaltyOnly ? 1 : scaleOf(args);
  forPieces(args, [&](const Piece& piece) {
    const RuntimeTensorRow row = args.dRows[piece.row];
    const bool hasPenalty = row.l1 != 0 || row.l2 != 0;
    NormPart own = {0, 0};
    if (row.trainable && (hasPenalty || !penaltyOnly)) {
      const NormOfElement norm{row, gradScale, hasPenalty, &own};
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
  const bool applies = elements::updateApplies(all.squaredNorm, args.dLosses, args.lossCount);
  *partialsOf(args).factors = stepFactors(args.rule, now.learningRate, scaleOf(args), now.step, now.averaged);
  *args.dSums = {all.penalty, all.squaredNorm, now.step + applies, lossScaleOf(args), applies};
  now.step += applies;
  now.averaged += applies && args.rule.average != kNoAverage;
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
  if (threadIdx.x == 0) countStep(args, all);
}

__device__ ElementFactors factorsOf(const RuntimeUpdate& args, int row) {
  const RuntimeTensorRow& tensor = args.dRows[row];
  return elementFactors(args.rule, *partialsOf(args).factors,
                        {tensor.l1, tensor.l2, tensor.rateScale, tensor.weightDecay, tensor.constraint},
                        args.dSums->squaredNorm, args.dTensorNorms[row]);
}

// A row or a column of a tensor.
struct Line {
  int64_t begin, size, stride;
};

__device__ int64_t lineCount(const RuntimeTensorRow& row, bool byColumn) {
  return byColumn ? row.rowSize : row.size / row.rowSize;
}

__device__ Line lineOf(const RuntimeTensorRow& row, bool byColumn, int64_t line) {
  if (byColumn) return {row.offset + line, row.size / row.rowSize, row.rowSize};
  return {row.offset + line * row.rowSize, row.rowSize, 1};
}

// Sums over a line by this block; everyone gets them.
template <typename Squares>
__device__ NormPart lineSums(const Line& line, unsigned char* shared, Squares squares) {
  NormPart own = {0, 0};
  for (int64_t k = threadIdx.x; k < line.size; k += kThreads) own.take(squares(line.begin + k * line.stride));
  return BlockTeam<kThreads>{static_cast<int>(threadIdx.x), shared}.join(own);
}

__global__ void adaptiveKernel(RuntimeUpdate args) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  if (args.dSums->applied == 0) return;
  const float scale = partialsOf(args).factors->gradScale;
  for (int r = blockIdx.y; r < args.rowCount; r += gridDim.y) {
    const RuntimeTensorRow row = args.dRows[r];
    if (!row.trainable) continue;
    const auto gradient = [&](int64_t i) {
      return elements::penalised(args.dGrads[i] * scale, args.dParams[i], row.l1, row.l2);
    };
    for (int64_t n = blockIdx.x; n < lineCount(row, false); n += gridDim.x) {
      const Line line = lineOf(row, false, n);
      const NormPart sums = lineSums(line, shared, [&](int64_t i) {
        const double g = gradient(i), p = args.dParams[i];
        return NormPart{g * g, p * p};
      });
      const float clip =
          adaptiveClip(args.rule.clipLimit, args.rule.clipEpsilon, sums.squaredNorm, sums.penalty);
      for (int64_t k = threadIdx.x; k < line.size; k += kThreads)
        args.dGrads[line.begin + k] = gradient(line.begin + k) * clip;
    }
  }
}

__device__ void writeHalf(const RuntimeUpdate& args, int64_t i, float p) {
  static_cast<uint16_t*>(args.dHalfParams)[i] = elements::halfBits(args.halfKind, p);
}

__device__ void writeHalves(const RuntimeUpdate& args, int64_t i, const float4& p) {
  *reinterpret_cast<ushort4*>(static_cast<uint16_t*>(args.dHalfParams) + i) =
      ushort4{elements::halfBits(args.halfKind, p.x), elements::halfBits(args.halfKind, p.y),
              elements::halfBits(args.halfKind, p.z), elements::halfBits(args.halfKind, p.w)};
}

__global__ void maxNormKernel(RuntimeUpdate args) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  if (args.dSums->applied == 0) return;
  for (int r = blockIdx.y; r < args.rowCount; r += gridDim.y) {
    const RuntimeTensorRow row = args.dRows[r];
    if (!row.trainable || row.constraint != kMaxNormConstraint) continue;
    for (int64_t n = blockIdx.x; n < lineCount(row, row.byColumn); n += gridDim.x) {
      const Line line = lineOf(row, row.byColumn, n);
      const NormPart sums = lineSums(line, shared, [&](int64_t i) {
        const double p = args.dParams[i];
        return NormPart{p * p, 0};
      });
      const float scale = maxNormScale(row.maxNorm, sums.squaredNorm);
      for (int64_t k = threadIdx.x; k < line.size; k += kThreads) {
        const int64_t i = line.begin + k * line.stride;
        args.dParams[i] *= scale;
        if (args.dHalfParams) writeHalf(args, i, args.dParams[i]);
      }
    }
  }
}

__device__ void clearPiece(const RuntimeUpdate& args, const Piece& piece) {
  forElements(
      piece, [&](int64_t i) { four(args.dGrads, i) = float4{}; }, [&](int64_t i) { args.dGrads[i] = 0; });
}

// The update of single elements of a tensor. kKind is a template argument so that a kernel holds one rule alone.
template <int kKind>
struct ElementUpdate {
  const RuntimeUpdate& args;
  const ElementFactors& f;
  const RandomKey noise;

  __device__ void operator()(float g, float normal, elements::ElementState& s, float& average) const {
    const float d = elements::finalGradient(f, g, s.p, normal);
    elements::optimizeElement(kKind, f, d, args.dM != nullptr, args.dAux != nullptr, s);
    average = elements::averaged(f, average, s.p);
    s.p = elements::constrained(f, s.p);
  }

  __device__ void one(int64_t i) const {
    elements::ElementState s = {args.dParams[i], args.dM ? args.dM[i] : 0, args.dV ? args.dV[i] : 0,
                                args.dAux ? args.dAux[i] : 0};
    float average = args.dAverage ? args.dAverage[i] : 0;
    (*this)(args.dGrads[i], f.noise > 0 ? noiseOf(noise, i) : 0, s, average);
    args.dParams[i] = s.p;
    args.dGrads[i] = 0;
    if (args.dM) args.dM[i] = s.m;
    if (args.dV) args.dV[i] = s.v;
    if (args.dAux) args.dAux[i] = s.aux;
    if (args.dAverage) args.dAverage[i] = average;
    if (args.dHalfParams) writeHalf(args, i, s.p);
  }

  __device__ static float4 load(float* array, int64_t i) { return array ? four(array, i) : float4{}; }
  __device__ static void store(float* array, int64_t i, const float4& value) {
    if (array) four(array, i) = value;
  }

  // i is a multiple of 4.
  __device__ void wide(int64_t i) const {
    const float4 g = four(args.dGrads, i);
    float4 p = four(args.dParams, i);
    float4 m = load(args.dM, i), v = load(args.dV, i), aux = load(args.dAux, i),
           average = load(args.dAverage, i);
    float4 normal{};
    if (f.noise > 0) {
      const Philox4 words = philoxBlock(noise, static_cast<uint64_t>(i) / 4);
      const NormalPair low = normalPair(words.v[0], words.v[1]), high = normalPair(words.v[2], words.v[3]);
      normal = {low.even, low.odd, high.even, high.odd};
    }
    const auto at = [&](float gradient, float draw, float& pp, float& mm, float& vv, float& xx, float& ww) {
      elements::ElementState s = {pp, mm, vv, xx};
      (*this)(gradient, draw, s, ww);
      pp = s.p;
      mm = s.m;
      vv = s.v;
      xx = s.aux;
    };
    at(g.x, normal.x, p.x, m.x, v.x, aux.x, average.x);
    at(g.y, normal.y, p.y, m.y, v.y, aux.y, average.y);
    at(g.z, normal.z, p.z, m.z, v.z, aux.z, average.z);
    at(g.w, normal.w, p.w, m.w, v.w, aux.w, average.w);
    four(args.dParams, i) = p;
    four(args.dGrads, i) = float4{};
    store(args.dM, i, m);
    store(args.dV, i, v);
    store(args.dAux, i, aux);
    store(args.dAverage, i, average);
    if (args.dHalfParams) writeHalves(args, i, p);
  }
};

template <int kKind>
__global__ void applyKernel(RuntimeUpdate args) {
  const bool applies = args.dSums->applied != 0;
  const RandomKey noise = {args.seed, kNoiseStream, partialsOf(args).factors->noiseStep};
  forPieces(args, [&](const Piece& piece) {
    if (!applies || !args.dRows[piece.row].trainable) return clearPiece(args, piece);
    const ElementFactors factors = factorsOf(args, piece.row);
    const ElementUpdate<kKind> update{args, factors, noise};
    forElements(piece, [&](int64_t i) { update.wide(i); }, [&](int64_t i) { update.one(i); });
  });
}

void launchApply(const Launch& launch, const RuntimeUpdate& args, unsigned chunks) {
  switch (args.rule.kind) {
    case kAdamRule:
      return applyKernel<kAdamRule><<<chunks, kThreads, 0, launch.stream>>>(args);
    case kSgdRule:
      return applyKernel<kSgdRule><<<chunks, kThreads, 0, launch.stream>>>(args);
    case kRmspropRule:
      return applyKernel<kRmspropRule><<<chunks, kThreads, 0, launch.stream>>>(args);
    default:
      return applyKernel<kAdagradRule><<<chunks, kThreads, 0, launch.stream>>>(args);
  }
}

// Blocks for lines of tensors: enough along x to fill the card, a tensor along y.
dim3 lineGrid(const Launch& launch, const RuntimeUpdate& args) {
  return dim3(static_cast<unsigned>(launch.multiprocessors) * 4,
              static_cast<unsigned>(least(args.rowCount, 65535)));
}

void checkUpdate(const RuntimeUpdate& args, bool penaltyOnly) {
  require(args.size >= 1 && args.rowCount >= 1 && args.dRows && args.dParams && args.dPartials && args.dSums,
          "update", "expected rows, parameters, partials and sums");
  require(isAligned(args.dParams) && isAligned(args.dGrads) && isAligned(args.dM) && isAligned(args.dV) &&
              isAligned(args.dAux) && isAligned(args.dAverage),
          "update", "expected arenas at multiples of 16 bytes");
  require(reinterpret_cast<uintptr_t>(args.dHalfParams) % sizeof(ushort4) == 0, "update",
          "expected the half copy at a multiple of 8 bytes");
  if (penaltyOnly) return;
  const UpdateRule& rule = args.rule;
  require(rule.kind >= kAdamRule && rule.kind <= kAdagradRule, "update", "no such optimizer");
  require(rule.clip >= kNoClip && rule.clip <= kAdaptiveClip, "update", "no such clip");
  require(args.dGrads && args.dScalars && args.dTensorNorms, "update",
          "expected gradients, scalars and norms");
  require(!args.dHalfParams || args.halfKind == elements::kFp16 || args.halfKind == elements::kBf16, "update",
          "no such half precision");
  require(rule.kind != kAdamRule || args.dM, "update", "adam: expected m");
  require(rule.kind == kSgdRule || args.dV, "update", "expected v");
  require(rule.average == kNoAverage || args.dAverage, "update", "expected an average");
}

}  // namespace

int64_t updatePartials(int64_t size, int rowCount) {
  return kFactorDoubles + 2 * (chunksOf(size) + rowCount) + rowCount;
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
  if (args.rule.clip == kAdaptiveClip) {
    adaptiveKernel<<<lineGrid(launch, args), kThreads, 0, launch.stream>>>(args);
    checkLaunch("adaptiveKernel");
  }
  launchApply(launch, args, chunks);
  checkLaunch("applyKernel");
  if (!args.hasMaxNorm) return;
  maxNormKernel<<<lineGrid(launch, args), kThreads, 0, launch.stream>>>(args);
  checkLaunch("maxNormKernel");
}

}  // namespace lstm::gpu
