#pragma once

#include "cpu/context.h"
#include "engine/device.h"

namespace lstm::cpu {

// As Device::metrics.
void metrics(Context& context, const MetricArgs& args);

}  // namespace lstm::cpu
