#pragma once

#include <optional>

#include "cuda/context.h"
#include "cuda/halves.h"
#include "cuda/shape_tables.h"
#include "cuda/step_graphs.h"
#include "cuda/step_scalars.h"

namespace lstm::cuda {

// What every op of one device shares.
struct Core {
  Core(const CudaRuntime& runtime, int index, size_t memoryLimitBytes, bool recordsSteps)
      : context(runtime, index, memoryLimitBytes),
        drawSteps(context),
        shapes(context),
        halves(context),
        steps(context, recordsSteps) {}

  // The tables of a batch's shape, for an op of a step.
  const ShapeTables& tablesOf(const BatchShape& shape) {
    steps.usesShapeTables();
    shapes.show(shape);
    return shapes;
  }

  Context context;
  DrawSteps drawSteps;
  ShapeTables shapes;
  Halves halves;
  StepGraphs steps;
  RuntimePrecision precision = kPrecisionFp32;
  std::optional<RuntimeRnnAlgorithm> rnnAlgorithm;  // none: the fastest
};

}  // namespace lstm::cuda
