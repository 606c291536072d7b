#include "cuda/cuda_device.h"

#include <cstddef>

#include "cuda/core.h"
#include "cuda/dense_op.h"
#include "cuda/dropout.h"
#include "cuda/lstm_op.h"
#include "cuda/rnn.h"
#include "cuda/token_order.h"
#include "cuda/update.h"
#include "engine/errors.h"

namespace lstm::cuda {
namespace {

static_assert(sizeof(LossSums) == sizeof(RuntimeLossSums) &&
              offsetof(LossSums, squaredError) == offsetof(RuntimeLossSums, squaredError));

class TheCudaDevice : public CudaDevice {
 public:
  TheCudaDevice(const CudaRuntime& runtime, const RuntimeDeviceInfo& info, const CudaDeviceOptions& options)
      : info_(info),
        core_(runtime, options.index, options.memoryLimitBytes),
        updater_(core_),
        tokenOrder_(core_.context),
        lossPartials_(core_.context) {
    core_.precision = options.precision;
    core_.rnnAlgorithm = rnnAlgorithmNamed(options.rnnAlgorithm);
  }

  std::string name() const override {
    return "cuda:" + std::to_string(info_.index) + " (" + info_.name + ")";
  }
  const RuntimeDeviceInfo& info() const override { return info_; }
  MemoryStatistics memory() const override { return core_.context.memory(); }
  bool lost() const override { return core_.context.lost(); }

  void* allocate(size_t bytes) override { return core_.context.allocate(bytes); }
  void release(void* memory) noexcept override {
    const size_t bytes = core_.context.release(memory);
    tokenOrder_.released(memory, bytes);
  }
  bool sharesHostMemory() const override { return false; }
  void copyIn(void* device, const void* host, size_t bytes) override {
    if (bytes == 0) return;
    call(&CudaRuntime::copyIn, device, host, bytes);
    tokenOrder_.wroteFromHost(device, host, bytes);
  }
  void copyOut(void* host, const void* device, size_t bytes) override {
    if (bytes > 0) call(&CudaRuntime::copyOut, host, device, bytes);
  }
  void copyWithin(void* to, const void* from, size_t bytes) override {
    if (bytes == 0) return;
    call(&CudaRuntime::copyWithin, to, from, bytes);
    tokenOrder_.changed(to, bytes);
  }
  void zero(void* device, size_t bytes) override {
    if (bytes == 0) return;
    call(&CudaRuntime::zero, device, bytes);
    tokenOrder_.changed(device, bytes);
  }
  void copyRows(float* to, int64_t toStride, const float* from, int64_t fromStride, int64_t width,
                int64_t rows) override {
    if (width > 0 && rows > 0) call(&CudaRuntime::copyRows, to, toStride, from, fromStride, width, rows);
  }
  void add(float* to, const float* from, int64_t count) override {
    if (count > 0) call(&CudaRuntime::add, to, from, count);
  }

  std::unique_ptr<LstmOp> makeLstm(const LstmConfig& config) override {
    return std::make_unique<CudaLstm>(core_, config);
  }
  std::unique_ptr<DenseOp> makeDense(const DenseConfig& config) override {
    return std::make_unique<CudaDense>(core_, config);
  }

  void embeddingForward(int64_t rows, int size, const int32_t* tokens, const float* table,
                        float* y) override {
    call(&CudaRuntime::embeddingForward, rows, size, tokens, table, y);
  }
  void embeddingBackward(int64_t rows, int vocabSize, int size, const int32_t* tokens, const float* dy,
                         float* dTable) override {
    const int32_t* order = tokenOrder_.of(tokens, rows, vocabSize);
    call(&CudaRuntime::embeddingBackward, rows, size, tokens, order, dy, dTable);
  }

  void dropout(const DropoutArgs& args) override { cuda::dropout(core_, args); }

  void poolForward(const PoolArgs& args, const float* x, float* y, int32_t* argmax) override {
    const RuntimePool pool = poolOf(args);
    call(&CudaRuntime::poolForward, &pool, x, y, argmax);
  }
  void poolBackward(const PoolArgs& args, const float* dy, const int32_t* argmax, float* dx) override {
    const RuntimePool pool = poolOf(args);
    call(&CudaRuntime::poolBackward, &pool, dy, argmax, dx);
  }

  void loss(const LossArgs& args) override {
    RuntimeLoss loss{};
    loss.kind = static_cast<int>(args.kind);
    loss.rows = args.rows;
    loss.classes = args.classes;
    loss.dPredictions = args.predictions;
    loss.dIds = args.ids;
    loss.dValues = args.values;
    loss.dRowWeights = args.rowWeights;
    loss.dGradient = args.dPredictions;
    loss.dPartials = lossPartials_.reserve(core_.context.runtime().lossPartials(args.rows));
    loss.dSums = reinterpret_cast<RuntimeLossSums*>(args.sums);
    call(&CudaRuntime::loss, &loss);
  }

  void update(const UpdateArgs& args) override { updater_.update(args); }
  double penalty(std::span<const TensorRow> rows, const float* params) override {
    return updater_.penalty(rows, params);
  }

 private:
  // Takes exactly the types of the table: a mistaken argument does not compile.
  template <typename... Parameters>
  void call(RuntimeStatus (*CudaRuntime::*function)(RuntimeContext*, Parameters...), auto... args) {
    core_.context.call(function, args...);
  }

  RuntimePool poolOf(const PoolArgs& args) {
    core_.shapes.show(args.shape);
    return {static_cast<int>(args.mode), args.shape.batchSize,    args.shape.timeSteps, args.channels,
            core_.shapes.lengths(),      core_.shapes.rowOffset()};
  }

  RuntimeDeviceInfo info_;
  Core core_;
  Updater updater_;
  TokenOrder tokenOrder_;
  Buffer<double> lossPartials_;
};

void requirePrecision(const RuntimeDeviceInfo& info, RuntimePrecision precision) {
  if (precision != kPrecisionFp32 && precision != kPrecisionTf32)
    throw InvalidArgument("precision: expected fp32 or tf32, the half precisions are not there yet");
  if (precision == kPrecisionTf32 && info.computeMajor < 8)
    throw InvalidArgument("precision: tf32 needs compute capability 8.0, " + std::string(info.name) +
                          " has " + std::to_string(info.computeMajor) + "." +
                          std::to_string(info.computeMinor));
}

}  // namespace

std::unique_ptr<CudaDevice> makeCudaDevice(const CudaRuntime& runtime, const CudaDeviceOptions& options) {
  rnnAlgorithmNamed(options.rnnAlgorithm);
  RuntimeError error{};
  int count = 0;
  check(runtime.deviceCount(&count, &error), error);
  if (options.index < 0 || options.index >= count)
    throw DeviceUnavailable("cuda:" + std::to_string(options.index) + ": expected a device from 0 to " +
                            std::to_string(count - 1) + ", there " + (count == 1 ? "is " : "are ") +
                            std::to_string(count));
  RuntimeDeviceInfo info{};
  check(runtime.deviceInfo(options.index, &info, &error), error);
  requirePrecision(info, options.precision);
  return std::make_unique<TheCudaDevice>(runtime, info, options);
}

}  // namespace lstm::cuda
