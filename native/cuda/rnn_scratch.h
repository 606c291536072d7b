#pragma once

#include "cuda/context.h"
#include "cuda/rnn.h"

namespace lstm::cuda {

// Zeros in the shape of a whole pass, for timing it.
class RnnScratch {
 public:
  RnnScratch(Context& context, const LstmConfig& config, RuntimePrecision precision, const BatchShape& shape,
             const Rnn& rnn, size_t weightBytes, bool training);
  const RuntimeRnnBuffers& buffers() const { return buffers_; }

 private:
  Buffer<char> memory_;
  RuntimeRnnBuffers buffers_{};
};

}  // namespace lstm::cuda
