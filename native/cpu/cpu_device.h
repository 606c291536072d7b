#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/device.h"

namespace lstm {

struct CpuDeviceOptions {
  int threads = 1;             // the calling thread included
  std::string instructionSet;  // "" = the best of instructionSets()
};

// What this build and this processor both have, best first; the last is always "baseline".
std::vector<std::string> cpuInstructionSets();

// Throws InvalidArgument for an unknown or unavailable instruction set and for threads outside 1..256.
std::unique_ptr<Device> makeCpuDevice(const CpuDeviceOptions& options);

}  // namespace lstm
