#pragma once

#include <vector>

#include "cpu/context.h"
#include "engine/device.h"

namespace lstm::cpu {

// Inference a time step at a time, for a few sequences or for narrow weights: one walk over a block's weights gives its
// four gates and is followed by its cell. With float32 weights the bits are those of CpuLstm's own way, which is the
// faster one for more sequences. Packs what a weight form needs on its first use.
class StepwiseLstm {
 public:
  StepwiseLstm(Context& context, const LstmConfig& config) : context_(context), config_(config) {}

  bool takes(const LstmForward& args) const {
    return !args.training &&
           (args.weightForm != WeightForm::kFloat32 || args.shape.batchSize <= kFewSequences);
  }
  size_t workspaceFloats(const BatchShape& shape) const;
  void forward(const LstmForward& args);
  size_t heldBytes() const {
    size_t bytes = quantized_.sizeBytes();
    for (const Packed& packed : packed_) bytes += packed.memory.sizeBytes();
    return bytes;
  }

 private:
  // Measured: above it CpuLstm's tiles, which read weights once for many rows, are faster.
  static constexpr int kFewSequences = 3;

  struct Matrix {
    char* panels;
    float* scales;  // int8
    int k;
  };
  // One layer and direction.
  struct Weights {
    Matrix input;
    Matrix recurrent;
    PackedB projection;  // float32 in every form
    float* bias;         // [panel][gate][W], or null
  };
  struct Packed {
    std::vector<Weights> weights;
    AlignedBuffer memory;
    WeightsKey key;
  };
  struct Scratch;
  struct Place;

  int panels() const;
  int64_t gateStride() const;
  int threadsFor(const BatchShape& shape) const;
  void layOut(WeightForm form, Packed& packed);
  void pack(const Team& team, WeightForm form, const Packed& packed, const float* weights) const;
  void packMatrix(const Team& team, WeightForm form, const Matrix& to, const float* from) const;
  void packBias(const Team& team, float* to, const float* first, const float* second) const;

  Scratch scratchOf(const LstmForward& args, int threads);
  void forwardOn(const Team& team, const LstmForward& args, const Packed& packed,
                 const Scratch& scratch) const;
  void forwardDirection(const Team& team, const LstmForward& args, const Weights& weights,
                        const Scratch& scratch, const Place& place) const;
  void project(const Team& team, const PackedB& projection, int rows, const float* m, float* y,
               int64_t yStride, float* h) const;

  Context& context_;
  LstmConfig config_;
  Packed packed_[3];  // by WeightForm
  AlignedBuffer quantized_;
  bool descending_ = false;
};

}  // namespace lstm::cpu
