#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/library/libraries.h"

// What cuDNN is told about an RNN and a batch, and what the library does not check by itself. Nothing here needs a
// device or a handle, so it is tested against the real library on any machine (test/cuda-host).
namespace lstm::gpu {

constexpr int kLongestSequence = 65535;  // the data descriptor refuses more

// cuDNN's dropout between layers. The RNN's descriptor keeps a pointer to it.
class DropoutDescriptor {
 public:
  // None for a configuration without. Else it launches the kernel that seeds the state.
  DropoutDescriptor(const CudnnApi& api, cudnnHandle_t cudnn, const RuntimeRnnConfig& config);
  ~DropoutDescriptor();
  DropoutDescriptor(const DropoutDescriptor&) = delete;
  DropoutDescriptor& operator=(const DropoutDescriptor&) = delete;

  cudnnDropoutDescriptor_t handle = nullptr;

 private:
  const CudnnApi& api_;
};

class RnnDescriptors {
 public:
  // Throws kRuntimeNotSupported for what the library (or this code) cannot do, kRuntimeInvalid for what makes no sense.
  RnnDescriptors(const CudnnApi& api, const RuntimeRnnConfig& config,
                 cudnnDropoutDescriptor_t dropout = nullptr);
  ~RnnDescriptors();
  RnnDescriptors(const RnnDescriptors&) = delete;
  RnnDescriptors& operator=(const RnnDescriptors&) = delete;

  // Sets the data and state descriptors; false when the shape is the one that stands already.
  bool setShape(const RuntimeRnnShape& shape);
  bool hasShape() const { return !lengths_.empty(); }

  const RuntimeRnnConfig& config() const { return config_; }
  int directions() const { return config_.bidirectional ? 2 : 1; }
  int batchSize() const { return static_cast<int>(lengths_.size()); }

  cudnnRNNDescriptor_t rnn = nullptr;
  cudnnRNNDataDescriptor_t x = nullptr;
  cudnnRNNDataDescriptor_t y = nullptr;
  cudnnTensorDescriptor_t h = nullptr;
  cudnnTensorDescriptor_t c = nullptr;

 private:
  void create();
  void setRnn(cudnnDropoutDescriptor_t dropout);
  void checkShape(const RuntimeRnnShape& shape) const;
  void setState(cudnnTensorDescriptor_t descriptor, int batchSize, int width);
  void destroy() noexcept;

  const CudnnApi& api_;
  const RuntimeRnnConfig config_;
  std::vector<int32_t> lengths_;
};

}  // namespace lstm::gpu
