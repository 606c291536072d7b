#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cpu/cpu_device.h"
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
  decltype(&cudnn_lstm_cuda_standin_most_under_way) mostUnderWay;
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

// The runtime that onCuda() takes instead of the stand-in; null = the stand-in. Set by --gpu, before the tests run.
const CudaRuntime* gpuRuntime();

// Runs `body` with a device on the GPU where the tests were given one, else on the stand-in.
template <typename Body>
void onCuda(const lstm::cuda::CudaDeviceOptions& options, Body body) {
  if (!gpuRuntime()) return onStandIn(options, body);
  const std::unique_ptr<lstm::cuda::CudaDevice> device = lstm::cuda::makeCudaDevice(*gpuRuntime(), options);
  body(*device);
}
template <typename Body>
void onCuda(Body body) {  // in float32
  onCuda(lstm::cuda::CudaDeviceOptions{}, body);
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

// Holds every tensor that `body(device)` gives on a CUDA device to the CPU device's; tolerance 0: the same bits.
template <typename Body>
void compare(double tolerance, const std::string& what, Body body) {
  const auto cpu = lstm::makeCpuDevice({1, ""});
  const std::vector<std::vector<float>> expected = body(*cpu);
  onCuda([&](lstm::Device& device) {
    const std::vector<std::vector<float>> actual = body(device);
    for (size_t i = 0; i < expected.size(); ++i) {
      const std::string result = what + ", result " + std::to_string(i) + ": ";
      if (tolerance == 0)
        harness::require(actual[i] == expected[i], result + "not the same bits");
      else
        requireAlike(actual[i], expected[i], tolerance, result);
    }
  });
}
