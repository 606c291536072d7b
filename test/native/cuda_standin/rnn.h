#pragma once

#include "cuda/runtime.h"

// The table's RNN: an LSTM stack in plain loops over packed rows, weights in cuDNN's order. It refuses what cuDNN
// documents that it refuses. From forward to backward everything is kept in the caller's reserve, with checksums
// of the tensors that must not change meanwhile. In half precision every tensor that is half on the card is rounded:
// x, y, states, weights and their gradients, gates and cells; sums are not. Its dropout between layers is any seeded one.
namespace standin {

RuntimeStatus rnnCreate(RuntimeContext*, const RuntimeRnnConfig*, RuntimeRnn**, RuntimeError*);
void rnnDestroy(RuntimeContext*, RuntimeRnn*);
RuntimeStatus rnnWeightBytes(RuntimeContext*, RuntimeRnn*, size_t*, RuntimeError*);
RuntimeStatus rnnDropoutBytes(RuntimeContext*, size_t*, RuntimeError*);
RuntimeStatus rnnSetShape(RuntimeContext*, RuntimeRnn*, const RuntimeRnnShape*, size_t* workBytes,
                          size_t* reserveBytes, RuntimeError*);
RuntimeStatus rnnForward(RuntimeContext*, RuntimeRnn*, int training, const RuntimeRnnBuffers*, RuntimeError*);
RuntimeStatus rnnBackwardData(RuntimeContext*, RuntimeRnn*, const RuntimeRnnBuffers*, RuntimeError*);
RuntimeStatus rnnBackwardWeights(RuntimeContext*, RuntimeRnn*, const RuntimeRnnBuffers*, RuntimeError*);

}  // namespace standin
