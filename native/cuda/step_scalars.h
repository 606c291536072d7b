#pragma once

#include "cuda/context.h"
#include "engine/device.h"

namespace lstm::cuda {

// The numbers that change from step to step, in device memory, so that no kernel has them as an argument.
class StepScalars {
 public:
  explicit StepScalars(Context& context) : memory_(context) {}

  const RuntimeScalars* withDrawStep(uint32_t step);
  const RuntimeScalars* withUpdate(const UpdateConfig& config, int64_t step);

 private:
  const RuntimeScalars* sent(const RuntimeScalars& wanted);

  Buffer<RuntimeScalars> memory_;
  RuntimeScalars there_{};  // what the device has; it starts with zeros
};

}  // namespace lstm::cuda
