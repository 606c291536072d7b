#pragma once

#include "cuda/library/failure.h"

// Which devices there are. None of these makes a CUDA context or holds device memory.
namespace lstm::gpu {

int deviceCount();  // throws kRuntimeUnavailable when there is no driver, or none that serves
RuntimeDeviceInfo deviceInfo(int index);
void requireDevice(int index);  // throws kRuntimeUnavailable unless the device is there and new enough
int places(RuntimePlace* places, int capacity);

}  // namespace lstm::gpu
