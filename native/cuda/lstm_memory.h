#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/batch_shape.h"
#include "engine/lstm_layout.h"

namespace lstm::cuda {

// What the library's calls need beside the caller's tensors, of the call that needs most.
struct CallSizes {
  size_t workBytes;
  size_t reserveBytes;  // training
};

// Where things stand in the reserve and the workspace of one batch shape. Every piece starts on a multiple of 256
// bytes from the base. `calls` is 1 for a stack in one call, L when the layers are called one by one.
class LstmMemory {
 public:
  LstmMemory(const LstmConfig& config, const BatchShape& shape, int calls, bool training,
             const CallSizes& first, const CallSizes& others);

  int64_t reserveFloats() const { return reserveFloats_; }
  int64_t workspaceFloats() const { return workspaceFloats_; }

  // Training: kept from forward to backward.
  float* libraryReserve(float* reserve, int call) const;
  float* output(float* reserve,
                int call) const;  // [rows, D*P] of a call below the last, as the library left it
  float* dropped(float* reserve, int call) const;  // the same after dropout: the next call's input

  float* libraryWork(float* workspace) const { return workspace; }
  // Inference: output of a call below the last, good until the second call after it.
  float* passing(float* workspace, int call) const { return workspace + work_ + (call % 2) * y_; }
  // Training: gradients at the input of call >= 1, good until the second call before it.
  float* dInput(float* workspace, int call) const { return workspace + work_ + ((call - 1) % 2) * y_; }
  float* zeros(float* workspace) const { return workspace + work_ + passingPieces_ * y_; }  // [rows, D*P]
  float* dx(float* workspace) const { return zeros(workspace) + y_; }  // [rows, inputSize]

 private:
  int64_t y_;             // [rows, D*P]
  int64_t firstReserve_;  // of call 0
  int64_t otherReserve_;  // of each later call
  int64_t libraryReserves_;
  int64_t work_;
  int passingPieces_;
  int64_t reserveFloats_;
  int64_t workspaceFloats_;
};

}  // namespace lstm::cuda
