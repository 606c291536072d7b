#include "cuda/rnn_scratch.h"

namespace lstm::cuda {

RnnScratch::RnnScratch(Context& context, const LstmConfig& config, RuntimePrecision precision,
                       const BatchShape& shape, const Rnn& rnn, size_t weightBytes, bool training)
    : memory_(context) {
  const size_t x = shape.rows * config.inputSize * elementBytes(precision);
  const size_t y = shape.rows * config.directions() * config.outputSize() * elementBytes(precision);
  buffers_.weightBytes = weightBytes;
  buffers_.workBytes = rnn.workBytes();
  buffers_.reserveBytes = training ? rnn.reserveBytes() : 0;
  for (int pass = 0; pass < 2; ++pass) {  // the first one only counts
    size_t used = 0;
    const auto take = [&](size_t bytes) {
      char* piece = memory_.data() ? memory_.data() + used : nullptr;
      used += (bytes + 255) / 256 * 256;
      return static_cast<void*>(piece);
    };
    buffers_.dX = take(x);
    buffers_.dYOut = take(y);
    buffers_.dY = buffers_.dYOut;
    buffers_.dWeights = take(weightBytes);
    buffers_.dWork = take(buffers_.workBytes);
    if (training) {
      buffers_.dGradY = take(y);
      buffers_.dGradX = take(x);
      buffers_.dGradWeights = take(weightBytes);
      buffers_.dReserve = take(buffers_.reserveBytes);
    }
    memory_.reserve(used);
  }
}

}  // namespace lstm::cuda
