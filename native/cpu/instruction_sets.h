#pragma once

#include <memory>
#include <string>

#include "cpu/kernels.h"
#include "cpu/profile.h"
#include "engine/device.h"

namespace lstm::cpu {

// The kernels of a name from cpuInstructionSets(), "" for the best. Throws InvalidArgument for others.
const Kernels& kernelsFor(const std::string& instructionSet);

// A device on given kernels: how tests reach tables that no processor asks for. The profile, where there is one,
// outlives it.
std::unique_ptr<Device> makeDeviceOn(const Kernels& kernels, int threads, Profile* profile = nullptr);

}  // namespace lstm::cpu
