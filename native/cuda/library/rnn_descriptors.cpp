#include "cuda/library/rnn_descriptors.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace lstm::gpu {
namespace {

constexpr const char* kCreate = "rnnCreate";
constexpr const char* kSetShape = "rnnSetShape";

cudnnRNNAlgo_t algorithmOf(int algorithm) {
  switch (algorithm) {
    case kRnnStandard:
      return CUDNN_RNN_ALGO_STANDARD;
    case kRnnPersistStatic:
      return CUDNN_RNN_ALGO_PERSIST_STATIC;
    case kRnnPersistDynamic:
      return CUDNN_RNN_ALGO_PERSIST_DYNAMIC;
    case kRnnSmallH:
      return CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H;
  }
  fail(kRuntimeInvalid, kCreate, "expected an algorithm from 0 to 3, got " + std::to_string(algorithm));
}

cudnnRNNBiasMode_t biasModeOf(int mode) {
  switch (mode) {
    case 0:
      return CUDNN_RNN_NO_BIAS;
    case 1:
      return CUDNN_RNN_SINGLE_INP_BIAS;
    case 2:
      return CUDNN_RNN_DOUBLE_BIAS;
  }
  fail(kRuntimeInvalid, kCreate, "expected a bias mode from 0 to 2, got " + std::to_string(mode));
}

cudnnDataType_t dataTypeOf(int precision) {
  if (precision == kPrecisionFp16) return CUDNN_DATA_HALF;
  return precision == kPrecisionBf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

// Strict float32 is what FMA_MATH names; DEFAULT_MATH may use TF32 on cards that have it. Sums are float32 in all.
cudnnMathType_t mathTypeOf(int precision) {
  switch (precision) {
    case kPrecisionFp32:
      return CUDNN_FMA_MATH;
    case kPrecisionTf32:
      return CUDNN_DEFAULT_MATH;
    case kPrecisionFp16:
    case kPrecisionBf16:
      return CUDNN_TENSOR_OP_MATH;
  }
  fail(kRuntimeInvalid, kCreate, "expected a precision from 0 to 3, got " + std::to_string(precision));
}

void checkConfig(const RuntimeRnnConfig& config) {
  require(config.inputSize >= 1 && config.hiddenSize >= 1 && config.numLayers >= 1, kCreate,
          "expected sizes of at least 1");
  require(config.projectionSize >= 1 && config.projectionSize <= config.hiddenSize, kCreate,
          "expected a projectionSize from 1 to hiddenSize (" + std::to_string(config.hiddenSize) + "), got " +
              std::to_string(config.projectionSize));
  require(config.dropout >= 0 && config.dropout < 1, kCreate, "expected a dropout rate in [0, 1)");
  // The descriptor takes it, but no such kernel is part of the library.
  if (config.precision == kPrecisionBf16 && config.algorithm != kRnnStandard)
    fail(kRuntimeNotSupported, kCreate, "bf16 is the standard algorithm's alone");
  require(!std::isnan(config.cellClip), kCreate, "expected a number for cellClip, got NaN");
  // cuDNN counts a layer's gate weights in 32 bits and answers with nonsense beyond them.
  const int64_t directions = config.bidirectional ? 2 : 1;
  const int64_t deepInput = config.numLayers > 1 ? directions * config.projectionSize : 0;
  const int64_t input = std::max<int64_t>(config.inputSize, deepInput);
  const int64_t gateWeights = 4 * static_cast<int64_t>(config.hiddenSize) * (input + config.projectionSize);
  if (gateWeights >= int64_t{1} << 31)
    fail(kRuntimeNotSupported, kCreate,
         "a layer of " + std::to_string(gateWeights) +
             " gate weights: cuDNN counts them in 32 bits (less than 2^31)");
}

}  // namespace

DropoutDescriptor::DropoutDescriptor(const CudnnApi& api, cudnnHandle_t cudnn, const RuntimeRnnConfig& config)
    : api_(api) {
  if (config.dropout <= 0) return;
  require(config.dDropoutState && config.dropout < 1, kCreate,
          "expected a dropout rate in [0, 1) and memory for its state");
  LSTM_API_CALL(api_, cudnnCreateDropoutDescriptor, &handle);
  try {
    LSTM_API_CALL(api_, cudnnSetDropoutDescriptor, handle, cudnn, config.dropout, config.dDropoutState,
                  config.dropoutStateBytes, config.dropoutSeed);
  } catch (...) {
    api_.cudnnDestroyDropoutDescriptor(handle);
    throw;
  }
}

DropoutDescriptor::~DropoutDescriptor() {
  if (handle) api_.cudnnDestroyDropoutDescriptor(handle);
}

RnnDescriptors::RnnDescriptors(const CudnnApi& api, const RuntimeRnnConfig& config,
                               cudnnDropoutDescriptor_t dropout)
    : api_(api), config_(config) {
  checkConfig(config_);
  try {
    create();
    setRnn(dropout);
  } catch (...) {
    destroy();
    throw;
  }
}

RnnDescriptors::~RnnDescriptors() {
  destroy();
}

void RnnDescriptors::create() {
  LSTM_API_CALL(api_, cudnnCreateRNNDescriptor, &rnn);
  LSTM_API_CALL(api_, cudnnCreateRNNDataDescriptor, &x);
  LSTM_API_CALL(api_, cudnnCreateRNNDataDescriptor, &y);
  LSTM_API_CALL(api_, cudnnCreateTensorDescriptor, &h);
  LSTM_API_CALL(api_, cudnnCreateTensorDescriptor, &c);
}

void RnnDescriptors::destroy() noexcept {
  if (rnn) api_.cudnnDestroyRNNDescriptor(rnn);
  if (x) api_.cudnnDestroyRNNDataDescriptor(x);
  if (y) api_.cudnnDestroyRNNDataDescriptor(y);
  if (h) api_.cudnnDestroyTensorDescriptor(h);
  if (c) api_.cudnnDestroyTensorDescriptor(c);
}

// A null dropout descriptor where masks between layers are ours, so that every device draws the same.
void RnnDescriptors::setRnn(cudnnDropoutDescriptor_t dropout) {
  const cudnnDirectionMode_t direction = config_.bidirectional ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL;
  LSTM_API_CALL(api_, cudnnSetRNNDescriptor_v8, rnn, algorithmOf(config_.algorithm), CUDNN_LSTM,
                biasModeOf(config_.biasMode), direction, CUDNN_LINEAR_INPUT, dataTypeOf(config_.precision),
                CUDNN_DATA_FLOAT, mathTypeOf(config_.precision), config_.inputSize, config_.hiddenSize,
                config_.projectionSize, config_.numLayers, dropout, 0);
  // After every set, which clears it.
  if (config_.cellClip > 0)
    LSTM_API_CALL(api_, cudnnRNNSetClip_v9, rnn, CUDNN_RNN_CLIP_MINMAX, -config_.cellClip, config_.cellClip);
  else
    LSTM_API_CALL(api_, cudnnRNNSetClip_v9, rnn, CUDNN_RNN_CLIP_NONE, 0.0, 0.0);
}

void RnnDescriptors::checkShape(const RuntimeRnnShape& shape) const {
  require(shape.batchSize >= 1 && shape.timeSteps >= 1 && shape.lengths, kSetShape,
          "expected a batch of at least one sequence of at least one step");
  if (shape.timeSteps > kLongestSequence)
    fail(kRuntimeNotSupported, kSetShape,
         "a sequence of " + std::to_string(shape.timeSteps) + " steps: cuDNN takes up to " +
             std::to_string(kLongestSequence));
  const int32_t* lengths = shape.lengths;
  require(lengths[0] == shape.timeSteps, kSetShape,
          "expected the first length to be the number of steps (" + std::to_string(shape.timeSteps) +
              "), got " + std::to_string(lengths[0]));
  for (int n = 0; n < shape.batchSize; ++n)
    require(lengths[n] >= 1 && (n == 0 || lengths[n] <= lengths[n - 1]), kSetShape,
            "expected lengths of at least 1, longest first; length " + std::to_string(n) + " is " +
                std::to_string(lengths[n]));
  if (config_.algorithm != kRnnStandard && lengths[shape.batchSize - 1] != shape.timeSteps)
    fail(kRuntimeNotSupported, kSetShape, "a persistent algorithm needs sequences of one length");
}

bool RnnDescriptors::setShape(const RuntimeRnnShape& shape) {
  checkShape(shape);
  if (lengths_.size() == static_cast<size_t>(shape.batchSize) &&
      std::equal(lengths_.begin(), lengths_.end(), shape.lengths))
    return false;
  lengths_.clear();  // a failure below leaves no shape
  const cudnnDataType_t type = dataTypeOf(config_.precision);
  LSTM_API_CALL(api_, cudnnSetRNNDataDescriptor, x, type, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED,
                shape.timeSteps, shape.batchSize, config_.inputSize, shape.lengths, nullptr);
  LSTM_API_CALL(api_, cudnnSetRNNDataDescriptor, y, type, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED,
                shape.timeSteps, shape.batchSize, directions() * config_.projectionSize, shape.lengths,
                nullptr);
  setState(h, shape.batchSize, config_.projectionSize);
  setState(c, shape.batchSize, config_.hiddenSize);
  lengths_.assign(shape.lengths, shape.lengths + shape.batchSize);
  return true;
}

// [L*D, N, width], fully packed
void RnnDescriptors::setState(cudnnTensorDescriptor_t descriptor, int batchSize, int width) {
  const int sizes[] = {config_.numLayers * directions(), batchSize, width};
  const int strides[] = {batchSize * width, width, 1};
  LSTM_API_CALL(api_, cudnnSetTensorNdDescriptor, descriptor, dataTypeOf(config_.precision), 3, sizes,
                strides);
}

}  // namespace lstm::gpu
