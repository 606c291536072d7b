#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "addon/handles.h"

namespace lstm::addon {

// One promise's worth of work. `run` happens on the device's thread, everything else on the JS thread: a job is
// made, settled and destroyed there, so what it owns needs no locks.
struct Job {
  Job(Napi::Env env, std::shared_ptr<DeviceHandle> onDevice)
      : deferred(Napi::Promise::Deferred::New(env)), device(std::move(onDevice)) {}

  Napi::Promise::Deferred deferred;
  std::shared_ptr<DeviceHandle> device;
  std::shared_ptr<SessionHandle> session;  // null for work on the device alone
  std::function<void()> run;
  // Null, or what ends the job, which then lets a next one in two halves begin in between. Device's thread, and only
  // after a `run` that did not fail.
  std::function<void()> finish;
  std::function<Napi::Value(Napi::Env)> result;
  std::exception_ptr failure;
};

// What one JS environment (main thread or worker) owns. Nothing here is shared between environments.
class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  // Queues the job on its device and returns its promise.
  Napi::Value submit(std::unique_ptr<Job> job);
  void track(const std::shared_ptr<DeviceHandle>& device);
  void track(const std::shared_ptr<SessionHandle>& session);

 private:
  static void settleOnJsThread(napi_env env, napi_value, void* context, void* data);
  static void closeOnJsThread(void* self);
  void settle(Napi::Env env, Job* job);
  bool post(Job* job);
  void close();

  napi_env env_;
  napi_threadsafe_function completions_ = nullptr;
  std::unordered_set<Job*> pending_;
  std::vector<std::weak_ptr<DeviceHandle>> devices_;
  std::vector<std::weak_ptr<SessionHandle>> sessions_;
  bool closed_ = false;
};

}  // namespace lstm::addon
