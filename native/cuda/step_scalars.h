#pragma once

#include "cuda/context.h"
#include "engine/device.h"

namespace lstm::cuda {

inline RuntimeScalars* runtimeScalars(StepScalars* scalars) {
  return reinterpret_cast<RuntimeScalars*>(scalars);
}

// Where a dropout call reads its Philox step: the session's scalars, or, for a call outside of a session, memory of
// its own, which is then written first.
class DrawSteps {
 public:
  explicit DrawSteps(Context& context) : memory_(context) {}

  const RuntimeScalars* of(const DropoutArgs& args);

 private:
  Buffer<RuntimeScalars> memory_;
};

}  // namespace lstm::cuda
