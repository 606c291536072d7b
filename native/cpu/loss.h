#pragma once

#include "cpu/context.h"
#include "engine/device.h"

namespace lstm::cpu {

// As Device::loss.
void loss(Context& context, const LossArgs& args);

}  // namespace lstm::cpu
