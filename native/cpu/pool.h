#pragma once

#include "cpu/context.h"
#include "engine/device.h"

namespace lstm::cpu {

// As Device::poolForward and poolBackward. Of equal maxima the earliest step's is taken.
void poolForward(Context& context, const PoolArgs& args, const float* x, float* y, int32_t* argmax);
void poolBackward(Context& context, const PoolArgs& args, const float* dy, const int32_t* argmax, float* dx);

}  // namespace lstm::cpu
