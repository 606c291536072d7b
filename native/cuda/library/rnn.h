#pragma once

#include "cuda/library/context.h"
#include "cuda/library/rnn_descriptors.h"

// An LSTM of one call to cuDNN, on packed sequences.
struct RuntimeRnn {
  RuntimeRnn(RuntimeContext& context, const RuntimeRnnConfig& config);

  void setShape(RuntimeContext& context, const RuntimeRnnShape& shape);
  void forward(RuntimeContext& context, bool isTraining, const RuntimeRnnBuffers& buffers);
  // Once per training forward: it rewrites the reserve.
  void backwardData(RuntimeContext& context, const RuntimeRnnBuffers& buffers);
  void backwardWeights(RuntimeContext& context, const RuntimeRnnBuffers& buffers);

  lstm::gpu::DropoutDescriptor dropout;  // outlives the descriptors
  lstm::gpu::RnnDescriptors descriptors;
  size_t weightBytes = 0;
  size_t workBytes = 0;     // of the greediest pass
  size_t reserveBytes = 0;  // of training

 private:
  void checkBuffers(const char* call, bool isTraining, const RuntimeRnnBuffers& buffers) const;
  bool isSized_ = false;    // workBytes and reserveBytes are the shape's
  int builtBatchSize_ = 0;  // persistDynamic is compiled for one batch size
};
