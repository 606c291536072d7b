#pragma once

#include <optional>

#include "cuda/context.h"
#include "cuda/shape_tables.h"
#include "cuda/step_scalars.h"

namespace lstm::cuda {

// What every op of one device shares.
struct Core {
  Core(const CudaRuntime& runtime, int index, size_t memoryLimitBytes)
      : context(runtime, index, memoryLimitBytes), scalars(context), shapes(context) {}

  Context context;
  StepScalars scalars;
  ShapeTables shapes;
  RuntimePrecision precision = kPrecisionFp32;
  std::optional<RuntimeRnnAlgorithm> rnnAlgorithm;  // none: the fastest
};

}  // namespace lstm::cuda
