#include "addon/devices.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/cuda_probe.h"
#include "addon/environment.h"
#include "addon/handles.h"
#include "addon/values.h"
#include "cpu/cpu_device.h"
#include "cuda/cuda_device.h"
#include "cuda/runtime_library.h"
#include "engine/errors.h"

namespace lstm::addon {
namespace {

constexpr int64_t kMaxBytes = int64_t{1} << 53;

Napi::Value names(Napi::Env env, const std::vector<std::string>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); ++i) array.Set(static_cast<uint32_t>(i), values[i]);
  return array;
}

// Makes the device on its own thread: what a GPU's context holds belongs to the thread that made it.
using Make = std::function<void(DeviceHandle&)>;

Make cpuMaker(const Fields& fields) {
  CpuDeviceOptions options;
  options.threads = static_cast<int>(fields.integer("threads", 1, 256));
  if (fields.has("instructionSet")) options.instructionSet = fields.text("instructionSet");
  return [options](DeviceHandle& handle) {
    handle.threads = options.threads;
    handle.instructionSet =
        options.instructionSet.empty() ? cpuInstructionSets().front() : options.instructionSet;
    handle.device = makeCpuDevice(options);
  };
}

Make cudaMaker(const Fields& fields) {
  cuda::CudaDeviceOptions options;
  options.index = static_cast<int>(fields.integer("index", 0, 9999));
  options.precision = fields.choice<RuntimePrecision>("precision", {{"fp32", kPrecisionFp32},
                                                                    {"tf32", kPrecisionTf32},
                                                                    {"fp16", kPrecisionFp16},
                                                                    {"bf16", kPrecisionBf16}});
  options.rnnAlgorithm = fields.text("rnnAlgorithm");
  options.dropoutImplementation = fields.text("dropoutImplementation");
  options.graph = fields.boolean("graph");
  if (fields.has("memoryLimitBytes"))
    options.memoryLimitBytes = static_cast<size_t>(fields.integer("memoryLimitBytes", 1, kMaxBytes));
  return [options, path = fields.text("library")](DeviceHandle& handle) {
    const cuda::RuntimeLibrary library = cuda::openRuntime(path, "");
    if (!library.runtime) throw DeviceUnavailable(library.reason);
    auto device = cuda::makeCudaDevice(*library.runtime, options);
    handle.standIn = isStandIn(*library.runtime);
    handle.gpu = device->info();
    handle.limitBytes = options.memoryLimitBytes;
    handle.cuda = device.get();
    handle.device = std::move(device);
    handle.noteMemory(0);
  };
}

}  // namespace

Napi::Value instructionSets(const Napi::CallbackInfo& info) {
  return names(info.Env(), cpuInstructionSets());
}

Napi::Value createDevice(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "device");
  const Make make =
      fields.choice<Make (*)(const Fields&)>("kind", {{"cpu", cpuMaker}, {"cuda", cudaMaker}})(fields);
  auto device = std::make_shared<DeviceHandle>();
  auto job = std::make_unique<Job>(info.Env(), device);
  Environment& environment = Environment::of(info.Env());
  environment.track(device);
  DeviceHandle* handle = device.get();
  job->run = [handle, make] { make(*handle); };
  job->result = [device = std::move(device)](Napi::Env env) { return wrapDevice(env, device); };
  return environment.submit(std::move(job));
}

Napi::Value deviceInfo(const Napi::CallbackInfo& info) {
  const auto device = unwrapDevice(info[0]);
  const Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  if (device->cuda) {
    object.Set("kind", "cuda");
    object.Set("standIn", Napi::Boolean::New(env, device->standIn));
    setGpu(object, device->gpu);
    return object;
  }
  object.Set("kind", "cpu");
  object.Set("threads", device->threads);
  object.Set("instructionSet", device->instructionSet);
  object.Set("instructionSets", names(env, cpuInstructionSets()));
  return object;
}

// On the device's thread, so behind the steps that are under way.
Napi::Value stepStatistics(const Napi::CallbackInfo& info) {
  auto device = unwrapDevice(info[0]);
  auto job = std::make_unique<Job>(info.Env(), device);
  auto steps = std::make_shared<cuda::StepStatistics>();
  job->run = [device = device.get(), steps] {
    if (device->cuda) *steps = device->cuda->steps();
  };
  job->result = [steps](Napi::Env env) {
    Napi::Object object = Napi::Object::New(env);
    for (const auto& [name, count] : {std::pair{"eager", steps->eager},
                                      {"recorded", steps->recorded},
                                      {"replayed", steps->replayed},
                                      {"overlapped", steps->overlapped}})
      object.Set(name, Napi::Number::New(env, static_cast<double>(count)));
    return object;
  };
  return Environment::of(info.Env()).submit(std::move(job));
}

// The threads end when the last session on the device and this handle are gone; here only new work is refused.
Napi::Value disposeDevice(const Napi::CallbackInfo& info) {
  auto device = unwrapDevice(info[0]);
  device->disposed = true;
  auto job = std::make_unique<Job>(info.Env(), std::move(device));
  job->run = [] {};
  job->result = [](Napi::Env env) { return env.Undefined(); };
  return Environment::of(info.Env()).submit(std::move(job));
}

// A device without a device: its thread alone is wanted, and the environment's care for it.
Napi::Value cudaDevices(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw InvalidArgument("library: expected a string");
  auto thread = std::make_shared<DeviceHandle>();
  auto probe = std::make_shared<CudaProbe>();
  auto job = std::make_unique<Job>(info.Env(), thread);
  Environment& environment = Environment::of(info.Env());
  environment.track(thread);
  job->run = [probe, path = info[0].As<Napi::String>().Utf8Value(),
              withPlaces = info[1].ToBoolean().Value()] { *probe = probeCuda(path, withPlaces); };
  job->result = [probe](Napi::Env env) { return toJs(env, *probe); };
  return environment.submit(std::move(job));
}

Napi::Object deviceMemory(Napi::Env env, const DeviceHandle& device) {
  const auto bytes = [env](size_t value) { return Napi::Number::New(env, static_cast<double>(value)); };
  Napi::Object object = Napi::Object::New(env);
  object.Set("usedBytes", bytes(device.usedBytes));
  object.Set("peakBytes", bytes(device.peakBytes));
  if (device.limitBytes > 0) object.Set("limitBytes", bytes(device.limitBytes));
  return object;
}

}  // namespace lstm::addon
