#pragma once

#include <memory>

#include "cuda/core.h"
#include "cuda/half_rnn.h"
#include "cuda/lstm_memory.h"
#include "cuda/rnn.h"
#include "engine/device.h"

namespace lstm::cuda {

// The stack by the library's RNN calls on the node's own weight space. Without dropout between layers it is one call;
// with it (and more than one layer) the layers are called one by one, in training with our masks between them, so
// that every device drops the same elements. With LstmConfig::librarySeed the library drops, and it is one call again.
//
// A pass runs with the sizes that reserveFloats and workspaceFloats told for the same shape: they ask the library,
// and where the algorithm is chosen by time they measure first. A backward belongs to the last training forward; the
// library reads that one's h0 and c0 again, which therefore stay as they were.
class CudaLstm : public LstmOp {
 public:
  CudaLstm(Core& core, const LstmConfig& config);

  size_t reserveFloats(const BatchShape& shape, bool training) const override;
  size_t workspaceFloats(const BatchShape& shape, bool training) const override;
  void forward(const LstmForward& args) override;
  void backward(const LstmBackward& args) override;

 private:
  RnnChooser& chooser(int call) const { return call == 0 ? *first_ : *others_; }
  LstmMemory memory(const BatchShape& shape, bool training) const;
  // memory(), which must fit into what reserveFloats and workspaceFloats told last.
  LstmMemory plannedMemory(const BatchShape& shape, bool training) const;
  // The call, through half precision where that is the device's. False: the library refused, nothing ran.
  bool runForward(Rnn& rnn, int call, const LstmForward& args, const RuntimeRnnBuffers& buffers);
  bool runBackward(Rnn& rnn, int call, const LstmBackward& args, const RuntimeRnnBuffers& buffers);
  HalfRnn& half(int call) { return call == 0 ? halfFirst_ : halfOthers_; }
  // Starts of a call's own part: weights in the block, states in [L*D, N, ...].
  int64_t weightsAt(int call) const { return layout_.tensors[call * config_.directions()].weightIh; }
  int64_t hAt(const BatchShape& shape, int call) const;
  int64_t cAt(const BatchShape& shape, int call) const;
  // Masks call `call`'s input (call >= 1), or the gradient at it.
  template <typename Pass>
  void drop(const Pass& pass, int call, const float* x, float* y);
  RuntimeRnnBuffers common(const LstmMemory& memory, const BatchShape& shape, const Rnn& rnn, int call,
                           const float* weights, float* workspace) const;

  Core& core_;
  LstmConfig config_;
  LstmLayout layout_;
  int calls_;
  std::unique_ptr<RnnChooser> first_;
  std::unique_ptr<RnnChooser> others_;  // layers above the first, which are alike; null for one call
  HalfRnn halfFirst_;
  HalfRnn halfOthers_;
  struct Told {
    int64_t reserve = 0, workspace = 0;  // floats
  };
  mutable Told told_[2];       // by training
  const float* h0_ = nullptr;  // of the last training forward
  const float* c0_ = nullptr;
};

}  // namespace lstm::cuda
