#include "cuda/library/rnn.h"

#include <algorithm>
#include <string>

using lstm::gpu::CudnnApi;
using lstm::gpu::fail;
using lstm::gpu::require;

RuntimeRnn::RuntimeRnn(RuntimeContext& context, const RuntimeRnnConfig& config)
    : dropout(context.libraries.cudnn, context.cudnn, config),
      descriptors(context.libraries.cudnn, config, dropout.handle) {
  if (config.algorithm == kRnnPersistDynamic && !lstm::gpu::openNvrtc())
    fail(kRuntimeNotSupported, "rnnCreate", "the algorithm persistDynamic needs NVRTC, which was not found");
  LSTM_API_CALL(context.libraries.cudnn, cudnnGetRNNWeightSpaceSize, context.cudnn, descriptors.rnn,
                &weightBytes);
}

void RuntimeRnn::setShape(RuntimeContext& context, const RuntimeRnnShape& shape) {
  const bool isNew = descriptors.setShape(shape);
  if (!isNew && isSized_) return;
  isSized_ = false;
  const CudnnApi& api = context.libraries.cudnn;
  workBytes = 0;
  reserveBytes = 0;
  if (descriptors.config().algorithm == kRnnPersistDynamic && builtBatchSize_ != shape.batchSize) {
    context.requireNotCapturing("cudnnBuildRNNDynamic");
    builtBatchSize_ = 0;
    LSTM_API_CALL(api, cudnnBuildRNNDynamic, context.cudnn, descriptors.rnn, shape.batchSize);
    builtBatchSize_ = shape.batchSize;
  }
  size_t inference = 0;
  size_t training = 0;
  size_t none = 0;
  LSTM_API_CALL(api, cudnnGetRNNTempSpaceSizes, context.cudnn, descriptors.rnn, CUDNN_FWD_MODE_INFERENCE,
                descriptors.x, &inference, &none);
  LSTM_API_CALL(api, cudnnGetRNNTempSpaceSizes, context.cudnn, descriptors.rnn, CUDNN_FWD_MODE_TRAINING,
                descriptors.x, &training, &reserveBytes);
  workBytes = std::max(inference, training);
  isSized_ = true;
}

// cuDNN is told the sizes of weights, work and reserve alone; a null elsewhere would be an illegal address on the
// device, after which the context is of no use.
void RuntimeRnn::checkBuffers(const char* call, bool isTraining, const RuntimeRnnBuffers& buffers) const {
  require(descriptors.hasShape() && isSized_, call, "no shape was set");
  require(buffers.weightBytes == weightBytes, call,
          "expected " + std::to_string(weightBytes) + " bytes of weights, got " +
              std::to_string(buffers.weightBytes));
  require(buffers.workBytes >= workBytes && (buffers.dWork || workBytes == 0), call,
          "expected " + std::to_string(workBytes) + " bytes of scratch, got " +
              std::to_string(buffers.workBytes));
  if (isTraining)
    require(buffers.reserveBytes >= reserveBytes && (buffers.dReserve || reserveBytes == 0), call,
            "expected " + std::to_string(reserveBytes) + " bytes of reserve, got " +
                std::to_string(buffers.reserveBytes));
}

void RuntimeRnn::forward(RuntimeContext& context, bool isTraining, const RuntimeRnnBuffers& buffers) {
  const RuntimeRnnBuffers& b = buffers;
  checkBuffers("cudnnRNNForward", isTraining, b);
  require(b.dX && b.dYOut && b.dWeights, "cudnnRNNForward", "expected x, y and weights");
  // The lengths on the device are null: since 8.9.1 cuDNN takes those of the data descriptor.
  LSTM_API_CALL(context.libraries.cudnn, cudnnRNNForward, context.cudnn, descriptors.rnn,
                isTraining ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, nullptr, descriptors.x, b.dX,
                descriptors.y, b.dYOut, descriptors.h, b.dHx, b.dHy, descriptors.c, b.dCx, b.dCy,
                b.weightBytes, b.dWeights, b.workBytes, b.dWork, isTraining ? b.reserveBytes : 0,
                isTraining ? b.dReserve : nullptr);
}

void RuntimeRnn::backwardData(RuntimeContext& context, const RuntimeRnnBuffers& buffers) {
  const RuntimeRnnBuffers& b = buffers;
  checkBuffers("cudnnRNNBackwardData_v8", true, b);
  require(b.dY && b.dGradY && b.dGradX && b.dWeights, "cudnnRNNBackwardData_v8",
          "expected y, dy, dx and weights");
  LSTM_API_CALL(context.libraries.cudnn, cudnnRNNBackwardData_v8, context.cudnn, descriptors.rnn, nullptr,
                descriptors.y, b.dY, b.dGradY, descriptors.x, b.dGradX, descriptors.h, b.dHx, b.dGradHy,
                b.dGradHx, descriptors.c, b.dCx, b.dGradCy, b.dGradCx, b.weightBytes, b.dWeights, b.workBytes,
                b.dWork, b.reserveBytes, b.dReserve);
}

void RuntimeRnn::backwardWeights(RuntimeContext& context, const RuntimeRnnBuffers& buffers) {
  const RuntimeRnnBuffers& b = buffers;
  checkBuffers("cudnnRNNBackwardWeights_v8", true, b);
  require(b.dX && b.dY && b.dGradWeights, "cudnnRNNBackwardWeights_v8",
          "expected x, y and the weights' gradient");
  LSTM_API_CALL(context.libraries.cudnn, cudnnRNNBackwardWeights_v8, context.cudnn, descriptors.rnn,
                CUDNN_WGRAD_MODE_ADD, nullptr, descriptors.x, b.dX, descriptors.h, b.dHx, descriptors.y, b.dY,
                b.weightBytes, b.dGradWeights, b.workBytes, b.dWork, b.reserveBytes, b.dReserve);
}
