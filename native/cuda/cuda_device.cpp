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
              offsetof(LossSums, count) == offsetof(RuntimeLossSums, count));

RuntimeHalfKind halfKindOf(RuntimePrecision precision) {
  if (precision == kPrecisionFp16) return kHalfFp16;
  return precision == kPrecisionBf16 ? kHalfBf16 : kHalfNone;
}

constexpr float kInitialLossScale =
    65536;  // as PyTorch's GradScaler; bf16 has float32's range and needs none

bool libraryDropsNamed(const std::string& implementation) {
  if (implementation == "philox") return false;
  if (implementation == "cudnn") return true;
  throw InvalidArgument("dropoutImplementation: expected philox or cudnn, got '" + implementation + "'");
}

class TheCudaDevice : public CudaDevice, private RunAhead {
 public:
  TheCudaDevice(const CudaRuntime& runtime, const RuntimeDeviceInfo& info, const CudaDeviceOptions& options)
      : info_(info),
        core_(runtime, options.index, options.memoryLimitBytes, options.graph),
        updater_(core_),
        tokenOrder_(core_.context),
        activationPartials_(core_.context),
        lossPartials_(core_.context),
        rowClasses_(core_.context) {
    core_.precision = options.precision;
    core_.halves.kind = halfKindOf(options.precision);
    core_.rnnAlgorithm = rnnAlgorithmNamed(options.rnnAlgorithm);
    libraryDrops_ = libraryDropsNamed(options.dropoutImplementation);
  }

  std::string name() const override {
    return "cuda:" + std::to_string(info_.index) + " (" + info_.name + ")";
  }
  const RuntimeDeviceInfo& info() const override { return info_; }
  MemoryStatistics memory() const override { return core_.context.memory(); }
  StepStatistics steps() const override {
    StepStatistics steps = core_.steps.statistics();
    steps.overlapped = overlapped_;
    return steps;
  }
  bool lost() const override { return core_.context.lost(); }

  float initialLossScale() const override { return core_.halves.kind == kHalfFp16 ? kInitialLossScale : 1; }
  bool dropsBetweenLayers() const override { return libraryDrops_; }
  RunAhead* ahead() override { return this; }
  void repeat(const StepKey& key, const StepInputs& inputs, const std::function<void()>& work) override {
    const auto prepare = [&](const StepUses& uses) {
      if (uses.shapeTables) core_.shapes.show(inputs.shape);
      for (const int32_t* tokens : uses.tokens) tokenOrder_.prepare(tokens);
      if (!inputs.rows.empty()) updater_.show(inputs.rows);
    };
    core_.steps.repeat(key, prepare, work);
  }
  uint64_t fetch(const void* device, size_t bytes) override {
    uint64_t ticket = 0;
    call(&CudaRuntime::fetch, device, bytes, &ticket);
    overlapped_ += lastFetch_ > lastCollected_;
    lastFetch_ = ticket;
    return ticket;
  }
  void collect(uint64_t ticket, void* host, size_t bytes) override {
    lastCollected_ = ticket;
    call(&CudaRuntime::collect, ticket, host, bytes);
  }
  void copyIf(float* to, const float* from, int64_t count, const int32_t* flag) override {
    if (count > 0) call(&CudaRuntime::copyIf, to, from, count, flag);
  }

  void* allocate(size_t bytes) override { return core_.context.allocate(bytes); }
  void release(void* memory) noexcept override {
    const size_t bytes = core_.context.release(memory);
    tokenOrder_.released(memory, bytes);
    core_.halves.released(memory);
  }
  bool sharesHostMemory() const override { return false; }
  void copyIn(void* device, const void* host, size_t bytes) override {
    if (bytes == 0) return;
    call(&CudaRuntime::copyIn, device, host, bytes);
    tokenOrder_.wroteFromHost(device, host, bytes);
    core_.halves.wrote(device, bytes);
  }
  void copyOut(void* host, const void* device, size_t bytes) override {
    if (bytes > 0) call(&CudaRuntime::copyOut, host, device, bytes);
  }
  void copyWithin(void* to, const void* from, size_t bytes) override {
    if (bytes == 0) return;
    call(&CudaRuntime::copyWithin, to, from, bytes);
    tokenOrder_.changed(to, bytes);
    core_.halves.wrote(to, bytes);
  }
  void zero(void* device, size_t bytes) override {
    if (bytes == 0) return;
    call(&CudaRuntime::zero, device, bytes);
    tokenOrder_.changed(device, bytes);
    core_.halves.wrote(device, bytes);
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
    core_.steps.usesTokens(tokens);
    const int32_t* order = tokenOrder_.of(tokens, rows, vocabSize);
    call(&CudaRuntime::embeddingBackward, rows, size, tokens, order, dy, dTable);
  }

  void dropout(const DropoutArgs& args) override {
    cuda::dropout(core_, args);
    core_.halves.wrote(args.y, args.rows * args.channels * sizeof(float));  // it may be weights
  }

  void poolForward(const PoolArgs& args, const float* x, float* y, int32_t* argmax) override {
    const RuntimePool pool = poolOf(args);
    call(&CudaRuntime::poolForward, &pool, x, y, argmax);
  }
  void poolBackward(const PoolArgs& args, const float* dy, const int32_t* argmax, float* dx) override {
    const RuntimePool pool = poolOf(args);
    call(&CudaRuntime::poolBackward, &pool, dy, argmax, dx);
  }

  void activationRegularizer(const ActivationRegularizerArgs& args) override {
    RuntimeActivationRegularizer call{};
    call.rows = args.rows;
    call.channels = args.channels;
    call.batchSize = static_cast<int>(args.rows);
    call.timeSteps = 1;
    if (args.shape) {
      const ShapeTables& tables = core_.tablesOf(*args.shape);
      call.batchSize = args.shape->batchSize;
      call.timeSteps = args.shape->timeSteps;
      call.dLengths = tables.lengths();
      call.dRowOffset = tables.rowOffset();
      call.dRowToSequence = tables.rowToSequence();
    }
    call.ar = args.ar;
    call.tar = args.tar;
    call.dY = args.y;
    call.dGradY = args.dy;
    call.gradientScale = args.gradientScale;
    call.dScalars = reinterpret_cast<const RuntimeScalars*>(args.scalars);
    call.dPartials =
        activationPartials_.reserve(core_.context.runtime().activationPartials(args.rows, args.channels));
    call.dSum = args.sum;
    this->call(&CudaRuntime::activationRegularizer, &call);
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
    loss.gradientScale = args.gradientScale;
    loss.dScalars = reinterpret_cast<const RuntimeScalars*>(args.scalars);
    loss.dPartials = lossPartials_.reserve(core_.context.runtime().lossPartials(args.rows));
    loss.dSums = reinterpret_cast<RuntimeLossSums*>(args.sums);
    loss.dElements = args.elements;
    loss.dClassWeights = args.classWeights;
    loss.dQuantiles = args.quantiles;
    loss.quantileCount = args.quantileCount;
    loss.delta = args.delta;
    loss.labelSmoothing = args.labelSmoothing;
    loss.full = args.full;
    loss.weighMetrics = args.weighMetrics;
    call(&CudaRuntime::loss, &loss);
  }

  void metrics(const MetricArgs& args) override {
    RuntimeMetrics m{};
    m.kind = static_cast<int>(args.kind);
    m.rows = args.rows;
    m.classes = args.classes;
    m.channelsPerTarget = args.channelsPerTarget;
    m.dPredictions = args.predictions;
    m.dIds = args.ids;
    m.dValues = args.values;
    m.dRowWeights = args.rowWeights;
    m.topK = args.topK;
    m.point = args.point;
    m.lower = args.lower;
    m.upper = args.upper;
    m.halfWidth = args.halfWidth;
    m.dScratch = rowClasses_.reserve(3 * args.rows);
    m.dClassCounts = args.classCounts;
    m.dConfusion = args.confusion;
    m.dRanked = args.ranked;
    m.dTargetSums = args.targetSums;
    call(&CudaRuntime::metrics, &m);
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
    const ShapeTables& tables = core_.tablesOf(args.shape);
    return {static_cast<int>(args.mode),
            args.shape.batchSize,
            args.shape.timeSteps,
            args.channels,
            tables.lengths(),
            tables.rowOffset()};
  }

  RuntimeDeviceInfo info_;
  Core core_;
  bool libraryDrops_ = false;
  Updater updater_;
  TokenOrder tokenOrder_;
  Buffer<double> activationPartials_;
  Buffer<double> lossPartials_;
  Buffer<int32_t> rowClasses_;
  uint64_t lastFetch_ = 0;
  uint64_t lastCollected_ = 0;
  uint64_t overlapped_ = 0;
};

constexpr int64_t kBf16Cudnn = 91300;  // the first whose RNN has bf16

void requirePrecision(const RuntimeDeviceInfo& info, RuntimePrecision precision) {
  const auto requireCard = [&](const char* name, int major, int minor) {
    if (info.computeMajor > major || (info.computeMajor == major && info.computeMinor >= minor)) return;
    throw InvalidArgument("precision: " + std::string(name) + " needs compute capability " +
                          std::to_string(major) + "." + std::to_string(minor) + ", " + info.name + " has " +
                          std::to_string(info.computeMajor) + "." + std::to_string(info.computeMinor));
  };
  if (precision == kPrecisionTf32) requireCard("tf32", 8, 0);
  if (precision == kPrecisionFp16) requireCard("fp16", 5, 3);
  if (precision != kPrecisionBf16) return;
  requireCard("bf16", 8, 0);
  if (info.cudnnVersion != 0 && info.cudnnVersion < kBf16Cudnn)
    throw InvalidArgument("precision: bf16 needs cuDNN 9.13, found " +
                          std::to_string(info.cudnnVersion / 10000) + "." +
                          std::to_string(info.cudnnVersion / 100 % 100));
}

}  // namespace

std::unique_ptr<CudaDevice> makeCudaDevice(const CudaRuntime& runtime, const CudaDeviceOptions& options) {
  rnnAlgorithmNamed(options.rnnAlgorithm);
  libraryDropsNamed(options.dropoutImplementation);
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
