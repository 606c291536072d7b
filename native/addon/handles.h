#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda/cuda_device.h"
#include "cuda/runtime.h"
#include "engine/batch_io.h"
#include "engine/cancel.h"
#include "engine/device.h"
#include "engine/device_thread.h"
#include "engine/session.h"

namespace lstm::addon {

// A device and the thread its work runs on. The device is made, used and destroyed on that thread.
struct DeviceHandle {
  ~DeviceHandle() { close(); }

  // JS thread. Waits for the work that is queued, then destroys the device and ends the thread; idempotent.
  void close();
  // JS thread. Waits for the work that is queued.
  void drain();
  // Device thread. What a session's memory has grown by.
  void noteMemory(int64_t grownBytes);

  std::unique_ptr<Device> device;
  cuda::CudaDevice* cuda = nullptr;  // `device`, where it is one
  RuntimeDeviceInfo gpu{};           // of `cuda`
  bool standIn = false;
  int threads = 0;  // of the CPU device
  std::string instructionSet;
  std::atomic<size_t> usedBytes{0};
  std::atomic<size_t> peakBytes{0};
  size_t limitBytes = 0;  // 0 = none
  std::atomic<bool> disposed{false};
  int pendingJobs = 0;               // JS thread: submitted and not settled
  std::atomic<bool> closing{false};  // work that has not begun is left out
  DeviceThread thread;
};

// Everything a call copies in; reused by later calls of the same session.
struct StepInput {
  BatchInput batch;
  std::vector<TargetInput> targets;   // by output
  std::vector<std::vector<float>> y;  // by output, of a call that gives its results before it returns
  std::vector<float> states;
};

// A session and what the JS thread must know of it without asking the device's thread.
class SessionHandle : public std::enable_shared_from_this<SessionHandle> {
 public:
  SessionHandle(std::shared_ptr<DeviceHandle> device, std::unique_ptr<Session> session);
  ~SessionHandle();

  DeviceHandle& device() const { return *device_; }
  const std::shared_ptr<DeviceHandle>& sharedDevice() const { return device_; }
  const Network& network() const { return *network_; }

  // JS thread.
  void requireAlive() const;
  bool disposed() const { return disposed_; }
  void markDisposed() { disposed_ = true; }
  CancelCheck nextTicket() { return {&cancelledUpTo_, ++lastTicket_}; }
  // Of work that changes nothing: another call's cancel() is none of its business, abandon() ends it.
  CancelCheck readingTicket() { return {&abandonedUpTo_, ++lastTicket_}; }
  void cancel() { cancelledUpTo_.store(lastTicket_, std::memory_order_relaxed); }
  void abandon() {
    cancel();
    abandonedUpTo_.store(lastTicket_, std::memory_order_relaxed);
  }
  std::shared_ptr<StepInput> leaseInput();
  // Tells the collector how much memory hangs on this object now.
  void reportMemory(Napi::Env env);
  size_t parameterBytes() const { return parameterBytes_; }
  size_t activationBytes() const { return activationBytes_; }

  // Device thread.
  Session& session() { return *session_; }
  void release() { session_.reset(); }
  void noteMemory();

 private:
  std::shared_ptr<DeviceHandle> device_;
  std::unique_ptr<Session> session_;
  const Network* network_;  // dies with session_, which no call outlives: requireAlive() comes first
  bool disposed_ = false;
  uint64_t lastTicket_ = 0;
  std::atomic<uint64_t> cancelledUpTo_{0};
  std::atomic<uint64_t> abandonedUpTo_{0};
  std::atomic<size_t> parameterBytes_{0};
  std::atomic<size_t> activationBytes_{0};
  int64_t reportedBytes_ = 0;
  std::vector<std::unique_ptr<StepInput>> freeInputs_;
};

// JS objects that carry a handle, recognised by type tag: any other object gives InvalidArgument.
Napi::Value wrapDevice(Napi::Env env, std::shared_ptr<DeviceHandle> device);
std::shared_ptr<DeviceHandle> unwrapDevice(const Napi::Value& value);
Napi::Value wrapSession(Napi::Env env, std::shared_ptr<SessionHandle> session);
std::shared_ptr<SessionHandle> unwrapSession(const Napi::Value& value);

}  // namespace lstm::addon
