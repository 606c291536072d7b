#pragma once

#include <memory>
#include <string>

#include "cuda/memory_statistics.h"
#include "cuda/runtime.h"
#include "cuda/step_statistics.h"
#include "engine/device.h"

namespace lstm::cuda {

struct CudaDeviceOptions {
  int index = 0;
  // fp16 and bf16: what products read is rounded to half, all else is float32 (halves.h).
  RuntimePrecision precision = kPrecisionFp32;
  size_t memoryLimitBytes = 0;  // 0 = none
  // "standard", "persistStatic", "persistDynamic", "smallH", or "auto": the fastest of those that can, measured once
  // per LSTM and batch shape. Different algorithms round differently, so only a fixed one repeats its bits from
  // process to process.
  std::string rnnAlgorithm = "auto";
  // Between LSTM layers: "philox", our masks, which every device draws alike, the layers called one by one; or "cudnn",
  // masks of the library's own generator, the stack as one call.
  std::string dropoutImplementation = "philox";
  bool graph = true;  // training steps are recorded and replayed, see StepGraphs
};

class CudaDevice : public Device {
 public:
  virtual const RuntimeDeviceInfo& info() const = 0;
  virtual MemoryStatistics memory() const = 0;
  virtual StepStatistics steps() const = 0;
  // A call failed so that nothing more can run: every call but release throws CudaFailure.
  virtual bool lost() const = 0;
};

// Makes the device and its context; both, and everything made from them, belong to the thread of this call.
// Throws DeviceUnavailable for an index that does not exist, InvalidArgument for an option that is unknown or that
// the card lacks, and OutOfMemory or CudaFailure.
std::unique_ptr<CudaDevice> makeCudaDevice(const CudaRuntime& runtime, const CudaDeviceOptions& options);

}  // namespace lstm::cuda
