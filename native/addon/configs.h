#pragma once

#include <napi.h>

#include "addon/handles.h"
#include "engine/network.h"

// The objects of src/native/binding.ts as engine values. All throw InvalidArgument naming the path.
namespace lstm::addon {

NetworkConfig readNetwork(const Napi::Value& value);
void readBatch(const Napi::Value& value, BatchInput& out);
void readTargets(const Napi::Value& value, std::vector<TargetInput>& out);
UpdateConfig readUpdate(const Napi::Value& value);
ArenaKind readArenaKind(const Napi::Value& value);

}  // namespace lstm::addon
