#include "cpu/kernels/table.h"
#include "cpu/kernels/vec.h"

// Plain loops: the compiler makes vectors of them. Bytes per parameter: norm pass 4 (8 with penalties), adam
// reads 16 and writes 16, sgd reads 12 and writes 12.
namespace lstm::cpu::LSTM_ARCH {
namespace {

constexpr int kLanes = 4 * W;  // double accumulators, enough to hide the latency of the adds

LSTM_INLINE float sign(float x) {
  return static_cast<float>((x > 0) - (x < 0));
}

LSTM_INLINE float penalised(float g, float p, float l1, float l2) {
  return g + l1 * sign(p) + 2 * l2 * p;
}

template <bool kPenalty, bool kGradient>
NormSums sumBlock(int64_t size, const float* __restrict p, const float* __restrict g, float l1, float l2) {
  double squares[kLanes] = {};
  double penalties[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (kGradient) {
        const double d = kPenalty ? penalised(g[i + lane], p[i + lane], l1, l2) : g[i + lane];
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
      const double d = kPenalty ? penalised(g[i], p[i], l1, l2) : g[i];
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

template <Clip kClip>
LSTM_INLINE float clipped(float g, float value) {
  if (kClip == Clip::kScale) return g * value;
  if (kClip == Clip::kValue) {
    g = g < -value ? -value : g;
    return g > value ? value : g;
  }
  return g;
}

template <Clip kClip>
void adam(const UpdateBlock& b) {
  float* __restrict p = b.p;
  float* __restrict g = b.g;
  float* __restrict m = b.m;
  float* __restrict v = b.v;
  const UpdateBlock c = b;  // the stores below could otherwise reach it
  for (int64_t i = 0; i < c.size; ++i) {
    const float d = clipped<kClip>(penalised(g[i], p[i], c.l1, c.l2), c.clipValue);
    const float first = c.beta1 * m[i] + (1 - c.beta1) * d;
    const float second = c.beta2 * v[i] + (1 - c.beta2) * (d * d);
    m[i] = first;
    v[i] = second;
    p[i] -= c.stepSize * first / (__builtin_sqrtf(second) * c.inverseRootBias2 + c.epsilon);
    g[i] = 0;
  }
}

template <Clip kClip, bool kMomentum>
void sgd(const UpdateBlock& b) {
  float* __restrict p = b.p;
  float* __restrict g = b.g;
  float* __restrict m = b.m;
  const UpdateBlock c = b;
  const float ahead = c.nesterov ? c.momentum : 0;
  for (int64_t i = 0; i < c.size; ++i) {
    const float d = clipped<kClip>(penalised(g[i], p[i], c.l1, c.l2), c.clipValue);
    if (kMomentum) {
      const float moment = c.momentum * m[i] + d;
      m[i] = moment;
      p[i] -= c.learningRate * (c.nesterov ? d + ahead * moment : moment);
    } else {
      p[i] -= c.learningRate * d;
    }
    g[i] = 0;
  }
}

template <Clip kClip>
void sgdWith(const UpdateBlock& b) {
  if (b.m) {
    sgd<kClip, true>(b);
  } else {
    sgd<kClip, false>(b);
  }
}

}  // namespace

NormSums normBlock(int64_t size, const float* p, const float* g, float l1, float l2) {
  const bool penalty = l1 != 0 || l2 != 0;
  if (g)
    return penalty ? sumBlock<true, true>(size, p, g, l1, l2) : sumBlock<false, true>(size, p, g, l1, l2);
  return penalty ? sumBlock<true, false>(size, p, g, l1, l2) : NormSums{0, 0};
}

void adamBlock(const UpdateBlock& b) {
  switch (b.clip) {
    case Clip::kNone:
      return adam<Clip::kNone>(b);
    case Clip::kScale:
      return adam<Clip::kScale>(b);
    case Clip::kValue:
      return adam<Clip::kValue>(b);
  }
}

void sgdBlock(const UpdateBlock& b) {
  switch (b.clip) {
    case Clip::kNone:
      return sgdWith<Clip::kNone>(b);
    case Clip::kScale:
      return sgdWith<Clip::kScale>(b);
    case Clip::kValue:
      return sgdWith<Clip::kValue>(b);
  }
}

}  // namespace lstm::cpu::LSTM_ARCH
