#pragma once

#include "cpu/context.h"
#include "engine/device.h"

namespace lstm::cpu {

void dropout(Context& context, const DropoutArgs& args);

}  // namespace lstm::cpu
