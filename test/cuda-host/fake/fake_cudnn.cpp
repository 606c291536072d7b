// A library under cuDNN's name that is not one to be used: of the version FAKE_CUDNN_VERSION, with libraries beside it
// that do not belong to it (FAKE_CUDNN_MIXED), built for CUDA FAKE_CUDNN_CUDA.
#include <cstddef>
#include <cstdlib>

namespace {

long number(const char* name, long standard) {
  const char* value = std::getenv(name);
  return value ? std::atol(value) : standard;
}

}  // namespace

extern "C" {

size_t cudnnGetVersion() {
  return static_cast<size_t>(number("FAKE_CUDNN_VERSION", 92400));
}
size_t cudnnGetCudartVersion() {
  return static_cast<size_t>(number("FAKE_CUDNN_CUDA", 13000));
}
int cudnnAdvVersionCheck() {
  return std::getenv("FAKE_CUDNN_MIXED") ? 1002 : 0;
}
const char* cudnnGetErrorString(int) {
  return "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH";
}

// A function that is looked for and never called.
#define UNUSED(name) \
  void name() {      \
    std::abort();    \
  }
UNUSED(cudnnGetLastErrorString)
UNUSED(cudnnCreate)
UNUSED(cudnnDestroy)
UNUSED(cudnnSetStream)
UNUSED(cudnnCreateDropoutDescriptor)
UNUSED(cudnnDestroyDropoutDescriptor)
UNUSED(cudnnSetDropoutDescriptor)
UNUSED(cudnnDropoutGetStatesSize)
UNUSED(cudnnCreateTensorDescriptor)
UNUSED(cudnnDestroyTensorDescriptor)
UNUSED(cudnnSetTensorNdDescriptor)
UNUSED(cudnnGetTensorNdDescriptor)
UNUSED(cudnnCreateRNNDescriptor)
UNUSED(cudnnDestroyRNNDescriptor)
UNUSED(cudnnSetRNNDescriptor_v8)
UNUSED(cudnnRNNSetClip_v9)
UNUSED(cudnnCreateRNNDataDescriptor)
UNUSED(cudnnDestroyRNNDataDescriptor)
UNUSED(cudnnSetRNNDataDescriptor)
UNUSED(cudnnGetRNNWeightSpaceSize)
UNUSED(cudnnGetRNNWeightParams)
UNUSED(cudnnGetRNNTempSpaceSizes)
UNUSED(cudnnBuildRNNDynamic)
UNUSED(cudnnRNNForward)
UNUSED(cudnnRNNBackwardData_v8)
UNUSED(cudnnRNNBackwardWeights_v8)
}
