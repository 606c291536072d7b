#include "addon/environment.h"

#include <utility>

#include "addon/js_errors.h"
#include "engine/errors.h"

namespace lstm::addon {

// Cleanup hooks run last first: the function for completions is made before our hook, so ours ends the device
// threads while that function can still be called.
Environment::Environment(Napi::Env env) : env_(env) {
  const Napi::Value name = Napi::String::New(env, "cudnn-lstm");
  const napi_status made = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr,
                                                           nullptr, this, settleOnJsThread, &completions_);
  if (made != napi_ok) throw InvalidState("the environment cannot take completions");
  napi_unref_threadsafe_function(env, completions_);
  napi_add_env_cleanup_hook(env, closeOnJsThread, this);
}

Environment::~Environment() {
  close();
}

void Environment::closeOnJsThread(void* self) {
  static_cast<Environment*>(self)->close();
}

// A device goes last, on its own thread, after all that was allocated on it: jobs may hold sessions that no handle of
// JS has yet.
void Environment::close() {
  if (std::exchange(closed_, true)) return;
  std::vector<std::shared_ptr<SessionHandle>> sessions;
  std::vector<std::shared_ptr<DeviceHandle>> devices;
  for (const auto& weak : sessions_)
    if (auto session = weak.lock()) sessions.push_back(std::move(session));
  for (const auto& weak : devices_)
    if (auto device = weak.lock()) devices.push_back(std::move(device));
  for (const auto& session : sessions) session->abandon();
  for (const auto& device : devices) device->closing = true;
  for (const auto& device : devices) device->drain();
  for (Job* job : pending_) delete job;
  pending_.clear();
  for (const auto& session : sessions)
    session->device().thread.post([handle = session.get()] { handle->release(); });
  for (const auto& device : devices) device->close();
}

void Environment::track(const std::shared_ptr<DeviceHandle>& device) {
  std::erase_if(devices_, [](const auto& weak) { return weak.expired(); });
  devices_.push_back(device);
}

void Environment::track(const std::shared_ptr<SessionHandle>& session) {
  std::erase_if(sessions_, [](const auto& weak) { return weak.expired(); });
  sessions_.push_back(session);
}

namespace {

// Runs one half of a job, which keeps the first failure.
void attempt(Job& job, const std::function<void()>& half) {
  try {
    half();
  } catch (...) {
    job.failure = std::current_exception();
  }
}

}  // namespace

bool Environment::post(Job* job) {
  const auto complete = [this, job] {
    napi_call_threadsafe_function(completions_, job, napi_tsfn_nonblocking);
  };
  DeviceThread& thread = job->device->thread;
  if (!job->finish)
    return thread.post([job, complete] {
      if (!job->device->closing) attempt(*job, job->run);
      complete();
    });
  return thread.postInHalves([job, complete]() -> std::function<void()> {
    const bool begins = !job->device->closing;
    if (begins) attempt(*job, job->run);
    return [job, begins, complete] {
      if (begins && !job->failure) attempt(*job, job->finish);
      complete();
    };
  });
}

Napi::Value Environment::submit(std::unique_ptr<Job> owned) {
  if (closed_) throw InvalidState("the environment is closing");
  Job* job = owned.get();
  const bool queued = post(job);
  if (!queued) throw Disposed("expected a live device, got one that is disposed");
  const Napi::Value promise = job->deferred.Promise();
  // Work under way keeps the process alive, an idle device does not.
  if (pending_.empty()) napi_ref_threadsafe_function(env_, completions_);
  ++job->device->pendingJobs;
  pending_.insert(owned.release());
  return promise;
}

void Environment::settleOnJsThread(napi_env env, napi_value, void* context, void* data) {
  if (!env) return;  // the environment is gone; close() has taken the jobs
  auto* self = static_cast<Environment*>(context);
  if (self->closed_) return;
  const Napi::HandleScope scope(env);
  try {
    self->settle(env, static_cast<Job*>(data));
  } catch (const Napi::Error&) {
    // A worker thread that is being terminated runs no JS any more, so nobody is left to hear of the outcome.
  }
}

void Environment::settle(Napi::Env env, Job* job) {
  const std::unique_ptr<Job> owned(job);
  pending_.erase(job);
  --job->device->pendingJobs;
  if (pending_.empty()) napi_unref_threadsafe_function(env_, completions_);
  if (job->session) job->session->reportMemory(env);
  if (!job->failure) {
    try {
      return job->deferred.Resolve(job->result(env));
    } catch (...) {
      job->failure = std::current_exception();
    }
  }
  job->deferred.Reject(toJsError(env, job->failure).Value());
}

}  // namespace lstm::addon
