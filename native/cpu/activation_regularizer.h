#pragma once

#include "cpu/context.h"
#include "engine/device.h"

namespace lstm::cpu {

void activationRegularizer(Context& context, const ActivationRegularizerArgs& args);

}  // namespace lstm::cpu
