#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/update_rule.h"

// Everything the CUDA device asks of CUDA, cuDNN and cuBLASLt, as one table of C functions over plain data. The device's
// own logic (native/cuda/*.cpp) is written against this table and includes no CUDA header. `libcudnn_lstm_cuda.so`
// (native/cuda/library/) implements it on a GPU; a stand-in for tests (test/native/cuda_standin/) implements it in host
// memory. No exception crosses: every function that can fail returns a RuntimeStatus and fills `error`.
//
// Work is ordered: everything a context is asked for runs in the order of the calls on one compute stream, unless a
// comment says "copy stream". Pointers named d* or typed Device* are device memory; others are host memory.

#ifdef __cplusplus
extern "C" {
#endif

#define LSTM_CUDA_ABI 3

typedef enum RuntimeStatus {
  kRuntimeOk = 0,
  kRuntimeOutOfMemory = 1,   // the request can be repeated with less
  kRuntimeNotSupported = 2,  // this library, card or algorithm cannot do this; nothing ran
  kRuntimeInvalid = 3,       // refused before anything ran
  kRuntimeUnavailable =
      4,            // no driver, library or device; `text` says what was looked for and what to install
  kRuntimeLost = 5  // execution failed: the context is of no use any more, only destroying it works
} RuntimeStatus;

typedef struct RuntimeError {
  int code;         // of the library that failed
  char call[64];    // cudnnRNNForward
  char text[1024];  // its own words, cuDNN's last-error text included
} RuntimeError;

typedef struct RuntimeDeviceInfo {
  char name[128];
  int index;
  int computeMajor, computeMinor;
  int multiprocessors;
  uint64_t totalBytes, freeBytes;
  int driverVersion;     // 13000 = 13.0
  int runtimeVersion;    // of the static cudart
  int64_t cudnnVersion;  // 92400 = 9.24.0; 0 = none
  int64_t cublasLtVersion;
} RuntimeDeviceInfo;

typedef struct RuntimePlace {  // one path that was tried
  char library[32];            // "cudnn", "cublasLt", "nvrtc", "driver"
  char path[512];
  char outcome[512];  // "loaded 9.24.0", or why not
} RuntimePlace;

typedef enum RuntimePrecision {
  kPrecisionFp32 = 0,
  kPrecisionTf32 = 1,
  kPrecisionFp16 = 2,
  kPrecisionBf16 = 3
} RuntimePrecision;
typedef enum RuntimeRnnAlgorithm {
  kRnnStandard = 0,
  kRnnPersistStatic = 1,
  kRnnPersistDynamic = 2,
  kRnnSmallH = 3
} RuntimeRnnAlgorithm;

typedef struct RuntimeRnnConfig {
  int inputSize, hiddenSize, projectionSize;  // projectionSize == hiddenSize: none
  int numLayers;
  int bidirectional;
  int biasMode;     // 0 none, 1 single (input), 2 double
  int algorithm;    // RuntimeRnnAlgorithm
  int precision;    // RuntimePrecision
  double cellClip;  // <= 0: none; else c is clamped to [-cellClip, cellClip]
  // Dropout between the layers, drawn by the library; 0: none. Its state is the caller's: rnnDropoutBytes() of device
  // memory that outlives the RNN and is this one's alone. rnnCreate seeds it, every training forward moves it on.
  float dropout;
  uint64_t dropoutSeed;
  void* dDropoutState;
  size_t dropoutStateBytes;
} RuntimeRnnConfig;

// x, y: packed (BatchShape): step-major, lengths descending, max(lengths) == timeSteps.
typedef struct RuntimeRnnShape {
  int batchSize, timeSteps;
  const int32_t* lengths;  // [batchSize]
} RuntimeRnnShape;

// Tensors of the RNN's precision: float32 for fp32 and tf32, else of two bytes an element.
typedef struct RuntimeRnnBuffers {
  const void *dX, *dY, *dHx, *dCx;         // inputs of a pass (dY: of the backward passes)
  void *dYOut, *dHy, *dCy;                 // forward's outputs; dHy, dCy may be null
  const void *dGradY, *dGradHy, *dGradCy;  // backward data's inputs; dGradHy, dGradCy may be null
  void *dGradX, *dGradHx, *dGradCx;        // backward data's outputs; dGradHx, dGradCx may be null
  const void* dWeights;
  void* dGradWeights;  // added to
  size_t weightBytes;
  void* dWork;
  size_t workBytes;
  void* dReserve;  // null in inference
  size_t reserveBytes;
} RuntimeRnnBuffers;

typedef enum RuntimeEpilogue { kEpilogueNone = 0, kEpilogueBias = 1, kEpilogueBiasRelu = 2 } RuntimeEpilogue;

// C[m, n] = alpha op(A) op(B) + beta C, all row-major. C and the bias are float32, and so are A and B, except with fp16
// and bf16, whose A and B are of two bytes an element; sums are float32.
typedef struct RuntimeGemm {
  int transposeA, transposeB;
  int64_t m, n, k;
  float alpha, beta;
  const void* dA;
  int64_t lda;
  const void* dB;
  int64_t ldb;
  float* dC;
  int64_t ldc;
  int epilogue;        // RuntimeEpilogue
  const float* dBias;  // [n]
  int precision;
} RuntimeGemm;

// What changes from step to step and must not be baked into a graph: StepScalars of engine/device.h, field by field, in
// device memory, one per session. The host writes drawStep and learningRate, the update the rest.
typedef struct RuntimeScalars {
  uint32_t drawStep;  // Philox step of dropout
  float learningRate;
  int64_t step;       // updates applied
  float lossScale;    // gradients are lossScale times the loss's; 1 without
  int32_t goodSteps;  // updates applied since lossScale last changed
  int64_t averaged;   // updates that dAverage holds
} RuntimeScalars;

typedef enum RuntimeHalfKind { kHalfNone = 0, kHalfFp16 = 1, kHalfBf16 = 2 } RuntimeHalfKind;

typedef struct RuntimeTensorRow {  // as TensorRow, in device memory
  int64_t offset, size;
  int64_t rowSize;
  int32_t trainable;
  float l1, l2;
  float rateScale, weightDecay;
  int32_t constraint;  // 0 none, 1 nonNegative, 2 maxNorm
  float maxNorm;
  int32_t byColumn;
} RuntimeTensorRow;

// Sums in device memory: LossSums and UpdateSums of engine/device.h, field by field.
typedef struct RuntimeLossSums {
  double loss, correct, absoluteError, squaredError, logLikelihood, count;
} RuntimeLossSums;
typedef struct RuntimeUpdateSums {
  double penalty, squaredNorm;
  int64_t step;     // scalars' after the update
  float lossScale;  // of these gradients
  int32_t applied;
} RuntimeUpdateSums;

typedef struct RuntimeUpdate {
  lstm::UpdateRule rule;
  uint64_t seed;    // of gradient noise
  float gradScale;  // of the gradients, beside 1 / lossScale
  int unscaled;     // the gradients are the loss's own, whatever lossScale says; it stays as it is
  int rowCount;
  int hasMaxNorm;  // some row has that constraint
  const RuntimeTensorRow* dRows;
  int64_t size;  // of the arenas
  float *dParams, *dGrads;
  float *dM, *dV, *dAux, *dAverage;  // null where the rule keeps none
  void* dHalfParams;  // null: none; else a copy of what the update writes to dParams, in elements of halfKind
  int halfKind;       // RuntimeHalfKind
  int dynamicLossScale;  // lossScale is halved by a norm that is not finite and doubled by 2000 updates in a row
  RuntimeScalars* dScalars;
  const RuntimeLossSums* dLosses;  // [lossCount], null: not checked
  int lossCount;
  double* dTensorNorms;  // [rowCount] scratch: squared norm by tensor
  double* dPartials;     // scratch, updatePartials() doubles
  RuntimeUpdateSums* dSums;
} RuntimeUpdate;

typedef struct RuntimeLoss {
  int kind;  // LossKind of engine/device.h
  int64_t rows;
  int classes;
  const float* dPredictions;
  const int32_t* dIds;
  const float* dValues;
  const float* dRowWeights;
  float* dGradient;                // may be null
  float gradientScale;             // multiplies the gradient
  const RuntimeScalars* dScalars;  // its lossScale does too; null: it does not
  double* dPartials;               // scratch, lossPartials(rows) doubles; sums are added in a fixed order
  RuntimeLossSums* dSums;
  const double* dElements;     // [1], null: every row counts alike
  const float* dClassWeights;  // [classes] or null
  const float* dQuantiles;     // [quantileCount]
  int quantileCount;
  float delta, labelSmoothing;
  int full, weighMetrics;
} RuntimeLoss;

typedef struct RuntimeMetrics {  // MetricArgs of engine/device.h
  int kind;
  int64_t rows;
  int classes, channelsPerTarget;
  const float* dPredictions;
  const int32_t* dIds;
  const float* dValues;
  const float* dRowWeights;
  int topK, point, lower, upper;
  float halfWidth;
  int32_t* dScratch;     // [rows, 3]
  double* dClassCounts;  // these four null: not wanted
  double* dConfusion;
  double* dRanked;
  double* dTargetSums;
} RuntimeMetrics;

typedef struct RuntimeDropout {
  int64_t rows;
  int channels;
  float rate;
  uint64_t seed;
  uint32_t stream;
  const RuntimeScalars* dScalars;  // drawStep
  const int32_t*
      dRowToSequence;  // [rows] n of each packed row: one mask for a sequence's every step; null: element-wise
  const int32_t*
      dRowKeys;  // [rows]; not null: a row is kept or dropped whole, by the draw's element dRowKeys[row]
  const float* dX;
  float* dY;
} RuntimeDropout;

typedef struct RuntimeActivationRegularizer {  // engine/device.h ActivationRegularizerArgs
  int64_t rows;
  int channels, batchSize, timeSteps;
  const int32_t* dLengths;        // [batchSize]; null: vectors, rows == batchSize
  const int64_t* dRowOffset;      // [timeSteps + 1]
  const int32_t* dRowToSequence;  // [rows]
  float ar, tar;
  const float* dY;
  float* dGradY;  // added to
  float gradientScale;
  const RuntimeScalars* dScalars;  // its lossScale multiplies the gradient too; null: it does not
  double* dPartials;               // scratch, activationPartials(rows, channels) doubles
  double* dSum;                    // added to
} RuntimeActivationRegularizer;

typedef struct RuntimePool {
  int mode;  // 0 last, 1 mean, 2 max
  int batchSize, timeSteps, channels;
  const int32_t* dLengths;    // [batchSize]
  const int64_t* dRowOffset;  // [timeSteps + 1]
} RuntimePool;

enum { kRuntimeFetches = 8, kRuntimeFetchBytes = 65536 };

typedef struct RuntimeContext RuntimeContext;
typedef struct RuntimeRnn RuntimeRnn;
typedef struct RuntimeGraph RuntimeGraph;

typedef struct CudaRuntime {
  int abi;
  const char* implementation;  // "cuda", or "stand-in": what a caller may not mistake for a GPU

  // Discovery. `places` (may be null) receives up to `capacity` entries; returns how many there are.
  int (*places)(RuntimePlace* places, int capacity);
  RuntimeStatus (*deviceCount)(int* count, RuntimeError* error);
  RuntimeStatus (*deviceInfo)(int index, RuntimeDeviceInfo* info, RuntimeError* error);

  // A context belongs to the thread that uses it; one per device of an environment.
  RuntimeStatus (*createContext)(int index, RuntimeContext** context, RuntimeError* error);
  void (*destroyContext)(RuntimeContext* context);  // waits; never fails

  RuntimeStatus (*allocate)(RuntimeContext*, size_t bytes, void** memory,
                            RuntimeError* error);  // 256-byte aligned, zero
  void (*release)(RuntimeContext*, void* memory);
  RuntimeStatus (*memoryInfo)(RuntimeContext*, uint64_t* freeBytes, uint64_t* totalBytes,
                              RuntimeError* error);
  // Host memory that copies can read while the CPU goes on.
  RuntimeStatus (*allocatePinned)(RuntimeContext*, size_t bytes, void** memory, RuntimeError* error);
  void (*releasePinned)(RuntimeContext*, void* memory);

  // Host memory may be reused at return. The way to the card may be a copy stream's; what comes after waits for it.
  RuntimeStatus (*copyIn)(RuntimeContext*, void* device, const void* host, size_t bytes, RuntimeError* error);
  RuntimeStatus (*copyOut)(RuntimeContext*, void* host, const void* device, size_t bytes,
                           RuntimeError* error);  // waits
  RuntimeStatus (*copyWithin)(RuntimeContext*, void* to, const void* from, size_t bytes, RuntimeError* error);
  RuntimeStatus (*copyRows)(RuntimeContext*, float* to, int64_t toStride, const float* from,
                            int64_t fromStride, int64_t width, int64_t rows, RuntimeError* error);
  RuntimeStatus (*zero)(RuntimeContext*, void* device, size_t bytes, RuntimeError* error);
  RuntimeStatus (*synchronize)(RuntimeContext*, RuntimeError* error);
  // A copy to the host that is not waited for: fetch begins it (at most kRuntimeFetchBytes) and gives its ticket,
  // collect waits for it and copies it out. Good until kRuntimeFetches newer ones were begun.
  RuntimeStatus (*fetch)(RuntimeContext*, const void* device, size_t bytes, uint64_t* ticket,
                         RuntimeError* error);
  RuntimeStatus (*collect)(RuntimeContext*, uint64_t ticket, void* host, size_t bytes, RuntimeError* error);

  // Graphs: what is asked for between begin and end is recorded, not run. Capture may be refused (kRuntimeNotSupported).
  RuntimeStatus (*beginCapture)(RuntimeContext*, RuntimeError* error);
  RuntimeStatus (*endCapture)(RuntimeContext*, RuntimeGraph** graph,
                              RuntimeError* error);  // ends it also when it fails
  RuntimeStatus (*launchGraph)(RuntimeContext*, RuntimeGraph* graph, RuntimeError* error);
  void (*destroyGraph)(RuntimeContext*, RuntimeGraph* graph);

  // cuDNN. rnnCreate refuses what the library refuses (kRuntimeNotSupported).
  RuntimeStatus (*rnnCreate)(RuntimeContext*, const RuntimeRnnConfig* config, RuntimeRnn** rnn,
                             RuntimeError* error);
  void (*rnnDestroy)(RuntimeContext*, RuntimeRnn* rnn);
  RuntimeStatus (*rnnWeightBytes)(RuntimeContext*, RuntimeRnn*, size_t* bytes, RuntimeError* error);
  RuntimeStatus (*rnnDropoutBytes)(RuntimeContext*, size_t* bytes, RuntimeError* error);
  // Sets the shape of the passes that follow and tells their scratch. reserveBytes is for training.
  RuntimeStatus (*rnnSetShape)(RuntimeContext*, RuntimeRnn*, const RuntimeRnnShape* shape, size_t* workBytes,
                               size_t* reserveBytes, RuntimeError* error);
  RuntimeStatus (*rnnForward)(RuntimeContext*, RuntimeRnn*, int training, const RuntimeRnnBuffers* buffers,
                              RuntimeError* error);
  RuntimeStatus (*rnnBackwardData)(RuntimeContext*, RuntimeRnn*, const RuntimeRnnBuffers* buffers,
                                   RuntimeError* error);
  RuntimeStatus (*rnnBackwardWeights)(RuntimeContext*, RuntimeRnn*, const RuntimeRnnBuffers* buffers,
                                      RuntimeError* error);
  // Milliseconds between two marks on the compute stream; waits.
  RuntimeStatus (*timeStart)(RuntimeContext*, RuntimeError* error);
  RuntimeStatus (*timeStop)(RuntimeContext*, float* milliseconds, RuntimeError* error);

  RuntimeStatus (*gemm)(RuntimeContext*, const RuntimeGemm* gemm, RuntimeError* error);

  // Our kernels. Activations: 0 linear, 1 relu, 2 tanh, 3 sigmoid, 4 softmax (engine/device.h Activation).
  RuntimeStatus (*activationForward)(RuntimeContext*, int activation, int64_t rows, int channels, float* dY,
                                     RuntimeError* error);  // in place
  RuntimeStatus (*activationBackward)(RuntimeContext*, int activation, int64_t rows, int channels,
                                      const float* dY, float* dGradY,
                                      RuntimeError* error);  // in place on dGradY
  RuntimeStatus (*columnSums)(RuntimeContext*, int64_t rows, int channels, const float* dX, float* dSums,
                              RuntimeError* error);  // dSums += sums, fixed order
  RuntimeStatus (*add)(RuntimeContext*, float* to, const float* from, int64_t count, RuntimeError* error);
  // Between float32 and RuntimeHalfKind, rounding to nearest even. fromHalf with `sum` adds to what is there.
  RuntimeStatus (*toHalf)(RuntimeContext*, int halfKind, void* to, const float* from, int64_t count,
                          RuntimeError* error);
  RuntimeStatus (*fromHalf)(RuntimeContext*, int halfKind, float* to, const void* from, int64_t count,
                            int sum, RuntimeError* error);
  // to[i] = from[i] where *dFlag is not 0
  RuntimeStatus (*copyIf)(RuntimeContext*, float* to, const float* from, int64_t count, const int32_t* dFlag,
                          RuntimeError* error);
  RuntimeStatus (*embeddingForward)(RuntimeContext*, int64_t rows, int size, const int32_t* dTokens,
                                    const float* dTable, float* dY, RuntimeError* error);
  // dOrder [rows]: row numbers sorted by token, then by row; the same order gives the same bits.
  RuntimeStatus (*embeddingBackward)(RuntimeContext*, int64_t rows, int size, const int32_t* dTokens,
                                     const int32_t* dOrder, const float* dGradY, float* dGradTable,
                                     RuntimeError* error);
  RuntimeStatus (*dropout)(RuntimeContext*, const RuntimeDropout* dropout, RuntimeError* error);
  RuntimeStatus (*poolForward)(RuntimeContext*, const RuntimePool* pool, const float* dX, float* dY,
                               int32_t* dArgmax, RuntimeError* error);
  RuntimeStatus (*poolBackward)(RuntimeContext*, const RuntimePool* pool, const float* dGradY,
                                const int32_t* dArgmax, float* dGradX, RuntimeError* error);
  int64_t (*activationPartials)(int64_t rows, int channels);
  RuntimeStatus (*activationRegularizer)(RuntimeContext*, const RuntimeActivationRegularizer* args,
                                         RuntimeError* error);
  int64_t (*lossPartials)(int64_t rows);
  RuntimeStatus (*loss)(RuntimeContext*, const RuntimeLoss* loss, RuntimeError* error);
  RuntimeStatus (*metrics)(RuntimeContext*, const RuntimeMetrics* metrics, RuntimeError* error);
  int64_t (*updatePartials)(int64_t size, int rowCount);
  // penaltyOnly: fills dSums->penalty and leaves everything else alone.
  RuntimeStatus (*update)(RuntimeContext*, const RuntimeUpdate* update, int penaltyOnly, RuntimeError* error);
} CudaRuntime;

// The one symbol that the library exports. Null when it does not speak this ABI.
typedef const CudaRuntime* (*CudaRuntimeEntry)(int abi);
#define LSTM_CUDA_ENTRY "cudnn_lstm_cuda_runtime"

#ifdef __cplusplus
}  // extern "C"
#endif
