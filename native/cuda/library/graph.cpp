#include "cuda/library/graph.h"

#include <memory>

namespace lstm::gpu {

// Thread-local: what other threads do with CUDA at the same time is theirs.
void beginCapture(RuntimeContext& context) {
  context.requireNotCapturing("beginCapture");
  LSTM_CUDA_CALL(cudaStreamBeginCapture, context.stream, cudaStreamCaptureModeThreadLocal);
  context.isCapturing = true;
}

RuntimeGraph* endCapture(RuntimeContext& context) {
  require(context.isCapturing, "endCapture", "no capture is under way");
  context.isCapturing = false;
  cudaGraph_t recorded = nullptr;
  LSTM_CUDA_CALL(cudaStreamEndCapture, context.stream, &recorded);
  auto graph = std::make_unique<RuntimeGraph>();
  const cudaError_t status = cudaGraphInstantiate(&graph->executable, recorded, 0);
  cudaGraphDestroy(recorded);
  check(status, "cudaGraphInstantiate");
  return graph.release();
}

void launchGraph(RuntimeContext& context, const RuntimeGraph& graph) {
  context.requireNotCapturing("launchGraph");
  LSTM_CUDA_CALL(cudaGraphLaunch, graph.executable, context.stream);
}

void destroyGraph(RuntimeGraph* graph) noexcept {
  if (!graph) return;
  if (graph->executable) cudaGraphExecDestroy(graph->executable);
  cudaGetLastError();
  delete graph;
}

}  // namespace lstm::gpu
