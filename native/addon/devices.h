#pragma once

#include <napi.h>

#include "addon/handles.h"

// The functions of src/native/binding.ts that are about devices.
namespace lstm::addon {

Napi::Value instructionSets(const Napi::CallbackInfo& info);
Napi::Value createDevice(const Napi::CallbackInfo& info);
Napi::Value deviceInfo(const Napi::CallbackInfo& info);
Napi::Value stepStatistics(const Napi::CallbackInfo& info);
Napi::Value disposeDevice(const Napi::CallbackInfo& info);
Napi::Value cudaDevices(const Napi::CallbackInfo& info);

// {usedBytes, peakBytes, limitBytes?}
Napi::Object deviceMemory(Napi::Env env, const DeviceHandle& device);

}  // namespace lstm::addon
