#pragma once

#include <memory>
#include <vector>

#include "cpu/context.h"
#include "cpu/lstm_memory.h"
#include "cpu/lstm_stepwise.h"
#include "engine/device.h"

namespace lstm::cpu {

// The stack on the CPU. x·W for all time steps is one product; after it every time step multiplies h by the
// four gate panels of a block of units and does the block's cell maths while it is in cache. A whole pass is
// one parallel region. Where R fits into a core's own cache, a thread owns sequences, and time steps have no
// barrier; else it owns blocks of units, and one barrier a time step hands h (backwards: the gate gradients)
// around. With projection a step has a second barrier: W_hr needs all of o tanh(c_t).
class CpuLstm : public LstmOp {
 public:
  CpuLstm(Context& context, const LstmConfig& config);

  size_t reserveFloats(const BatchShape& shape, bool training) const override;
  size_t workspaceFloats(const BatchShape& shape, bool training) const override;
  void forward(const LstmForward& args) override;
  void backward(const LstmBackward& args) override;
  size_t heldBytes() const override {
    return forwardPanels_.sizeBytes() + backwardPanels_.sizeBytes() + stepwise_.heldBytes();
  }

 private:
  // One layer and direction, packed.
  struct ForwardWeights {
    PackedB input;         // W^T [in, 4H]
    PackedB recurrent[4];  // R_gate^T [P, H]; with gatesTogether() R^T [P, 4H] is the first one
    PackedB projection;    // W_hr^T [H, P], with projection
    float* bias;           // [4H] bW + bR, or null
  };
  struct BackwardWeights {
    PackedB input;       // W [4H, in]
    PackedB recurrent;   // R [4H, P]
    PackedB projection;  // W_hr [P, H], with projection
  };
  // One thread's part of every time step: all blocks of units for sequences of its own, or blocks of its own for
  // all sequences. Time steps of its own sequences depend on no other thread.
  struct Share {
    Range sequences;
    Range blocks;
    bool waits;  // at a barrier in every time step
  };
  struct Place {
    int layer;
    int direction;
  };

  void layOutForward();
  void layOutBackward();
  void packForward(const Team& team, const float* weights);
  void packBackward(const Team& team, const float* weights);
  int threadsFor(const BatchShape& shape) const;
  Share shareOf(const Team& team, const BatchShape& shape, int blocks) const;
  bool gatesTogether() const;
  int blockUnits(const ForwardWeights& weights) const;
  int unitBlocks(const ForwardWeights& weights) const;
  int index(Place place) const { return place.layer * config_.directions() + place.direction; }

  void forwardOn(const Team& team, const LstmForward& args, const LstmMemory& memory) const;
  void forwardDirection(const Team& team, const LstmForward& args, const LstmMemory& memory, Place place,
                        const float* x, float* yLayer) const;
  void multiplyRecurrent(const Team& team, const ForwardWeights& weights, int block, int rows, const float* h,
                         float* gates, int64_t gateStride) const;
  void backwardOn(const Team& team, const LstmBackward& args, const LstmMemory& memory) const;
  void backwardDirection(const Team& team, const LstmBackward& args, const LstmMemory& memory, Place place,
                         const PackedB& inputs, const float* dyLayer, float* dx) const;
  void backwardSteps(const Team& team, const BatchShape& shape, int64_t gateStride, Place place,
                     const SavedSteps& saved, const float* dy, float* dh, float* dc, bool wantsDh0) const;
  void backwardProjectedSteps(const Team& team, const BatchShape& shape, int64_t gateStride, Place place,
                              const SavedSteps& saved, const float* dy, float* dh, float* dc,
                              const BackwardScratch& scratch, bool wantsDh0) const;
  void weightGradients(const Team& team, const LstmBackward& args, int64_t gateStride, Place place,
                       const float* dGates, const PackedB& inputs, const PackedB& hPrev, float* dBias) const;
  bool projected() const { return config_.projectionSize > 0; }
  // Layer `layer`'s input mask, in place.
  void dropInput(const Team& team, RandomKey key, int layer, int64_t rows, float* x) const;

  Context& context_;
  LstmConfig config_;
  LstmLayout layout_;
  std::vector<ForwardWeights> forwardWeights_;
  std::vector<BackwardWeights> backwardWeights_;
  AlignedBuffer forwardPanels_;
  AlignedBuffer backwardPanels_;
  StepwiseLstm stepwise_;
  WeightsKey forwardKey_;
  WeightsKey backwardKey_;
  bool lowestPacked_ = false;  // the lowest layer's W is there too, which dx alone needs
};

}  // namespace lstm::cpu
