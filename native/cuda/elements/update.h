#pragma once

#include <math.h>
#include <stdint.h>

#include "engine/philox.h"

// One parameter of an update, by engine/device.h's equations. Its arithmetic is that of native/cpu/kernels/update.cpp.
namespace lstm::elements {

constexpr int kClipNone = 0;
constexpr int kClipGlobalNorm = 1;
constexpr int kClipTensorNorm = 2;
constexpr int kClipValue = 3;

constexpr int kAdam = 0;
constexpr int kSgd = 1;

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

// The clip of a tensor: a factor (both norms, and 1 without a clip) or a limit. tensorSquaredNorm is read for
// kClipTensorNorm alone.
struct Clip {
  bool byValue;
  float value;
};

LSTM_HOST_DEVICE inline Clip clipOf(int kind, float limit, double squaredNorm, double tensorSquaredNorm) {
  if (kind == kClipValue) return {true, limit};
  double factor = 1;
  if (kind == kClipGlobalNorm) {
    factor = limit / (sqrt(squaredNorm) + 1e-6);
    factor = factor < 1 ? factor : 1;
  } else if (kind == kClipTensorNorm) {
    const double norm = sqrt(tensorSquaredNorm);
    factor = limit / (norm > limit ? norm : static_cast<double>(limit));
  }
  return {false, static_cast<float>(factor)};
}

LSTM_HOST_DEVICE inline float clipped(const Clip& clip, float g) {
  if (!clip.byValue) return g * clip.value;
  g = g < -clip.value ? -clip.value : g;
  return g > clip.value ? clip.value : g;
}

// The squared norm fits a float: Adam's v is one, and an infinite v would stop its parameter for good.
LSTM_HOST_DEVICE inline bool normIsFinite(double squaredNorm) {
  return fabsf(static_cast<float>(squaredNorm)) < INFINITY;
}

// Whether the update happens: the norm is finite, and so is the loss, where it is looked at.
LSTM_HOST_DEVICE inline bool updateApplies(double squaredNorm, double loss) {
  return normIsFinite(squaredNorm) && fabs(loss) < static_cast<double>(INFINITY);
}

// Adam's bias corrections of step `step`, from 1.
struct BiasCorrection {
  float stepSize;          // learningRate / (1 - beta1^step)
  float inverseRootBias2;  // 1 / sqrt(1 - beta2^step)
};

LSTM_HOST_DEVICE inline BiasCorrection biasCorrection(float learningRate, float beta1, float beta2,
                                                      int64_t step) {
  const double t = static_cast<double>(step);
  return {static_cast<float>(learningRate / (1 - pow(static_cast<double>(beta1), t))),
          static_cast<float>(1 / sqrt(1 - pow(static_cast<double>(beta2), t)))};
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

struct UpdateElement {
  float inverseLossScale;
  float l1, l2;
  Clip clip;
  float learningRate;           // sgd
  float momentum;               // sgd
  bool nesterov;                // sgd
  float beta1, beta2, epsilon;  // adam
  BiasCorrection bias;          // adam
};

// adam (Kingma and Ba 2015, Algorithm 1, epsilon outside the root). The caller clears g.
LSTM_HOST_DEVICE inline void adamElement(const UpdateElement& u, float g, float* p, float* m, float* v) {
  const float d = clipped(u.clip, penalised(g * u.inverseLossScale, *p, u.l1, u.l2));
  const float first = u.beta1 * *m + (1 - u.beta1) * d;
  const float second = u.beta2 * *v + (1 - u.beta2) * (d * d);
  *m = first;
  *v = second;
  *p -= u.bias.stepSize * first / (sqrtf(second) * u.bias.inverseRootBias2 + u.epsilon);
}

// sgd in PyTorch's form, dampening 0. m null: no momentum.
LSTM_HOST_DEVICE inline void sgdElement(const UpdateElement& u, float g, float* p, float* m) {
  const float d = clipped(u.clip, penalised(g * u.inverseLossScale, *p, u.l1, u.l2));
  if (!m) {
    *p -= u.learningRate * d;
    return;
  }
  const float moment = u.momentum * *m + d;
  *m = moment;
  *p -= u.learningRate * (u.nesterov ? d + u.momentum * moment : moment);
}

}  // namespace lstm::elements
