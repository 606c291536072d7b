#pragma once

#include <string>
#include <vector>

#include "cuda/library/failure.h"

// cuDNN and cuBLASLt, opened once a process and never closed (their threads and exit handlers would outlive the code).
namespace lstm::gpu {

#define LSTM_CUDNN_FUNCTIONS(X)    \
  X(cudnnGetVersion)               \
  X(cudnnGetCudartVersion)         \
  X(cudnnGetErrorString)           \
  X(cudnnGetLastErrorString)       \
  X(cudnnAdvVersionCheck)          \
  X(cudnnCreate)                   \
  X(cudnnDestroy)                  \
  X(cudnnSetStream)                \
  X(cudnnCreateDropoutDescriptor)  \
  X(cudnnDestroyDropoutDescriptor) \
  X(cudnnSetDropoutDescriptor)     \
  X(cudnnDropoutGetStatesSize)     \
  X(cudnnCreateTensorDescriptor)   \
  X(cudnnDestroyTensorDescriptor)  \
  X(cudnnSetTensorNdDescriptor)    \
  X(cudnnGetTensorNdDescriptor)    \
  X(cudnnCreateRNNDescriptor)      \
  X(cudnnDestroyRNNDescriptor)     \
  X(cudnnSetRNNDescriptor_v8)      \
  X(cudnnRNNSetClip_v9)            \
  X(cudnnCreateRNNDataDescriptor)  \
  X(cudnnDestroyRNNDataDescriptor) \
  X(cudnnSetRNNDataDescriptor)     \
  X(cudnnGetRNNWeightSpaceSize)    \
  X(cudnnGetRNNWeightParams)       \
  X(cudnnGetRNNTempSpaceSizes)     \
  X(cudnnBuildRNNDynamic)          \
  X(cudnnRNNForward)               \
  X(cudnnRNNBackwardData_v8)       \
  X(cudnnRNNBackwardWeights_v8)

#define LSTM_CUBLASLT_FUNCTIONS(X)        \
  X(cublasLtGetVersion)                   \
  X(cublasLtGetStatusString)              \
  X(cublasLtCreate)                       \
  X(cublasLtDestroy)                      \
  X(cublasLtMatmul)                       \
  X(cublasLtMatmulDescCreate)             \
  X(cublasLtMatmulDescDestroy)            \
  X(cublasLtMatmulDescSetAttribute)       \
  X(cublasLtMatrixLayoutCreate)           \
  X(cublasLtMatrixLayoutDestroy)          \
  X(cublasLtMatmulPreferenceCreate)       \
  X(cublasLtMatmulPreferenceDestroy)      \
  X(cublasLtMatmulPreferenceSetAttribute) \
  X(cublasLtMatmulAlgoGetHeuristic)

// The headers give the pointer types, so that a call that does not fit its declaration does not compile.
#define LSTM_API_MEMBER(name) decltype(&::name) name = nullptr;
struct CudnnApi {
  LSTM_CUDNN_FUNCTIONS(LSTM_API_MEMBER)
};
struct CublasLtApi {
  LSTM_CUBLASLT_FUNCTIONS(LSTM_API_MEMBER)
};
#undef LSTM_API_MEMBER

struct Libraries {
  CudnnApi cudnn;
  CublasLtApi cublasLt;
  std::string cudnnFolder;
  int64_t cudnnVersion = 0;
  int64_t cublasLtVersion = 0;
  int cudaMajor = 0;  // that cuDNN was built for
};

// Opens them at the first call. Throws kRuntimeUnavailable with what was looked for and what to install; a later call
// throws the same.
const Libraries& libraries();

// Null, or why libraries() throws.
const Failure* librariesFailure();

// NVRTC, which the persistDynamic algorithm compiles with; opened at the first call. False: it is not there.
bool openNvrtc();

// Every path tried so far, in order.
std::vector<RuntimePlace> triedPlaces();

}  // namespace lstm::gpu
