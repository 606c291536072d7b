#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/device.h"
#include "engine/initializer.h"

namespace lstm {

// One tensor of the network. The table of these drives initialiser, update, penalties, checkpoints and tests.
struct Parameter {
  std::string name;            // PyTorch's: lstm.weight_ih_l0
  std::vector<int64_t> shape;  // row-major
  int64_t offset = 0;          // elements, the same in every arena
  int64_t size = 0;
  Initializer initializer;
  int drawIndex =
      -1;  // k of its initializerStream(); append makes it its place in the table where it is not set
  float l1 = 0;
  float l2 = 0;
  Constraint constraint;
  bool trainable = true;
  float forgetBias = 0;  // added to elements [H, 2H) of an LSTM bias [4H]
};

class ParameterLayout {
 public:
  // Appends a tensor behind the last one. Throws InvalidArgument when the arena would pass 2^40 elements.
  void append(Parameter parameter);
  // Leaves a gap, so that the next tensor starts at `offset`: elements of no tensor, 0 in every arena.
  void skipTo(int64_t offset) { size_ = offset; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  // What the update walks: the same rows without names.
  const std::vector<TensorRow>& rows() const { return rows_; }
  int64_t size() const { return size_; }  // gaps included
  bool hasPenalties() const { return hasPenalties_; }

 private:
  std::vector<Parameter> parameters_;
  std::vector<TensorRow> rows_;
  int64_t size_ = 0;
  bool hasPenalties_ = false;
};

}  // namespace lstm
