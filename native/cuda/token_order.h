#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "cuda/context.h"

namespace lstm::cuda {

// Row numbers sorted by token, then by row: with them the gradient of an embedding adds the rows of a token in their
// order, so that the same batch gives the same bits.
//
// The sorting is the host's. The first time that tokens at some address are asked about, they are copied back from
// the device (and the device waits); from then on what copyIn brings to that address is kept here, so that a training
// loop never waits. Copies, clears and releases that touch a kept place make it unknown again; kernels write no
// tokens.
class TokenOrder {
 public:
  explicit TokenOrder(Context& context) : context_(context) {}

  // [rows] in device memory, good until the tokens change.
  const int32_t* of(const int32_t* tokens, int64_t rows, int vocabSize);
  // Makes the next of() for these tokens, which was called before, one that brings nothing to the device.
  void prepare(const int32_t* tokens);

  // What the device tells of its memory.
  void wroteFromHost(const void* device, const void* host, size_t bytes);
  void changed(const void* device, size_t bytes);
  void released(const void* device, size_t bytes);

 private:
  struct Place {
    explicit Place(Context& context) : order(context) {}

    std::vector<int32_t> tokens;
    int vocabSize = 0;
    bool known = false;    // tokens are those on the device
    bool ordered = false;  // and so is their order
    Buffer<int32_t> order;
    bool touches(const void* address, const void* device, size_t bytes) const;
  };

  const int32_t* orderOf(Place& place);

  Context& context_;
  std::unordered_map<const void*, Place> places_;
  std::vector<int32_t> order_;
  std::vector<int32_t> other_;
};

// Stable: [0, tokens.size()) by token. Tokens are in [0, vocabSize).
void sortByToken(const std::vector<int32_t>& tokens, int vocabSize, std::vector<int32_t>& order,
                 std::vector<int32_t>& scratch);

}  // namespace lstm::cuda
