#pragma once

#include "cuda/library/context.h"

struct RuntimeGraph {
  cudaGraphExec_t executable = nullptr;
};

namespace lstm::gpu {

void beginCapture(RuntimeContext& context);
RuntimeGraph* endCapture(RuntimeContext& context);  // ends it also when it throws
void launchGraph(RuntimeContext& context, const RuntimeGraph& graph);
void destroyGraph(RuntimeGraph* graph) noexcept;

}  // namespace lstm::gpu
