#include <memory>
#include <new>

#include "cuda/library/discovery.h"
#include "cuda/library/graph.h"
#include "cuda/library/kernels.h"
#include "cuda/library/rnn.h"

// The table of native/cuda/runtime.h: every entry turns exceptions into a status. Nothing else is exported.
namespace lstm::gpu {
namespace {

RuntimeStatus refused(const Failure& failure, RuntimeError* error) {
  report(failure, error);
  return failure.status;
}

template <typename Body>
RuntimeStatus guarded(RuntimeError* error, Body body) noexcept {
  try {
    body();
    return kRuntimeOk;
  } catch (const Failure& failure) {
    return refused(failure, error);
  } catch (const std::bad_alloc&) {
    return refused({kRuntimeOutOfMemory, 0, "host", "the process has no memory left"}, error);
  } catch (const std::exception& unexpected) {
    return refused({kRuntimeInvalid, 0, "host", unexpected.what()}, error);
  }
}

// An execution failure of cuDNN or cuBLASLt that leaves the stream sound is one of this algorithm on this card (a
// persistent kernel that does not fit, a call that cannot be captured); otherwise the device is lost.
void askDevice(RuntimeContext& context, Failure& failure) {
  if (!failure.askDevice) return;
  if (!context.isCapturing) {
    const cudaError_t status = cudaStreamSynchronize(context.stream);
    if (status != cudaSuccess) {
      failure.text += std::string("; then ") + cudaGetErrorName(status) + ": " + cudaGetErrorString(status);
      return;
    }
    cudaGetLastError();
  }
  failure.status = kRuntimeNotSupported;
}

template <typename Body>
RuntimeStatus within(RuntimeContext* context, RuntimeError* error, Body body) noexcept {
  return guarded(error, [&] {
    require(context != nullptr, "context", "expected a context");
    context->enter();
    try {
      body(*context);
    } catch (Failure& failure) {
      askDevice(*context, failure);
      if (failure.status == kRuntimeLost) {
        context->isLost = true;
        context->lostBy = failure.call + ": " + failure.text;
      }
      throw;
    }
  });
}

Launch launchOf(const RuntimeContext& context) {
  return {context.stream, context.multiprocessors};
}

template <typename Body>
RuntimeStatus launching(RuntimeContext* context, RuntimeError* error, Body body) noexcept {
  return within(context, error, [&](RuntimeContext& c) { body(launchOf(c)); });
}

// Discovery

RuntimeStatus countDevices(int* count, RuntimeError* error) noexcept {
  *count = 0;
  return guarded(error, [&] { *count = deviceCount(); });
}

RuntimeStatus describeDevice(int index, RuntimeDeviceInfo* info, RuntimeError* error) noexcept {
  return guarded(error, [&] { *info = deviceInfo(index); });
}

int listPlaces(RuntimePlace* to, int capacity) noexcept {
  try {
    return places(to, capacity);
  } catch (...) {
    return 0;  // no memory for a list
  }
}

RuntimeStatus createContext(int index, RuntimeContext** context, RuntimeError* error) noexcept {
  *context = nullptr;
  return guarded(error, [&] { *context = new RuntimeContext(index); });
}

void destroyContext(RuntimeContext* context) noexcept {
  delete context;
}

// Memory

RuntimeStatus allocate(RuntimeContext* context, size_t bytes, void** memory, RuntimeError* error) noexcept {
  *memory = nullptr;
  return within(context, error, [&](RuntimeContext& c) {
    c.requireNotCapturing("allocate");
    if (bytes == 0) bytes = 1;
    void* fresh = nullptr;
    LSTM_CUDA_CALL(cudaMalloc, &fresh, bytes);
    const cudaError_t status = cudaMemsetAsync(fresh, 0, bytes, c.stream);
    if (status != cudaSuccess) cudaFree(fresh);
    check(status, "cudaMemsetAsync");
    *memory = fresh;
  });
}

void release(RuntimeContext* context, void* memory) noexcept {
  if (!context || !memory) return;
  cudaSetDevice(context->device);
  cudaFree(memory);
  cudaGetLastError();
}

RuntimeStatus memoryInfo(RuntimeContext* context, uint64_t* freeBytes, uint64_t* totalBytes,
                         RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext&) {
    size_t available = 0;
    size_t total = 0;
    LSTM_CUDA_CALL(cudaMemGetInfo, &available, &total);
    *freeBytes = available;
    *totalBytes = total;
  });
}

RuntimeStatus allocatePinned(RuntimeContext* context, size_t bytes, void** memory,
                             RuntimeError* error) noexcept {
  *memory = nullptr;
  return within(context, error, [&](RuntimeContext& c) {
    c.requireNotCapturing("allocatePinned");
    LSTM_CUDA_CALL(cudaMallocHost, memory, bytes == 0 ? 1 : bytes);
  });
}

void releasePinned(RuntimeContext* context, void* memory) noexcept {
  if (!context || !memory) return;
  cudaSetDevice(context->device);
  cudaFreeHost(memory);
  cudaGetLastError();
}

RuntimeStatus copyIn(RuntimeContext* context, void* device, const void* host, size_t bytes,
                     RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    c.requireNotCapturing("copyIn");
    c.staging->copyIn(device, host, bytes);
  });
}

RuntimeStatus copyOut(RuntimeContext* context, void* host, const void* device, size_t bytes,
                      RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    c.requireNotCapturing("copyOut");
    LSTM_CUDA_CALL(cudaMemcpyAsync, host, device, bytes, cudaMemcpyDeviceToHost, c.stream);
    LSTM_CUDA_CALL(cudaStreamSynchronize, c.stream);
  });
}

RuntimeStatus copyWithin(RuntimeContext* context, void* to, const void* from, size_t bytes,
                         RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    LSTM_CUDA_CALL(cudaMemcpyAsync, to, from, bytes, cudaMemcpyDeviceToDevice, c.stream);
  });
}

RuntimeStatus copyRows(RuntimeContext* context, float* to, int64_t toStride, const float* from,
                       int64_t fromStride, int64_t width, int64_t rows, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    require(width >= 0 && rows >= 0 && toStride >= width && fromStride >= width, "copyRows",
            "expected rows no wider than their strides");
    if (width == 0 || rows == 0) return;
    LSTM_CUDA_CALL(cudaMemcpy2DAsync, to, toStride * sizeof(float), from, fromStride * sizeof(float),
                   width * sizeof(float), rows, cudaMemcpyDeviceToDevice, c.stream);
  });
}

RuntimeStatus zero(RuntimeContext* context, void* device, size_t bytes, RuntimeError* error) noexcept {
  return within(context, error,
                [&](RuntimeContext& c) { LSTM_CUDA_CALL(cudaMemsetAsync, device, 0, bytes, c.stream); });
}

RuntimeStatus synchronize(RuntimeContext* context, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    c.requireNotCapturing("synchronize");
    LSTM_CUDA_CALL(cudaStreamSynchronize, c.stream);
  });
}

RuntimeStatus beginFetch(RuntimeContext* context, const void* device, size_t bytes, uint64_t* ticket,
                         RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    c.requireNotCapturing("fetch");
    *ticket = c.fetches->begin(device, bytes);
  });
}

RuntimeStatus collectFetch(RuntimeContext* context, uint64_t ticket, void* host, size_t bytes,
                           RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    c.requireNotCapturing("collect");
    c.fetches->collect(ticket, host, bytes);
  });
}

// Graphs

RuntimeStatus startCapture(RuntimeContext* context, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) { beginCapture(c); });
}

RuntimeStatus finishCapture(RuntimeContext* context, RuntimeGraph** graph, RuntimeError* error) noexcept {
  *graph = nullptr;
  return within(context, error, [&](RuntimeContext& c) { *graph = endCapture(c); });
}

RuntimeStatus runGraph(RuntimeContext* context, RuntimeGraph* graph, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    require(graph != nullptr, "launchGraph", "expected a graph");
    launchGraph(c, *graph);
  });
}

void dropGraph(RuntimeContext* context, RuntimeGraph* graph) noexcept {
  if (context) cudaSetDevice(context->device);
  destroyGraph(graph);
}

// cuDNN

RuntimeStatus rnnCreate(RuntimeContext* context, const RuntimeRnnConfig* config, RuntimeRnn** rnn,
                        RuntimeError* error) noexcept {
  *rnn = nullptr;
  return within(context, error, [&](RuntimeContext& c) { *rnn = new RuntimeRnn(c, *config); });
}

void rnnDestroy(RuntimeContext*, RuntimeRnn* rnn) noexcept {
  delete rnn;
}

RuntimeStatus rnnWeightBytes(RuntimeContext* context, RuntimeRnn* rnn, size_t* bytes,
                             RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext&) { *bytes = rnn->weightBytes; });
}

RuntimeStatus rnnDropoutBytes(RuntimeContext* context, size_t* bytes, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    LSTM_API_CALL(c.libraries.cudnn, cudnnDropoutGetStatesSize, c.cudnn, bytes);
  });
}

RuntimeStatus rnnSetShape(RuntimeContext* context, RuntimeRnn* rnn, const RuntimeRnnShape* shape,
                          size_t* workBytes, size_t* reserveBytes, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    rnn->setShape(c, *shape);
    if (workBytes) *workBytes = rnn->workBytes;
    if (reserveBytes) *reserveBytes = rnn->reserveBytes;
  });
}

RuntimeStatus rnnForward(RuntimeContext* context, RuntimeRnn* rnn, int training,
                         const RuntimeRnnBuffers* buffers, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) { rnn->forward(c, training != 0, *buffers); });
}

RuntimeStatus rnnBackwardData(RuntimeContext* context, RuntimeRnn* rnn, const RuntimeRnnBuffers* buffers,
                              RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) { rnn->backwardData(c, *buffers); });
}

RuntimeStatus rnnBackwardWeights(RuntimeContext* context, RuntimeRnn* rnn, const RuntimeRnnBuffers* buffers,
                                 RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) { rnn->backwardWeights(c, *buffers); });
}

RuntimeStatus timeStart(RuntimeContext* context, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    c.requireNotCapturing("timeStart");
    LSTM_CUDA_CALL(cudaEventRecord, c.timeStart, c.stream);
  });
}

RuntimeStatus timeStop(RuntimeContext* context, float* milliseconds, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    c.requireNotCapturing("timeStop");
    LSTM_CUDA_CALL(cudaEventRecord, c.timeStop, c.stream);
    LSTM_CUDA_CALL(cudaEventSynchronize, c.timeStop);
    LSTM_CUDA_CALL(cudaEventElapsedTime, milliseconds, c.timeStart, c.timeStop);
  });
}

RuntimeStatus runGemm(RuntimeContext* context, const RuntimeGemm* gemm, RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) { c.gemmPlans->run(c, *gemm); });
}

// Our kernels

RuntimeStatus runActivation(RuntimeContext* context, int activation, int64_t rows, int channels, float* y,
                            RuntimeError* error) noexcept {
  return launching(context, error,
                   [&](const Launch& launch) { activationForward(launch, activation, rows, channels, y); });
}

RuntimeStatus runActivationGradient(RuntimeContext* context, int activation, int64_t rows, int channels,
                                    const float* y, float* dy, RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) {
    activationBackward(launch, activation, rows, channels, y, dy);
  });
}

RuntimeStatus runColumnSums(RuntimeContext* context, int64_t rows, int channels, const float* x, float* sums,
                            RuntimeError* error) noexcept {
  return within(context, error, [&](RuntimeContext& c) {
    columnSums(launchOf(c), rows, channels, x, sums, c.columnScratch);
  });
}

RuntimeStatus runAdd(RuntimeContext* context, float* to, const float* from, int64_t count,
                     RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) { add(launch, to, from, count); });
}

RuntimeStatus runToHalf(RuntimeContext* context, int kind, void* to, const float* from, int64_t count,
                        RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) { toHalf(launch, kind, to, from, count); });
}

RuntimeStatus runFromHalf(RuntimeContext* context, int kind, float* to, const void* from, int64_t count,
                          int sum, RuntimeError* error) noexcept {
  return launching(context, error,
                   [&](const Launch& launch) { fromHalf(launch, kind, to, from, count, sum != 0); });
}

RuntimeStatus runCopyIf(RuntimeContext* context, float* to, const float* from, int64_t count,
                        const int32_t* flag, RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) { copyIf(launch, to, from, count, flag); });
}

RuntimeStatus runEmbedding(RuntimeContext* context, int64_t rows, int size, const int32_t* tokens,
                           const float* table, float* y, RuntimeError* error) noexcept {
  return launching(context, error,
                   [&](const Launch& launch) { embeddingForward(launch, rows, size, tokens, table, y); });
}

RuntimeStatus runEmbeddingGradient(RuntimeContext* context, int64_t rows, int size, const int32_t* tokens,
                                   const int32_t* order, const float* dy, float* dTable,
                                   RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) {
    embeddingBackward(launch, rows, size, tokens, order, dy, dTable);
  });
}

RuntimeStatus runDropout(RuntimeContext* context, const RuntimeDropout* args, RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) { dropout(launch, *args); });
}

RuntimeStatus runActivationRegularizer(RuntimeContext* context, const RuntimeActivationRegularizer* args,
                                       RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) { activationRegularizer(launch, *args); });
}

RuntimeStatus runPool(RuntimeContext* context, const RuntimePool* pool, const float* x, float* y,
                      int32_t* argmax, RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) { poolForward(launch, *pool, x, y, argmax); });
}

RuntimeStatus runPoolGradient(RuntimeContext* context, const RuntimePool* pool, const float* dy,
                              const int32_t* argmax, float* dx, RuntimeError* error) noexcept {
  return launching(context, error,
                   [&](const Launch& launch) { poolBackward(launch, *pool, dy, argmax, dx); });
}

RuntimeStatus runLoss(RuntimeContext* context, const RuntimeLoss* args, RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) { loss(launch, *args); });
}

RuntimeStatus runMetrics(RuntimeContext* context, const RuntimeMetrics* args, RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) { metrics(launch, *args); });
}

RuntimeStatus runUpdate(RuntimeContext* context, const RuntimeUpdate* args, int penaltyOnly,
                        RuntimeError* error) noexcept {
  return launching(context, error, [&](const Launch& launch) { update(launch, *args, penaltyOnly != 0); });
}

CudaRuntime makeTable() {
  CudaRuntime table{};
  table.abi = LSTM_CUDA_ABI;
  table.implementation = "cuda";
  table.places = listPlaces;
  table.deviceCount = countDevices;
  table.deviceInfo = describeDevice;
  table.createContext = createContext;
  table.destroyContext = destroyContext;
  table.allocate = allocate;
  table.release = release;
  table.memoryInfo = memoryInfo;
  table.allocatePinned = allocatePinned;
  table.releasePinned = releasePinned;
  table.copyIn = copyIn;
  table.copyOut = copyOut;
  table.copyWithin = copyWithin;
  table.copyRows = copyRows;
  table.zero = zero;
  table.synchronize = synchronize;
  table.fetch = beginFetch;
  table.collect = collectFetch;
  table.beginCapture = startCapture;
  table.endCapture = finishCapture;
  table.launchGraph = runGraph;
  table.destroyGraph = dropGraph;
  table.rnnCreate = rnnCreate;
  table.rnnDestroy = rnnDestroy;
  table.rnnWeightBytes = rnnWeightBytes;
  table.rnnDropoutBytes = rnnDropoutBytes;
  table.rnnSetShape = rnnSetShape;
  table.rnnForward = rnnForward;
  table.rnnBackwardData = rnnBackwardData;
  table.rnnBackwardWeights = rnnBackwardWeights;
  table.timeStart = timeStart;
  table.timeStop = timeStop;
  table.gemm = runGemm;
  table.activationForward = runActivation;
  table.activationBackward = runActivationGradient;
  table.columnSums = runColumnSums;
  table.add = runAdd;
  table.toHalf = runToHalf;
  table.fromHalf = runFromHalf;
  table.copyIf = runCopyIf;
  table.embeddingForward = runEmbedding;
  table.embeddingBackward = runEmbeddingGradient;
  table.dropout = runDropout;
  table.poolForward = runPool;
  table.poolBackward = runPoolGradient;
  table.activationPartials = activationPartials;
  table.activationRegularizer = runActivationRegularizer;
  table.lossPartials = lossPartials;
  table.loss = runLoss;
  table.metrics = runMetrics;
  table.updatePartials = updatePartials;
  table.update = runUpdate;
  return table;
}

}  // namespace
}  // namespace lstm::gpu

extern "C" __attribute__((visibility("default"))) const CudaRuntime* cudnn_lstm_cuda_runtime(int abi) {
  static const CudaRuntime table = lstm::gpu::makeTable();
  return abi == LSTM_CUDA_ABI ? &table : nullptr;
}
