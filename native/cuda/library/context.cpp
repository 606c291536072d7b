#include "cuda/library/context.h"

#include "cuda/library/discovery.h"
#include "cuda/library/kernels.h"

using lstm::gpu::fail;

namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

// NVIDIA's recommendation for cuBLASLt: 32 MiB from Hopper on.
size_t workspaceFor(int computeMajor) {
  return (computeMajor >= 9 ? 32 : 8) * kMegabyte;
}

}  // namespace

RuntimeContext::RuntimeContext(int index) : device(index), libraries(lstm::gpu::libraries()) {
  lstm::gpu::requireDevice(index);
  try {
    open();
  } catch (...) {
    close();
    throw;
  }
}

RuntimeContext::~RuntimeContext() {
  close();
}

void RuntimeContext::open() {
  LSTM_CUDA_CALL(cudaSetDevice, device);
  int major = 0;
  LSTM_CUDA_CALL(cudaDeviceGetAttribute, &major, cudaDevAttrComputeCapabilityMajor, device);
  LSTM_CUDA_CALL(cudaDeviceGetAttribute, &multiprocessors, cudaDevAttrMultiProcessorCount, device);
  lstm::gpu::requireKernels();
  LSTM_CUDA_CALL(cudaStreamCreateWithFlags, &stream, cudaStreamNonBlocking);
  LSTM_CUDA_CALL(cudaStreamCreateWithFlags, &copies, cudaStreamNonBlocking);
  LSTM_CUDA_CALL(cudaEventCreate, &timeStart);
  LSTM_CUDA_CALL(cudaEventCreate, &timeStop);
  staging = std::make_unique<lstm::gpu::Staging>(stream, copies);
  fetches = std::make_unique<lstm::gpu::Fetches>(stream);
  LSTM_API_CALL(libraries.cudnn, cudnnCreate, &cudnn);
  LSTM_API_CALL(libraries.cudnn, cudnnSetStream, cudnn, stream);
  LSTM_API_CALL(libraries.cublasLt, cublasLtCreate, &cublasLt);
  gemmWorkspaceBytes = workspaceFor(major);
  LSTM_CUDA_CALL(cudaMalloc, &gemmWorkspace, gemmWorkspaceBytes);
  void* scratch = nullptr;
  LSTM_CUDA_CALL(cudaMalloc, &scratch, lstm::gpu::kColumnScratchFloats * sizeof(float));
  columnScratch = static_cast<float*>(scratch);
  gemmPlans = std::make_unique<lstm::gpu::GemmPlans>(libraries.cublasLt);
}

// Statuses are of no use here: after a lost device every call fails, and there is nobody to tell.
void RuntimeContext::close() noexcept {
  if (cudaSetDevice(device) != cudaSuccess) cudaGetLastError();
  if (copies) cudaStreamSynchronize(copies);
  if (stream) cudaStreamSynchronize(stream);
  gemmPlans.reset();
  if (cudnn) libraries.cudnn.cudnnDestroy(cudnn);
  if (cublasLt) libraries.cublasLt.cublasLtDestroy(cublasLt);
  staging.reset();
  fetches.reset();
  if (gemmWorkspace) cudaFree(gemmWorkspace);
  if (columnScratch) cudaFree(columnScratch);
  if (timeStart) cudaEventDestroy(timeStart);
  if (timeStop) cudaEventDestroy(timeStop);
  if (copies) cudaStreamDestroy(copies);
  if (stream) cudaStreamDestroy(stream);
  cudaGetLastError();
}

void RuntimeContext::enter() const {
  if (isLost) fail(kRuntimeLost, "context", "the device was lost before: " + lostBy);
  LSTM_CUDA_CALL(cudaSetDevice, device);
}

void RuntimeContext::requireNotCapturing(const char* call) const {
  lstm::gpu::require(!isCapturing, call, "not possible while a graph is captured");
}
