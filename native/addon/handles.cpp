#include "addon/handles.h"

#include <future>
#include <utility>

#include "engine/errors.h"

namespace lstm::addon {
namespace {

constexpr napi_type_tag kDeviceTag = {0x6c73746d2d646576ull, 0x8f1c5a7e90b34d21ull};
constexpr napi_type_tag kSessionTag = {0x6c73746d2d736573ull, 0x2d7be4a1c6f0983eull};

template <typename Handle>
Napi::Value wrap(Napi::Env env, std::shared_ptr<Handle> handle, const napi_type_tag& tag) {
  const Napi::Object object = Napi::Object::New(env);
  auto* owner = new std::shared_ptr<Handle>(std::move(handle));
  const auto finalize = [](napi_env, void* data, void*) {
    delete static_cast<std::shared_ptr<Handle>*>(data);
  };
  if (napi_wrap(env, object, owner, finalize, nullptr, nullptr) != napi_ok) {
    delete owner;
    throw InvalidState("the environment is closing");
  }
  napi_type_tag_object(env, object, &tag);
  return object;
}

template <typename Handle>
std::shared_ptr<Handle> unwrap(const Napi::Value& value, const napi_type_tag& tag, const char* name) {
  bool matches = false;
  void* data = nullptr;
  if (value.IsObject()) napi_check_object_type_tag(value.Env(), value, &tag, &matches);
  if (!matches || napi_unwrap(value.Env(), value, &data) != napi_ok)
    throw InvalidArgument(std::string("expected a native ") + name + ", got something else");
  return *static_cast<std::shared_ptr<Handle>*>(data);
}

}  // namespace

void DeviceHandle::close() {
  thread.post([this] { device.reset(); });
  thread.stop(false);
}

void DeviceHandle::drain() {
  std::promise<void> reached;
  if (thread.post([&reached] { reached.set_value(); })) reached.get_future().wait();
}

void DeviceHandle::noteMemory(int64_t grownBytes) {
  if (cuda) {
    const cuda::MemoryStatistics memory = cuda->memory();
    usedBytes = memory.usedBytes;
    peakBytes = memory.peakBytes;
    return;
  }
  usedBytes += static_cast<size_t>(grownBytes);
  if (usedBytes > peakBytes) peakBytes = usedBytes.load();
}

SessionHandle::SessionHandle(std::shared_ptr<DeviceHandle> device, std::unique_ptr<Session> session)
    : device_(std::move(device)), session_(std::move(session)), network_(&session_->network()) {
  noteMemory();
}

// Memory goes where it came from: on the device's thread, behind the work before it.
SessionHandle::~SessionHandle() {
  if (!session_) return;
  std::shared_ptr<Session> last = std::move(session_);
  const auto held = static_cast<int64_t>(parameterBytes_ + activationBytes_);
  device_->thread.post([last = std::move(last), device = device_.get(), held]() mutable {
    last.reset();
    device->noteMemory(-held);
  });
}

void SessionHandle::requireAlive() const {
  if (disposed_) throw Disposed("expected a live model, got one that is disposed");
}

std::shared_ptr<StepInput> SessionHandle::leaseInput() {
  std::unique_ptr<StepInput> input;
  if (freeInputs_.empty()) {
    input = std::make_unique<StepInput>();
  } else {
    input = std::move(freeInputs_.back());
    freeInputs_.pop_back();
  }
  const std::weak_ptr<SessionHandle> owner = weak_from_this();
  return {input.release(), [owner](StepInput* returned) {
            std::unique_ptr<StepInput> back(returned);
            if (const auto session = owner.lock(); session && session->freeInputs_.size() < 3)
              session->freeInputs_.push_back(std::move(back));
          }};
}

void SessionHandle::noteMemory() {
  const size_t before = parameterBytes_ + activationBytes_;
  parameterBytes_ = session_ ? session_->parameterBytes() : 0;
  activationBytes_ = session_ ? session_->activationBytes() : 0;
  device_->noteMemory(static_cast<int64_t>(parameterBytes_ + activationBytes_) -
                      static_cast<int64_t>(before));
}

void SessionHandle::reportMemory(Napi::Env env) {
  const auto held = static_cast<int64_t>(parameterBytes_ + activationBytes_);
  if (held == reportedBytes_) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, held - reportedBytes_);
  reportedBytes_ = held;
}

Napi::Value wrapDevice(Napi::Env env, std::shared_ptr<DeviceHandle> device) {
  return wrap(env, std::move(device), kDeviceTag);
}
std::shared_ptr<DeviceHandle> unwrapDevice(const Napi::Value& value) {
  return unwrap<DeviceHandle>(value, kDeviceTag, "device");
}
Napi::Value wrapSession(Napi::Env env, std::shared_ptr<SessionHandle> session) {
  return wrap(env, std::move(session), kSessionTag);
}
std::shared_ptr<SessionHandle> unwrapSession(const Napi::Value& value) {
  return unwrap<SessionHandle>(value, kSessionTag, "session");
}

}  // namespace lstm::addon
