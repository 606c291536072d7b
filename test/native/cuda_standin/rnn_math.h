#pragma once

#include "cuda_standin/rnn_layout.h"

// The arithmetic of one pass over tensors that the host can read.
namespace standin {

struct RnnTensors {
  const float* weights;
  const float *x, *hx, *cx;  // hx, cx: null = zeros
  float* y;                  // [rows, D*P] of the last layer
  float *hy, *cy;            // null = not wanted
  float* reserve;
  const float *dy, *dhy, *dcy;
  float *dx, *dhx, *dcx;
  float* dWeights;
  bool drops;         // between the layers
  uint64_t dropSeed;  // of this pass
};

void forwardPass(const Rnn& rnn, const RnnTensors& at);
void backwardDataPass(const Rnn& rnn, const RnnTensors& at);
void backwardWeightsPass(const Rnn& rnn, const RnnTensors& at);

}  // namespace standin
