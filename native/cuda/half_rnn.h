#pragma once

#include "cuda/halves.h"
#include "cuda/rnn.h"
#include "engine/batch_shape.h"
#include "engine/lstm_layout.h"

namespace lstm::cuda {

// One call of the library's RNN in half precision behind tensors of float32: x, y, hx and cx are kept in half from a
// training forward to its backward, the gradients pass through scratch, and the weights' gradient, which the library
// writes in half, is added to float32. Pieces start at multiples of 256 bytes.
class HalfRnn {
 public:
  // `part`: the layers of this call.
  HalfRnn(Halves& halves, const LstmConfig& part) : halves_(halves), config_(part) {}

  // Training: from forward to backward. In inference that memory is part of the scratch.
  size_t keptBytes(const BatchShape& shape, bool training) const;
  size_t scratchBytes(const BatchShape& shape, bool training) const;

  // As Rnn's, the buffers' tensors being float32; dGradX may be null. `kept` is null in inference.
  bool forward(Rnn& rnn, const BatchShape& shape, bool training, RuntimeRnnBuffers buffers, void* kept,
               void* scratch);
  bool backward(Rnn& rnn, const BatchShape& shape, RuntimeRnnBuffers buffers, void* kept, void* scratch);

 private:
  struct Counts {
    int64_t x, y, h, c, weights;
  };
  struct Kept {
    void *x, *y, *hx, *cx;
  };
  Counts countsOf(const BatchShape& shape) const;
  static Kept keptAt(const Counts& counts, class HalfPieces& pieces);

  Halves& halves_;
  LstmConfig config_;
};

}  // namespace lstm::cuda
