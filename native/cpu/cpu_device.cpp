#include "cpu/cpu_device.h"

#include <cstring>

#include "cpu/activation_regularizer.h"
#include "cpu/context.h"
#include "cpu/dense_op.h"
#include "cpu/dropout.h"
#include "cpu/embedding.h"
#include "cpu/instruction_sets.h"
#include "cpu/loss.h"
#include "cpu/lstm_op.h"
#include "cpu/metrics.h"
#include "cpu/pool.h"
#include "cpu/update.h"
#include "engine/errors.h"

namespace lstm {
namespace cpu {
namespace {

class CpuDevice : public Device {
 public:
  CpuDevice(const Kernels& kernels, int threads, Profile* profile)
      : context_(kernels, threads, profile), updater_(context_) {}

  std::string name() const override {
    const int threads = context_.pool.threads();
    return std::string("cpu (") + context_.kernels.name + ", " + std::to_string(threads) +
           (threads == 1 ? " thread)" : " threads)");
  }

  void* allocate(size_t bytes) override { return allocateAligned(bytes); }
  void release(void* memory) noexcept override { releaseAligned(memory); }
  bool sharesHostMemory() const override { return true; }
  bool hasNarrowWeights() const override { return true; }
  void copyIn(void* device, const void* host, size_t bytes) override { copyWithin(device, host, bytes); }
  void copyOut(void* host, const void* device, size_t bytes) override { copyWithin(host, device, bytes); }
  void copyWithin(void* to, const void* from, size_t bytes) override {
    if (bytes) std::memcpy(to, from, bytes);
  }
  void zero(void* device, size_t bytes) override {
    if (bytes) std::memset(device, 0, bytes);
  }
  void add(float* to, const float* from, int64_t count) override {
    context_.pool.parallelFor(
        context_.pool.threadsFor(static_cast<double>(count)), count, 64,
        [&](Range range) { context_.kernels.add(to + range.begin, from + range.begin, range.size()); });
  }

  std::unique_ptr<LstmOp> makeLstm(const LstmConfig& config) override {
    return std::make_unique<CpuLstm>(context_, config);
  }
  std::unique_ptr<DenseOp> makeDense(const DenseConfig& config) override {
    return std::make_unique<CpuDense>(context_, config);
  }

  void embeddingForward(int64_t rows, int size, const int32_t* tokens, const float* table,
                        float* y) override {
    cpu::embeddingForward(context_, rows, size, tokens, table, y);
  }
  void embeddingBackward(int64_t rows, int, int size, const int32_t* tokens, const float* dy,
                         float* dTable) override {
    cpu::embeddingBackward(context_, rows, size, tokens, dy, dTable);
  }
  void dropout(const DropoutArgs& args) override { cpu::dropout(context_, args); }
  void poolForward(const PoolArgs& args, const float* x, float* y, int32_t* argmax) override {
    cpu::poolForward(context_, args, x, y, argmax);
  }
  void poolBackward(const PoolArgs& args, const float* dy, const int32_t* argmax, float* dx) override {
    cpu::poolBackward(context_, args, dy, argmax, dx);
  }
  void activationRegularizer(const ActivationRegularizerArgs& args) override {
    cpu::activationRegularizer(context_, args);
  }
  void loss(const LossArgs& args) override {
    PartClock clock(context_.profile);
    cpu::loss(context_, args);
    clock.mark(Part::kHead);
  }
  void metrics(const MetricArgs& args) override {
    PartClock clock(context_.profile);
    cpu::metrics(context_, args);
    clock.mark(Part::kHead);
  }
  void update(const UpdateArgs& args) override {
    PartClock clock(context_.profile);
    updater_.update(args);
    clock.mark(Part::kUpdate);
  }
  double penalty(std::span<const TensorRow> rows, const float* params) override {
    return updater_.penalty(rows, params);
  }

 private:
  Context context_;
  Updater updater_;
};

}  // namespace

std::unique_ptr<Device> makeDeviceOn(const Kernels& kernels, int threads, Profile* profile) {
  if (threads < 1 || threads > 256)
    throw InvalidArgument("threads: expected 1..256, received " + std::to_string(threads));
  return std::make_unique<CpuDevice>(kernels, threads, profile);
}

}  // namespace cpu

std::unique_ptr<Device> makeCpuDevice(const CpuDeviceOptions& options) {
  return cpu::makeDeviceOn(cpu::kernelsFor(options.instructionSet), options.threads);
}

}  // namespace lstm
