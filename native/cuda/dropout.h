#pragma once

#include "cuda/core.h"
#include "engine/device.h"

namespace lstm::cuda {

void dropout(Core& core, const DropoutArgs& args);

}  // namespace lstm::cuda
