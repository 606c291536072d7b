#pragma once

#include <memory>
#include <string>

#include "cuda/memory_statistics.h"
#include "cuda/runtime.h"
#include "engine/device.h"

namespace lstm::cuda {

struct CudaDeviceOptions {
  int index = 0;
  RuntimePrecision precision = kPrecisionFp32;  // fp32 or tf32; the others are refused
  size_t memoryLimitBytes = 0;                  // 0 = none
  // "standard", "persistStatic", "persistDynamic", "smallH", or "auto": the fastest of those that can, measured once
  // per LSTM and batch shape. Different algorithms round differently, so only a fixed one repeats its bits from
  // process to process.
  std::string rnnAlgorithm = "auto";
};

class CudaDevice : public Device {
 public:
  virtual const RuntimeDeviceInfo& info() const = 0;
  virtual MemoryStatistics memory() const = 0;
  // A call failed so that nothing more can run: every call but release throws CudaFailure.
  virtual bool lost() const = 0;
};

// Makes the device and its context; both, and everything made from them, belong to the thread of this call.
// Throws DeviceUnavailable for an index that does not exist, InvalidArgument for an option that is unknown or that
// the card lacks, and OutOfMemory or CudaFailure.
std::unique_ptr<CudaDevice> makeCudaDevice(const CudaRuntime& runtime, const CudaDeviceOptions& options);

}  // namespace lstm::cuda
