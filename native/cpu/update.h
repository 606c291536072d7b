#pragma once

#include <span>
#include <vector>

#include "cpu/context.h"
#include "engine/device.h"

namespace lstm::cpu {

// The update over flat arenas. Tensors are cut into blocks of a fixed size: a block's sums are one thread's
// and blocks are added in their order, so bits do not depend on the thread count.
class Updater {
 public:
  explicit Updater(Context& context) : context_(context) {}

  void update(const UpdateArgs& args);  // as Device::update
  double penalty(std::span<const TensorRow> rows, const float* params);

 private:
  struct Block {
    int64_t offset;
    int64_t size;
    int tensor;
  };

  void cut(std::span<const TensorRow> rows);
  void sumBlocks(std::span<const TensorRow> rows, const float* params, const float* grads, float scale);
  void applyBlock(const UpdateArgs& args, const StepFactors& step, double squaredNorm,
                  const Block& block) const;
  // Functions of whole rows or columns, tensor by tensor.
  void clipAdaptively(const UpdateArgs& args, float gradScale) const;
  void holdMaxNorms(const UpdateArgs& args) const;
  int threads() const;

  Context& context_;
  std::vector<Block> blocks_;
  std::vector<NormSums> blockSums_;
  std::vector<NormSums> tensorSums_;
};

}  // namespace lstm::cpu
