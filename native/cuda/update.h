#pragma once

#include <span>
#include <vector>

#include "cuda/core.h"
#include "engine/device.h"

namespace lstm::cuda {

class Updater {
 public:
  explicit Updater(Core& core)
      : core_(core),
        rows_(core.context),
        tensorNorms_(core.context),
        partials_(core.context),
        penalty_(core.context) {}

  void update(const UpdateArgs& args);
  // Brings the table of rows to the device where another one stands there.
  void show(std::span<const TensorRow> rows);
  double penalty(std::span<const TensorRow> rows, const float* params);

 private:
  // The table and the scratch of an update over `rows`, at least one.
  RuntimeUpdate begin(std::span<const TensorRow> rows);
  void updateNothing(const UpdateArgs& args);

  Core& core_;
  std::vector<TensorRow> sent_;  // what rows_ holds
  Buffer<RuntimeTensorRow> rows_;
  Buffer<double> tensorNorms_;
  Buffer<double> partials_;
  Buffer<RuntimeUpdateSums> penalty_;
};

}  // namespace lstm::cuda
