#include "cuda/half_rnn.h"

namespace lstm::cuda {

// Hands out halves one after the other, or, without a base, counts their bytes.
class HalfPieces {
 public:
  explicit HalfPieces(void* base) : base_(static_cast<char*>(base)) {}
  void* take(int64_t count) {
    void* piece = base_ ? base_ + used_ : nullptr;
    used_ += (static_cast<size_t>(count) * sizeof(uint16_t) + 255) / 256 * 256;
    return piece;
  }
  size_t used() const { return used_; }

 private:
  char* base_;
  size_t used_ = 0;
};

namespace {

const float* floats(const void* tensor) {
  return static_cast<const float*>(tensor);
}
float* floats(void* tensor) {
  return static_cast<float*>(tensor);
}

}  // namespace

HalfRnn::Counts HalfRnn::countsOf(const BatchShape& shape) const {
  const int64_t stacks = int64_t{config_.numLayers} * config_.directions() * shape.batchSize;
  return {shape.rows * config_.inputSize, shape.rows * config_.directions() * config_.outputSize(),
          stacks * config_.outputSize(), stacks * config_.hiddenSize, lstmLayout(config_).size};
}

HalfRnn::Kept HalfRnn::keptAt(const Counts& counts, HalfPieces& pieces) {
  Kept at{};
  at.x = pieces.take(counts.x);
  at.y = pieces.take(counts.y);
  at.hx = pieces.take(counts.h);
  at.cx = pieces.take(counts.c);
  return at;
}

size_t HalfRnn::keptBytes(const BatchShape& shape, bool training) const {
  if (!training) return 0;
  HalfPieces pieces(nullptr);
  keptAt(countsOf(shape), pieces);
  return pieces.used();
}

size_t HalfRnn::scratchBytes(const BatchShape& shape, bool training) const {
  const Counts counts = countsOf(shape);
  HalfPieces pieces(nullptr);
  if (!training) keptAt(counts, pieces);
  // Forward: hy, cy. Backward: dhy, dcy, dhx, dcx, dx, dy and the weights' gradient.
  for (int state = 0; state < (training ? 2 : 1); ++state) {
    pieces.take(counts.h);
    pieces.take(counts.c);
  }
  if (training)
    for (const int64_t count : {counts.x, counts.y, counts.weights}) pieces.take(count);
  return pieces.used();
}

bool HalfRnn::forward(Rnn& rnn, const BatchShape& shape, bool training, RuntimeRnnBuffers buffers, void* kept,
                      void* scratch) {
  const Counts counts = countsOf(shape);
  HalfPieces left(scratch);
  HalfPieces forBackward(kept);
  const Kept at = keptAt(counts, training ? forBackward : left);
  void* hy = left.take(counts.h);
  void* cy = left.take(counts.c);
  RuntimeRnnBuffers half = buffers;
  half.dWeights = halves_.weights(floats(buffers.dWeights));
  half.dX = halves_.round(at.x, floats(buffers.dX), counts.x);
  half.dHx = halves_.round(at.hx, floats(buffers.dHx), counts.h);
  half.dCx = halves_.round(at.cx, floats(buffers.dCx), counts.c);
  half.dYOut = at.y;
  half.dHy = buffers.dHy ? hy : nullptr;
  half.dCy = buffers.dCy ? cy : nullptr;
  if (!rnn.forward(training, half)) return false;
  halves_.widen(floats(buffers.dYOut), at.y, counts.y);
  halves_.widen(floats(buffers.dHy), hy, counts.h);
  halves_.widen(floats(buffers.dCy), cy, counts.c);
  return true;
}

bool HalfRnn::backward(Rnn& rnn, const BatchShape& shape, RuntimeRnnBuffers buffers, void* kept,
                       void* scratch) {
  const Counts counts = countsOf(shape);
  HalfPieces pieces(kept);
  const Kept at = keptAt(counts, pieces);
  HalfPieces left(scratch);
  RuntimeRnnBuffers half = buffers;
  half.dWeights = halves_.weights(floats(buffers.dWeights));
  half.dX = at.x;
  half.dY = at.y;
  half.dHx = buffers.dHx ? at.hx : nullptr;
  half.dCx = buffers.dCx ? at.cx : nullptr;
  half.dGradHy = halves_.round(left.take(counts.h), floats(buffers.dGradHy), counts.h);
  half.dGradCy = halves_.round(left.take(counts.c), floats(buffers.dGradCy), counts.c);
  void* dhx = left.take(counts.h);
  void* dcx = left.take(counts.c);
  half.dGradX = left.take(counts.x);
  half.dGradY = halves_.round(left.take(counts.y), floats(buffers.dGradY), counts.y);
  half.dGradWeights = left.take(counts.weights);
  half.dGradHx = buffers.dGradHx ? dhx : nullptr;
  half.dGradCx = buffers.dGradCx ? dcx : nullptr;
  halves_.zero(half.dGradWeights, counts.weights);
  if (!rnn.backward(half)) return false;
  halves_.widen(floats(buffers.dGradX), half.dGradX, counts.x);
  halves_.widen(floats(buffers.dGradHx), dhx, counts.h);
  halves_.widen(floats(buffers.dGradCx), dcx, counts.c);
  halves_.widenAndAdd(floats(buffers.dGradWeights), half.dGradWeights, counts.weights);
  return true;
}

}  // namespace lstm::cuda
