#pragma once

#include <cmath>
#include <cstdint>

#include "engine/philox.h"

// The numbers of an update, worked out once for a step and once for a tensor, so that what is done to an element is
// the same few operations for both libraries' conventions and on every device. Equations: engine/device.h, UpdateArgs.
namespace lstm {

enum { kAdamRule, kSgdRule, kRmspropRule, kAdagradRule };
enum { kNoClip, kGlobalNormClip, kTensorNormClip, kValueClip, kAdaptiveClip };
enum { kNoAverage, kMeanAverage, kEmaAverage };
enum { kNoConstraint, kNonNegativeConstraint, kMaxNormConstraint };

// UpdateConfig in plain numbers.
struct UpdateRule {
  int kind;
  int clip;
  int average;
  int keras;     // 0: PyTorch's conventions
  int nesterov;  // sgd
  int coupled;   // weight decay is added to the gradient
  float clipLimit;
  float clipEpsilon;
  float beta1;  // adam
  float beta2;  // adam; rmsprop's rho
  float epsilon;
  float momentum;
  float initial;  // adagrad's accumulator
  float noiseEta, noiseGamma;
  float averageDecay;
};

// Of a step.
struct StepFactors {
  float gradScale;  // of what stands in the gradient arena
  float learningRate;
  float stepSize;       // adam: learningRate / (1 - beta1^t)
  float rootScale;      // adam: 1 / sqrt(1 - beta2^t)
  float noise;          // standard deviation
  float averageWeight;  // average += averageWeight (p - average); 0: no average
  uint32_t noiseStep;
  uint32_t unused;
};

// step: updates applied before this one; averaged: of them, those that went into the average.
LSTM_HOST_DEVICE inline StepFactors stepFactors(const UpdateRule& rule, float learningRate, float gradScale,
                                                int64_t step, int64_t averaged) {
  StepFactors f = {gradScale, learningRate, learningRate, 1, 0, 0, static_cast<uint32_t>(step), 0};
  if (rule.kind == kAdamRule) {
    const double t = static_cast<double>(step + 1);
    f.stepSize = static_cast<float>(learningRate / (1 - pow(static_cast<double>(rule.beta1), t)));
    f.rootScale = static_cast<float>(1 / sqrt(1 - pow(static_cast<double>(rule.beta2), t)));
  }
  if (rule.noiseEta > 0)
    f.noise = static_cast<float>(
        sqrt(rule.noiseEta / pow(1 + static_cast<double>(step), static_cast<double>(rule.noiseGamma))));
  if (rule.average == kMeanAverage)
    f.averageWeight = static_cast<float>(1 / static_cast<double>(averaged + 1));
  if (rule.average == kEmaAverage) f.averageWeight = averaged == 0 ? 1 : 1 - rule.averageDecay;
  return f;
}

// The factor that a clip by norm puts on gradients: PyTorch's min(1, limit / (norm + epsilon)); with epsilon 0 it is
// TensorFlow's limit / max(norm, limit).
LSTM_HOST_DEVICE inline float normClip(float limit, float epsilon, double squaredNorm) {
  const double norm = sqrt(squaredNorm) + epsilon;
  return norm > limit ? static_cast<float>(limit / norm) : 1.0f;
}

// Of a unit's weights (adaptive clipping): Brock et al. 2021, equation 3.
LSTM_HOST_DEVICE inline float adaptiveClip(float limit, float epsilon, double squaredNorm,
                                           double squaredWeights) {
  const double weights = sqrt(squaredWeights);
  const double most = limit * (weights > epsilon ? weights : static_cast<double>(epsilon));
  const double norm = sqrt(squaredNorm);
  return norm > most ? static_cast<float>(most / norm) : 1.0f;
}

// Of a vector of weights: Keras' MaxNorm, w * min(norm, limit) / (1e-7 + norm).
LSTM_HOST_DEVICE inline float maxNormScale(float limit, double squaredNorm) {
  const double norm = sqrt(squaredNorm);
  return static_cast<float>((norm < limit ? norm : static_cast<double>(limit)) / (1e-7 + norm));
}

// Of a tensor in a step.
struct ElementFactors {
  float gradScale;  // with the clip's factor behind the penalties in clipScale
  float l1, l2;
  float clipScale;
  float clipValue;  // infinite: none
  float noise;
  float coupled;  // weight decay in the gradient
  float keep;     // p *= keep: decoupled weight decay
  float beta1, beta2;
  float stepSize;   // adam
  float rootScale;  // adam
  float inner;      // rate inside the momentum buffer, or 1
  float outer;      // rate outside of it, or 1
  float inRoot;     // epsilon under the square root
  float outRoot;    // epsilon behind it
  float momentum;
  float ahead, moment;  // sgd: p -= outer (ahead inner g + moment m)
  float averageWeight;
  int nonNegative;
};

struct TensorTerms {
  float l1, l2;
  float rateScale;
  float weightDecay;
  int constraint;
};

LSTM_HOST_DEVICE inline ElementFactors elementFactors(const UpdateRule& rule, const StepFactors& step,
                                                      const TensorTerms& tensor, double squaredNorm,
                                                      double tensorSquaredNorm) {
  ElementFactors f = {};
  const bool adaptive = rule.clip == kAdaptiveClip;  // penalties and scale are in the gradients already
  f.gradScale = adaptive ? 1 : step.gradScale;
  f.l1 = adaptive ? 0 : tensor.l1;
  f.l2 = adaptive ? 0 : tensor.l2;
  f.clipScale = 1;
  if (rule.clip == kGlobalNormClip) f.clipScale = normClip(rule.clipLimit, rule.clipEpsilon, squaredNorm);
  if (rule.clip == kTensorNormClip)
    f.clipScale = normClip(rule.clipLimit, rule.clipEpsilon, tensorSquaredNorm);
  f.clipValue = rule.clip == kValueClip ? rule.clipLimit : INFINITY;
  f.noise = step.noise;
  const float rate = step.learningRate * tensor.rateScale;
  f.coupled = rule.coupled ? tensor.weightDecay : 0;
  f.keep = rule.coupled ? 1 : 1 - rate * tensor.weightDecay;
  f.beta1 = rule.beta1;
  f.beta2 = rule.beta2;
  f.momentum = rule.momentum;
  f.averageWeight = step.averageWeight;
  f.nonNegative = tensor.constraint == kNonNegativeConstraint;
  if (rule.kind == kAdamRule) {
    f.stepSize = step.stepSize * tensor.rateScale;
    f.rootScale = step.rootScale;
    // Keras puts epsilon beside the uncorrected root: Kingma and Ba's epsilon-hat.
    f.outRoot = rule.keras ? rule.epsilon * step.rootScale : rule.epsilon;
    return f;
  }
  const bool inside = rule.keras && rule.kind != kAdagradRule;
  f.inner = inside ? rate : 1;
  f.outer = inside ? 1 : rate;
  f.inRoot = (rule.keras ? rule.epsilon : 0) + rule.initial;
  f.outRoot = rule.keras ? 0 : rule.epsilon;
  f.ahead = rule.nesterov ? 1.0f : 0.0f;
  f.moment = rule.nesterov ? rule.momentum : 1.0f;
  return f;
}

// Draws of gradient noise: of a step, by the element's place in the arena.
constexpr uint32_t kNoiseStream = 0xffffffffu;

// Standard normal (Box and Muller 1958): the pair of an element is words 0 and 1, or 2 and 3, of its block.
struct NormalPair {
  float even, odd;
};

LSTM_HOST_DEVICE inline NormalPair normalPair(uint32_t first, uint32_t second) {
  const float u = (static_cast<float>(first >> 8) + 0.5f) * 0x1p-24f;
  const float v = static_cast<float>(second >> 8) * 0x1p-24f;
  const float radius = sqrtf(-2 * logf(u));
  const float angle = 6.2831853071795864f * v;
  return {radius * cosf(angle), radius * sinf(angle)};
}

LSTM_HOST_DEVICE inline float noiseOf(const RandomKey& key, uint64_t element) {
  const Philox4 block = philoxBlock(key, element / 4);
  const int pair = static_cast<int>(element % 4) & ~1;
  const NormalPair normal = normalPair(block.v[pair], block.v[pair + 1]);
  return element & 1 ? normal.odd : normal.even;
}

}  // namespace lstm
