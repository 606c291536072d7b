#include "cuda/step_scalars.h"

#include <cmath>

namespace lstm::cuda {

const RuntimeScalars* StepScalars::withDrawStep(uint32_t step) {
  RuntimeScalars wanted = there_;
  wanted.drawStep = step;
  return sent(wanted);
}

const RuntimeScalars* StepScalars::withUpdate(const UpdateConfig& config, int64_t step) {
  RuntimeScalars wanted = there_;
  wanted.learningRate = config.learningRate;
  wanted.stepSize = 0;
  wanted.inverseRootBias2 = 0;
  if (config.kind == UpdateKind::kAdam) {
    const double t = static_cast<double>(step);
    wanted.stepSize = config.learningRate / (1 - std::pow(static_cast<double>(config.beta1), t));
    wanted.inverseRootBias2 = 1 / std::sqrt(1 - std::pow(static_cast<double>(config.beta2), t));
  }
  return sent(wanted);
}

const RuntimeScalars* StepScalars::sent(const RuntimeScalars& wanted) {
  const bool same = memory_.data() && wanted.drawStep == there_.drawStep &&
                    wanted.learningRate == there_.learningRate && wanted.stepSize == there_.stepSize &&
                    wanted.inverseRootBias2 == there_.inverseRootBias2;
  if (!same) {
    memory_.assign(&wanted, 1);
    there_ = wanted;
  }
  return memory_.data();
}

}  // namespace lstm::cuda
