#pragma once

#include <math.h>
#include <stdint.h>

#include "engine/update_rule.h"

// One parameter of an update, by engine/device.h's equations. Its arithmetic is that of native/cpu/kernels/update.cpp.
namespace lstm::elements {

// g + l1 sign(p) + 2 l2 p
LSTM_HOST_DEVICE inline float penalised(float g, float p, float l1, float l2) {
  const float sign = static_cast<float>((p > 0) - (p < 0));
  return g + l1 * sign + 2 * l2 * p;
}

// What an element adds to the squared norm and to the penalty.
LSTM_HOST_DEVICE inline double squaredGradient(float g, float p, float l1, float l2) {
  const double d = penalised(g, p, l1, l2);
  return d * d;
}

LSTM_HOST_DEVICE inline double penaltyOf(float p, float l1, float l2) {
  const double value = p;
  return l1 * fabs(value) + l2 * (value * value);
}

// The squared norm fits a float: Adam's v is one, and an infinite v would stop its parameter for good.
LSTM_HOST_DEVICE inline bool normIsFinite(double squaredNorm) {
  return fabsf(static_cast<float>(squaredNorm)) < INFINITY;
}

// Whether the update happens: the norm is finite, and so is every loss, where they are looked at.
template <typename LossSums>
LSTM_HOST_DEVICE inline bool updateApplies(double squaredNorm, const LossSums* losses, int lossCount) {
  bool applies = normIsFinite(squaredNorm);
  for (int i = 0; losses && i < lossCount; ++i)
    applies = fabs(losses[i].loss) < static_cast<double>(INFINITY) && applies;
  return applies;
}

struct LossScale {
  float scale;
  int32_t goodSteps;
};

// The rule of PyTorch's GradScaler: half of it after a norm that is not finite, twice of it after 2000 good ones.
LSTM_HOST_DEVICE inline LossScale nextLossScale(const LossScale& now, bool finiteNorm) {
  if (!finiteNorm) return {now.scale * 0.5f, 0};
  if (now.goodSteps + 1 < 2000) return {now.scale, now.goodSteps + 1};
  return {now.scale * 2 < INFINITY ? now.scale * 2 : now.scale, 0};
}

// The gradient that the optimiser sees. normal: of the standard distribution, read where there is noise.
LSTM_HOST_DEVICE inline float finalGradient(const ElementFactors& f, float g, float p, float normal) {
  float d = penalised(g * f.gradScale, p, f.l1, f.l2) * f.clipScale;
  d = d < -f.clipValue ? -f.clipValue : d;
  d = d > f.clipValue ? f.clipValue : d;
  return d + f.noise * normal + f.coupled * p;
}

// An element's state; what an optimiser does not keep is not touched. hasM, hasAux: whether it keeps them.
struct ElementState {
  float p, m, v, aux;
};

LSTM_HOST_DEVICE inline void adamElement(const ElementFactors& f, float d, bool hasAux, ElementState& s) {
  s.m = f.beta1 * s.m + (1 - f.beta1) * d;
  s.v = f.beta2 * s.v + (1 - f.beta2) * (d * d);
  float second = s.v;
  if (hasAux) second = s.aux = s.aux > s.v ? s.aux : s.v;
  s.p = s.p * f.keep - f.stepSize * s.m / (sqrtf(second) * f.rootScale + f.outRoot);
}

LSTM_HOST_DEVICE inline void sgdElement(const ElementFactors& f, float d, bool hasM, ElementState& s) {
  if (!hasM) {
    s.p = s.p * f.keep - f.inner * f.outer * d;
    return;
  }
  s.m = f.momentum * s.m + f.inner * d;
  s.p = s.p * f.keep - f.outer * (f.ahead * (f.inner * d) + f.moment * s.m);
}

LSTM_HOST_DEVICE inline void rmspropElement(const ElementFactors& f, float d, bool hasM, bool hasAux,
                                            ElementState& s) {
  s.v = f.beta2 * s.v + (1 - f.beta2) * (d * d);
  float variance = s.v;
  if (hasAux) {
    s.aux = f.beta2 * s.aux + (1 - f.beta2) * d;
    variance = s.v - s.aux * s.aux;
    variance = variance > 0 ? variance : 0;
  }
  float move = f.inner * d / (sqrtf(variance + f.inRoot) + f.outRoot);
  if (hasM) move = s.m = f.momentum * s.m + move;
  s.p = s.p * f.keep - f.outer * move;
}

LSTM_HOST_DEVICE inline void adagradElement(const ElementFactors& f, float d, ElementState& s) {
  s.v = s.v + d * d;
  s.p = s.p * f.keep - f.outer * (d / (sqrtf(s.v + f.inRoot) + f.outRoot));
}

LSTM_HOST_DEVICE inline void optimizeElement(int kind, const ElementFactors& f, float d, bool hasM,
                                             bool hasAux, ElementState& s) {
  switch (kind) {
    case kAdamRule:
      return adamElement(f, d, hasAux, s);
    case kSgdRule:
      return sgdElement(f, d, hasM, s);
    case kRmspropRule:
      return rmspropElement(f, d, hasM, hasAux, s);
    default:
      return adagradElement(f, d, s);
  }
}

// The average takes the parameter before the constraint, as in Keras.
LSTM_HOST_DEVICE inline float averaged(const ElementFactors& f, float average, float p) {
  return average + f.averageWeight * (p - average);
}

LSTM_HOST_DEVICE inline float constrained(const ElementFactors& f, float p) {
  return f.nonNegative && !(p > 0) ? 0 : p;
}

}  // namespace lstm::elements
