#include "cpu/kernels/table.h"
#include "cpu/kernels/vec.h"

// Plain loops: the compiler makes vectors of them. A block goes through in pieces that stay in the first-level cache,
// one stage after the other, so memory sees one pass. Bytes of a parameter: norm pass 4 (8 with penalties), then 16 for
// p and g, read and written, and 8 for each of m, v, aux and the average.
namespace lstm::cpu::LSTM_ARCH {
namespace {

constexpr int64_t kPiece = 1024;  // elements; 4 KiB of each array
constexpr int kLanes = 4 * W;     // double accumulators, enough to hide the latency of the adds

LSTM_INLINE float sign(float x) {
  return static_cast<float>((x > 0) - (x < 0));
}

LSTM_INLINE float penalised(float g, float p, float l1, float l2) {
  return g + l1 * sign(p) + 2 * l2 * p;
}

template <bool kPenalty, bool kGradient>
NormSums sumBlock(int64_t size, const float* __restrict p, const float* __restrict g, float scale, float l1,
                  float l2) {
  double squares[kLanes] = {};
  double penalties[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (kGradient) {
        const double d = kPenalty ? penalised(g[i + lane] * scale, p[i + lane], l1, l2) : g[i + lane] * scale;
        squares[lane] += d * d;
      }
      if (kPenalty) {
        const double value = p[i + lane];
        penalties[lane] += (l1 * __builtin_fabs(value)) + (l2 * (value * value));
      }
    }
  }
  NormSums sums = {0, 0};
  for (; i < size; ++i) {
    if (kGradient) {
      const double d = kPenalty ? penalised(g[i] * scale, p[i], l1, l2) : g[i] * scale;
      sums.squaredNorm += d * d;
    }
    if (kPenalty)
      sums.penalty +=
          l1 * __builtin_fabs(static_cast<double>(p[i])) + l2 * (static_cast<double>(p[i]) * p[i]);
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    sums.squaredNorm += squares[lane];
    sums.penalty += penalties[lane];
  }
  return sums;
}

// g becomes the gradient that the optimiser sees, where more than one factor makes it.
void finishGradient(const UpdateBlock& b) {
  const float* __restrict p = b.p;
  float* __restrict g = b.g;
  const UpdateBlock c = b;  // the stores below could otherwise reach it
  for (int64_t i = 0; i < c.size; ++i) g[i] = penalised(g[i] * c.gradScale, p[i], c.l1, c.l2) * c.clipScale;
  if (c.hasClipValue)
    for (int64_t i = 0; i < c.size; ++i) {
      const float d = g[i] < -c.clipValue ? -c.clipValue : g[i];
      g[i] = d > c.clipValue ? c.clipValue : d;
    }
  if (c.normals)
    for (int64_t i = 0; i < c.size; ++i) g[i] += c.noise * c.normals[i];
  if (c.coupled != 0)
    for (int64_t i = 0; i < c.size; ++i) g[i] += c.coupled * p[i];
}

bool isScaleAlone(const UpdateBlock& b) {
  return b.l1 == 0 && b.l2 == 0 && !b.hasClipValue && !b.normals && b.coupled == 0;
}

template <bool kMost>
void adam(const UpdateBlock& b, float scale) {
  float* __restrict p = b.p;
  float* __restrict g = b.g;
  float* __restrict m = b.m;
  float* __restrict v = b.v;
  float* __restrict most = b.aux;
  const UpdateBlock c = b;
  for (int64_t i = 0; i < c.size; ++i) {
    const float d = g[i] * scale;
    const float first = c.beta1 * m[i] + (1 - c.beta1) * d;
    const float second = c.beta2 * v[i] + (1 - c.beta2) * (d * d);
    m[i] = first;
    v[i] = second;
    float root = second;
    if (kMost) most[i] = root = most[i] > second ? most[i] : second;
    p[i] = p[i] * c.keep - c.stepSize * first / (__builtin_sqrtf(root) * c.rootScale + c.outRoot);
    g[i] = 0;
  }
}

template <bool kMomentum>
void sgd(const UpdateBlock& b, float scale) {
  float* __restrict p = b.p;
  float* __restrict g = b.g;
  float* __restrict m = b.m;
  const UpdateBlock c = b;
  for (int64_t i = 0; i < c.size; ++i) {
    const float d = c.inner * (g[i] * scale);
    if (kMomentum) {
      const float moment = c.momentum * m[i] + d;
      m[i] = moment;
      p[i] = p[i] * c.keep - c.outer * (c.ahead * d + c.moment * moment);
    } else {
      p[i] = p[i] * c.keep - c.outer * d;
    }
    g[i] = 0;
  }
}

template <bool kMomentum, bool kCentred>
void rmsprop(const UpdateBlock& b, float scale) {
  float* __restrict p = b.p;
  float* __restrict g = b.g;
  float* __restrict m = b.m;
  float* __restrict v = b.v;
  float* __restrict mean = b.aux;
  const UpdateBlock c = b;
  for (int64_t i = 0; i < c.size; ++i) {
    const float d = g[i] * scale;
    const float second = c.beta2 * v[i] + (1 - c.beta2) * (d * d);
    v[i] = second;
    float variance = second;
    if (kCentred) {
      mean[i] = c.beta2 * mean[i] + (1 - c.beta2) * d;
      variance = second - mean[i] * mean[i];
      variance = variance > 0 ? variance : 0;
    }
    float move = c.inner * d / (__builtin_sqrtf(variance + c.inRoot) + c.outRoot);
    if (kMomentum) m[i] = move = c.momentum * m[i] + move;
    p[i] = p[i] * c.keep - c.outer * move;
    g[i] = 0;
  }
}

void adagrad(const UpdateBlock& b, float scale) {
  float* __restrict p = b.p;
  float* __restrict g = b.g;
  float* __restrict v = b.v;
  const UpdateBlock c = b;
  for (int64_t i = 0; i < c.size; ++i) {
    const float d = g[i] * scale;
    v[i] += d * d;
    p[i] = p[i] * c.keep - c.outer * (d / (__builtin_sqrtf(v[i] + c.inRoot) + c.outRoot));
    g[i] = 0;
  }
}

void optimize(const UpdateBlock& b, float scale) {
  switch (b.rule) {
    case Rule::kAdam:
      return b.aux ? adam<true>(b, scale) : adam<false>(b, scale);
    case Rule::kSgd:
      return b.m ? sgd<true>(b, scale) : sgd<false>(b, scale);
    case Rule::kRmsprop:
      if (b.aux) return b.m ? rmsprop<true, true>(b, scale) : rmsprop<false, true>(b, scale);
      return b.m ? rmsprop<true, false>(b, scale) : rmsprop<false, false>(b, scale);
    case Rule::kAdagrad:
      return adagrad(b, scale);
  }
}

void finishParameters(const UpdateBlock& b) {
  float* __restrict p = b.p;
  float* __restrict average = b.average;
  const float weight = b.averageWeight;
  if (average)
    for (int64_t i = 0; i < b.size; ++i) average[i] += weight * (p[i] - average[i]);
  if (b.nonNegative)
    for (int64_t i = 0; i < b.size; ++i) p[i] = p[i] > 0 ? p[i] : 0;
}

UpdateBlock pieceOf(const UpdateBlock& b, int64_t from) {
  UpdateBlock piece = b;
  piece.size = b.size - from < kPiece ? b.size - from : kPiece;
  float** const arrays[] = {&piece.p, &piece.g, &piece.m, &piece.v, &piece.aux, &piece.average};
  for (float** array : arrays)
    if (*array) *array += from;
  if (piece.normals) piece.normals += from;
  return piece;
}

}  // namespace

NormSums normBlock(int64_t size, const float* p, const float* g, float scale, float l1, float l2) {
  const bool penalty = l1 != 0 || l2 != 0;
  if (g)
    return penalty ? sumBlock<true, true>(size, p, g, scale, l1, l2)
                   : sumBlock<false, true>(size, p, g, scale, l1, l2);
  return penalty ? sumBlock<true, false>(size, p, g, scale, l1, l2) : NormSums{0, 0};
}

void updateBlock(const UpdateBlock& b) {
  const bool scaleAlone = isScaleAlone(b);
  const float scale = scaleAlone ? b.gradScale * b.clipScale : 1;
  if (scaleAlone && !b.average && !b.nonNegative) return optimize(b, scale);
  for (int64_t from = 0; from < b.size; from += kPiece) {
    const UpdateBlock piece = pieceOf(b, from);
    if (!scaleAlone) finishGradient(piece);
    optimize(piece, scale);
    finishParameters(piece);
  }
}

}  // namespace lstm::cpu::LSTM_ARCH
