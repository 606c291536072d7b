#include "cuda/step_scalars.h"

#include <cstddef>

namespace lstm::cuda {

static_assert(sizeof(StepScalars) == sizeof(RuntimeScalars) &&
              offsetof(StepScalars, learningRate) == offsetof(RuntimeScalars, learningRate) &&
              offsetof(StepScalars, step) == offsetof(RuntimeScalars, step) &&
              offsetof(StepScalars, lossScale) == offsetof(RuntimeScalars, lossScale) &&
              offsetof(StepScalars, goodSteps) == offsetof(RuntimeScalars, goodSteps) &&
              offsetof(StepScalars, averaged) == offsetof(RuntimeScalars, averaged));

const RuntimeScalars* DrawSteps::of(const DropoutArgs& args) {
  if (args.scalars) return reinterpret_cast<const RuntimeScalars*>(args.scalars);
  RuntimeScalars own{};
  own.drawStep = args.key.step;
  return memory_.assign(&own, 1);
}

}  // namespace lstm::cuda
