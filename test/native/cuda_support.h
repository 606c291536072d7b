#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cuda/cuda_device.h"
#include "cuda_standin/control.h"
#include "engine/device_buffer.h"
#include "harness.h"

// The CUDA device's host side on the stand-in (cuda_standin/): no GPU is involved.
struct StandIn {
  const CudaRuntime& runtime;
  decltype(&cudnn_lstm_cuda_standin_reset) reset;
  decltype(&cudnn_lstm_cuda_standin_fail) fail;
  decltype(&cudnn_lstm_cuda_standin_calls) calls;
  decltype(&cudnn_lstm_cuda_standin_name) name;
  decltype(&cudnn_lstm_cuda_standin_violations) violations;
  decltype(&cudnn_lstm_cuda_standin_first_violation) firstViolation;
  decltype(&cudnn_lstm_cuda_standin_check_guards) checkGuards;
  decltype(&cudnn_lstm_cuda_standin_live) live;
  decltype(&cudnn_lstm_cuda_standin_set_cost) setCost;
  decltype(&cudnn_lstm_cuda_standin_forwards) forwards;
  decltype(&cudnn_lstm_cuda_standin_set_device) setDevice;
};

const StandIn& standIn();
std::string testLibrary(const std::string& name);

// Fails when the stand-in saw a breach of its rules or something still lives.
void requireClean(const std::string& where);

// Runs `body` with a device on the stand-in, and afterwards requires that it left nothing and broke no rule.
template <typename Body>
void onStandIn(const lstm::cuda::CudaDeviceOptions& options, Body body) {
  standIn().reset();
  {
    const std::unique_ptr<lstm::cuda::CudaDevice> device =
        lstm::cuda::makeCudaDevice(standIn().runtime, options);
    body(*device);
    standIn().checkGuards();
  }
  requireClean("");
}

// A tensor on any device.
template <typename T>
class On {
 public:
  On(lstm::Device& device, const std::vector<T>& values)
      : device_(device), buffer_(device), size_(values.size()) {
    if (size_ == 0) return;
    buffer_.reserve(size_);
    set(values);
  }
  void set(const std::vector<T>& values) { device_.copyIn(buffer_.data(), values.data(), size_ * sizeof(T)); }
  std::vector<T> get() const {
    std::vector<T> values(size_);
    if (size_ > 0) device_.copyOut(values.data(), buffer_.data(), size_ * sizeof(T));
    return values;
  }
  T* data() const { return buffer_.data(); }  // null when empty

 private:
  lstm::Device& device_;
  lstm::DeviceBuffer<T> buffer_;
  size_t size_;
};

inline void requireAlike(const std::vector<float>& actual, const std::vector<float>& expected,
                         double tolerance, const std::string& what) {
  harness::require(actual.size() == expected.size(), what + ": sizes differ");
  harness::requireClose(actual.data(), expected, tolerance, what);
}
