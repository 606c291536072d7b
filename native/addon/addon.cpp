// The N-API boundary: JS value -> checked value, promises, errors; no maths. The functions below are those of
// src/native/binding.ts, in its order.
#include <napi.h>

#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "addon/configs.h"
#include "addon/devices.h"
#include "addon/environment.h"
#include "addon/handles.h"
#include "addon/js_errors.h"
#include "addon/values.h"
#include "engine/errors.h"

#ifndef LSTM_VERSION
#define LSTM_VERSION "0.0.0"
#endif

namespace lstm::addon {
namespace {

constexpr int kAbi = 4;

Napi::Number number(Napi::Env env, double value) {
  return Napi::Number::New(env, value);
}

// Every exported function runs inside this: C++ failures become JS errors with a code.
template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return Function(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw toJsError(info.Env(), std::current_exception());
  }
}

std::shared_ptr<SessionHandle> liveSession(const Napi::CallbackInfo& info) {
  auto session = unwrapSession(info[0]);
  session->requireAlive();
  return session;
}

// Runs `work(Session&, CancelCheck) -> Result` on the device's thread and resolves with `toJs(env, Result&)`.
template <typename Work, typename ToJs>
Napi::Value onDevice(Napi::Env env, std::shared_ptr<SessionHandle> session, const CancelCheck& cancel,
                     Work work, ToJs toJs) {
  using Result = std::invoke_result_t<Work, Session&, const CancelCheck&>;
  auto job = std::make_unique<Job>(env, session->sharedDevice());
  auto result = std::make_shared<Result>();
  SessionHandle* handle = session.get();
  job->session = std::move(session);
  job->run = [handle, result, cancel, work = std::move(work)] {
    *result = work(handle->session(), cancel);
    handle->noteMemory();
  };
  job->result = [result, toJs = std::move(toJs)](Napi::Env at) -> Napi::Value { return toJs(at, *result); };
  return Environment::of(env).submit(std::move(job));
}

template <typename Work, typename ToJs>
Napi::Value onDevice(Napi::Env env, std::shared_ptr<SessionHandle> session, Work work, ToJs toJs) {
  const CancelCheck cancel = session->nextTicket();
  return onDevice(env, std::move(session), cancel, std::move(work), std::move(toJs));
}

struct Nothing {};
Napi::Value toUndefined(Napi::Env env, const Nothing&) {
  return env.Undefined();
}
Napi::Value toFloats(Napi::Env env, const std::vector<float>& values) {
  return toFloat32Array(env, values);
}

void setHeads(Napi::Object object, const std::vector<LossResult>& heads);

Napi::Object lossObject(Napi::Env env, const LossResult& loss) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("loss", number(env, loss.loss));
  object.Set("penalty", number(env, loss.penalty));
  object.Set("elements", number(env, loss.elements));
  object.Set("rows", number(env, static_cast<double>(loss.rows)));
  object.Set("correct", number(env, loss.correct));
  object.Set("absoluteError", number(env, loss.absoluteError));
  object.Set("squaredError", number(env, loss.squaredError));
  object.Set("logLikelihood", number(env, loss.logLikelihood));
  object.Set("count", number(env, loss.count));
  if (!loss.classCounts.empty()) object.Set("classCounts", toFloat64Array(env, loss.classCounts));
  if (!loss.confusion.empty()) object.Set("confusion", toFloat64Array(env, loss.confusion));
  if (!loss.ranked.empty()) object.Set("ranked", number(env, loss.ranked[0]));
  if (!loss.targetSums.empty()) object.Set("targetSums", toFloat64Array(env, loss.targetSums));
  if (!loss.outputs.empty()) object.Set("outputs", toFloat32Array(env, loss.outputs));
  if (!loss.heads.empty()) setHeads(object, loss.heads);
  return object;
}

void setHeads(Napi::Object object, const std::vector<LossResult>& heads) {
  Napi::Array array = Napi::Array::New(object.Env(), heads.size());
  for (size_t i = 0; i < heads.size(); ++i)
    array.Set(static_cast<uint32_t>(i), lossObject(object.Env(), heads[i]));
  object.Set("heads", array);
}

void setUpdate(Napi::Object object, const UpdateResult& update) {
  const Napi::Env env = object.Env();
  object.Set("gradNorm", number(env, update.gradNorm));
  object.Set("applied", Napi::Boolean::New(env, update.applied));
  object.Set("step", number(env, static_cast<double>(update.step)));
  object.Set("lossScale", number(env, update.lossScale));
}

// Parameters and gradients are allocated on the device's thread, as everything is that lies on the device.
Napi::Value createSession(const Napi::CallbackInfo& info) {
  auto device = unwrapDevice(info[0]);
  if (device->disposed) throw Disposed("expected a live device, got one that is disposed");
  const NetworkConfig config = readNetwork(info[1]);
  auto made = std::make_shared<std::shared_ptr<SessionHandle>>();
  auto job = std::make_unique<Job>(info.Env(), device);
  job->run = [device = std::move(device), config, made] {
    auto session = std::make_unique<Session>(config, *device->device);
    *made = std::make_shared<SessionHandle>(device, std::move(session));
  };
  job->result = [made](Napi::Env env) {
    (*made)->reportMemory(env);
    Environment::of(env).track(*made);
    return wrapSession(env, std::move(*made));
  };
  return Environment::of(info.Env()).submit(std::move(job));
}

Napi::Value disposeSession(const Napi::CallbackInfo& info) {
  auto session = unwrapSession(info[0]);
  session->markDisposed();
  session->abandon();
  auto job = std::make_unique<Job>(info.Env(), session->sharedDevice());
  SessionHandle* handle = session.get();
  job->session = std::move(session);
  job->run = [handle] {
    handle->release();
    handle->noteMemory();
  };
  job->result = [](Napi::Env env) { return env.Undefined(); };
  return Environment::of(info.Env()).submit(std::move(job));
}

Napi::Value parameters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto session = liveSession(info);
  const auto& rows = session->network().layout().parameters();
  Napi::Array array = Napi::Array::New(env, rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    Napi::Array shape = Napi::Array::New(env, rows[i].shape.size());
    for (size_t k = 0; k < rows[i].shape.size(); ++k)
      shape.Set(static_cast<uint32_t>(k), number(env, static_cast<double>(rows[i].shape[k])));
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", rows[i].name);
    row.Set("shape", shape);
    row.Set("offset", number(env, static_cast<double>(rows[i].offset)));
    row.Set("size", number(env, static_cast<double>(rows[i].size)));
    row.Set("trainable", Napi::Boolean::New(env, rows[i].trainable));
    array.Set(static_cast<uint32_t>(i), row);
  }
  return array;
}

Napi::Value memory(const Napi::CallbackInfo& info) {
  const auto session = unwrapSession(info[0]);
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("parameterBytes", number(info.Env(), static_cast<double>(session->parameterBytes())));
  object.Set("activationBytes", number(info.Env(), static_cast<double>(session->activationBytes())));
  object.Set("device", deviceMemory(info.Env(), session->device()));
  return object;
}

Napi::Value initialize(const Napi::CallbackInfo& info) {
  const auto work = [](Session& session, const CancelCheck& cancel) {
    cancel.throwIfCancelled();
    session.initialize();
    return Nothing{};
  };
  return onDevice(info.Env(), liveSession(info), work, toUndefined);
}

Napi::Value cancel(const Napi::CallbackInfo& info) {
  unwrapSession(info[0])->cancel();
  return info.Env().Undefined();
}

std::shared_ptr<StepInput> readStep(SessionHandle& session, const Napi::Value& batch,
                                    const Napi::Value& targets) {
  auto input = session.leaseInput();
  readBatch(batch, input->batch);
  readTargets(targets, input->targets);
  return input;
}

std::shared_ptr<StepInput> readBatchOnly(SessionHandle& session, const Napi::Value& batch) {
  auto input = session.leaseInput();
  readBatch(batch, input->batch);
  return input;
}

using StepResult = std::pair<LossResult, UpdateResult>;

Napi::Value stepObject(Napi::Env env, const StepResult& result) {
  Napi::Object object = lossObject(env, result.first);
  setUpdate(object, result.second);
  return object;
}

// In halves where the device runs ahead of its thread: the next step then begins before this one is over.
Napi::Value trainStep(const Napi::CallbackInfo& info) {
  auto session = liveSession(info);
  auto input = readStep(*session, info[1], info[2]);
  const UpdateConfig update = readUpdate(info[3]);
  if (!session->device().device->ahead())
    return onDevice(
        info.Env(), std::move(session),
        [input, update](Session& session, const CancelCheck& cancel) {
          return session.trainStep(input->batch, input->targets, update, cancel);
        },
        stepObject);
  auto job = std::make_unique<Job>(info.Env(), session->sharedDevice());
  auto result = std::make_shared<StepResult>();
  SessionHandle* handle = session.get();
  const CancelCheck cancel = session->nextTicket();
  job->session = std::move(session);
  job->run = [handle, input = std::move(input), update, cancel] {
    handle->session().beginStep(input->batch, input->targets, update, cancel);
  };
  job->finish = [handle, result] {
    *result = handle->session().finishStep();
    handle->noteMemory();
  };
  job->result = [result](Napi::Env env) { return stepObject(env, *result); };
  return Environment::of(info.Env()).submit(std::move(job));
}

Napi::Value evaluate(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  auto input = readStep(*handle, info[1], info[2]);
  return onDevice(
      info.Env(), std::move(handle),
      [input](Session& session, const CancelCheck& cancel) {
        return session.evaluate(input->batch, input->targets, cancel);
      },
      lossObject);
}

struct Outputs {
  std::vector<float> first;
  std::vector<float> second;
};

struct Predictions {
  std::vector<std::vector<float>> y;  // by output
  std::vector<float> states;
};

// {[firstName]: Float32Array, [secondName]: Float32Array}
auto outputsObject(const char* firstName, const char* secondName) {
  return [firstName, secondName](Napi::Env env, const Outputs& outputs) {
    Napi::Object object = Napi::Object::New(env);
    object.Set(firstName, toFloat32Array(env, outputs.first));
    object.Set(secondName, toFloat32Array(env, outputs.second));
    return object;
  };
}

Napi::Value predict(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  auto input = readBatchOnly(*handle, info[1]);
  const bool withStates = info[2].ToBoolean();
  const CancelCheck cancel = handle->readingTicket();
  return onDevice(
      info.Env(), std::move(handle), cancel,
      [input, withStates](Session& session, const CancelCheck& cancel) {
        Predictions out;
        session.predict(input->batch, out.y, withStates ? &out.states : nullptr, cancel);
        return out;
      },
      [withStates](Napi::Env env, const Predictions& out) {
        Napi::Object object = Napi::Object::New(env);
        Napi::Array y = Napi::Array::New(env, out.y.size());
        for (size_t i = 0; i < out.y.size(); ++i)
          y.Set(static_cast<uint32_t>(i), toFloat32Array(env, out.y[i]));
        object.Set("y", y);
        if (withStates) object.Set("states", toFloat32Array(env, out.states));
        return object;
      });
}

// On the JS thread, between two jobs of the device's own: what is queued or under way there must not be disturbed, so
// it is refused as long as anything is.
Napi::Value predictSync(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  DeviceHandle& device = handle->device();
  if (device.cuda) throw InvalidState("expected a model on the CPU device, got one on a GPU");
  if (device.pendingJobs > 0) throw Busy("expected no work under way on the device");
  auto input = readBatchOnly(*handle, info[1]);
  const bool withStates = !info[3].IsUndefined();
  const CancelCheck cancel = handle->readingTicket();
  const bool ran = device.thread.runHere([&] {
    handle->session().predict(input->batch, input->y, withStates ? &input->states : nullptr, cancel);
    handle->noteMemory();
  });
  if (!ran) throw Disposed("expected a live device, got one that is disposed");
  handle->reportMemory(info.Env());
  if (!info[2].IsArray() || info[2].As<Napi::Array>().Length() != input->y.size())
    throw InvalidArgument("y: expected an array of " + std::to_string(input->y.size()) + " Float32Arrays");
  for (size_t i = 0; i < input->y.size(); ++i)
    writeFloats(info[2].As<Napi::Array>().Get(static_cast<uint32_t>(i)), "y[" + std::to_string(i) + "]",
                input->y[i]);
  if (withStates) writeFloats(info[3], "states", input->states);
  return info.Env().Undefined();
}

struct GradientOutputs {
  LossResult loss;
  Outputs arrays;
};

Napi::Value gradients(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  auto input = readStep(*handle, info[1], info[2]);
  return onDevice(
      info.Env(), std::move(handle),
      [input](Session& session, const CancelCheck& cancel) {
        GradientOutputs out;
        out.loss =
            session.gradients(input->batch, input->targets, out.arrays.first, out.arrays.second, cancel);
        return out;
      },
      [](Napi::Env env, const GradientOutputs& out) {
        Napi::Object object = lossObject(env, out.loss);
        object.Set("gradients", toFloat32Array(env, out.arrays.first));
        object.Set("inputGradient", toFloat32Array(env, out.arrays.second));
        return object;
      });
}

Napi::Value forward(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  auto input = readBatchOnly(*handle, info[1]);
  const bool training = info[2].ToBoolean();
  return onDevice(
      info.Env(), std::move(handle),
      [input, training](Session& session, const CancelCheck& cancel) {
        Outputs out;
        session.forward(input->batch, training, out.first, out.second, cancel);
        return out;
      },
      outputsObject("y", "states"));
}

Napi::Value backward(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  auto gradients = std::make_shared<Outputs>();
  copyFloats(info[1], "dy", gradients->first);
  if (!info[2].IsUndefined()) copyFloats(info[2], "dStates", gradients->second);
  return onDevice(
      info.Env(), std::move(handle),
      [gradients](Session& session, const CancelCheck& cancel) {
        Outputs out;
        session.backward(gradients->first, gradients->second, out.first, out.second, cancel);
        return out;
      },
      outputsObject("dx", "dStates"));
}

Napi::Value zeroGradients(const Napi::CallbackInfo& info) {
  const auto work = [](Session& session, const CancelCheck&) {
    session.zeroGradients();
    return Nothing{};
  };
  return onDevice(info.Env(), liveSession(info), work, toUndefined);
}

Napi::Value applyUpdate(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  const UpdateConfig update = readUpdate(info[1]);
  return onDevice(
      info.Env(), std::move(handle),
      [update](Session& session, const CancelCheck&) { return session.applyUpdate(update); },
      [](Napi::Env env, const UpdateResult& result) {
        Napi::Object object = Napi::Object::New(env);
        setUpdate(object, result);
        object.Set("penalty", number(env, result.penalty));
        return object;
      });
}

Napi::Value readArena(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  const ArenaKind kind = readArenaKind(info[1]);
  return onDevice(
      info.Env(), std::move(handle),
      [kind](Session& session, const CancelCheck&) {
        std::vector<float> values;
        session.read(kind, values);
        return values;
      },
      toFloats);
}

Napi::Value writeArena(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  const ArenaKind kind = readArenaKind(info[1]);
  std::vector<float> values;
  copyFloats(info[2], "data", values);
  return onDevice(
      info.Env(), std::move(handle),
      [kind, values = std::move(values)](Session& session, const CancelCheck&) {
        session.write(kind, values);
        return Nothing{};
      },
      toUndefined);
}

Napi::Value counters(const Napi::CallbackInfo& info) {
  return onDevice(
      info.Env(), liveSession(info), [](Session& session, const CancelCheck&) { return session.counters(); },
      [](Napi::Env env, const Counters& counters) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("step", number(env, static_cast<double>(counters.step)));
        object.Set("draws", number(env, static_cast<double>(counters.draws)));
        object.Set("lossScale", number(env, counters.lossScale));
        object.Set("goodSteps", number(env, static_cast<double>(counters.goodSteps)));
        object.Set("averaged", number(env, static_cast<double>(counters.averaged)));
        object.Set("passes", number(env, counters.passes));
        return object;
      });
}

Napi::Value setCounters(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  const Fields fields(info[1], "counters");
  constexpr int64_t kMax = (int64_t{1} << 53) - 1, kMaxInt = std::numeric_limits<int32_t>::max();
  const auto optional = [&](const char* name, int64_t most) {
    return fields.has(name) ? fields.integer(name, 0, most) : 0;
  };
  Counters counters;
  counters.step = fields.integer("step", 0, kMax);
  counters.draws = fields.integer("draws", 0, kMax);
  counters.averaged = optional("averaged", kMax);
  counters.passes = static_cast<int>(optional("passes", kMaxInt));
  counters.goodSteps = static_cast<int32_t>(optional("goodSteps", kMaxInt));
  if (fields.has("lossScale")) {
    counters.lossScale = static_cast<float>(fields.number("lossScale"));
    if (!(counters.lossScale > 0) || !std::isfinite(counters.lossScale))
      throw InvalidArgument("lossScale: expected a positive float32");
  }
  return onDevice(
      info.Env(), std::move(handle),
      [counters](Session& session, const CancelCheck&) {
        session.setCounters(counters);
        return Nothing{};
      },
      toUndefined);
}

struct CarriedStates {
  int batchSize = 0;
  std::vector<float> states;
};

Napi::Value carriedStates(const Napi::CallbackInfo& info) {
  return onDevice(
      info.Env(), liveSession(info),
      [](Session& session, const CancelCheck&) {
        CarriedStates carried{session.carriedBatchSize(), {}};
        if (carried.batchSize > 0) carried.states = session.carriedStates();
        return carried;
      },
      [](Napi::Env env, const CarriedStates& carried) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("batchSize", carried.batchSize);
        object.Set("states", toFloat32Array(env, carried.states));
        return object;
      });
}

Napi::Value setCarriedStates(const Napi::CallbackInfo& info) {
  auto handle = liveSession(info);
  const double batchSize = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : -1;
  if (!(batchSize >= 0 && batchSize <= 2147483647.0))
    throw InvalidArgument("batchSize: expected an integer of at least 0");
  std::vector<float> states;
  copyFloats(info[2], "states", states);
  return onDevice(
      info.Env(), std::move(handle),
      [batchSize, states = std::move(states)](Session& session, const CancelCheck&) {
        session.setCarriedStates(static_cast<int>(batchSize), states);
        return Nothing{};
      },
      toUndefined);
}

Napi::Value swapAverage(const Napi::CallbackInfo& info) {
  const auto work = [](Session& session, const CancelCheck&) {
    session.swapAverage();
    return Nothing{};
  };
  return onDevice(info.Env(), liveSession(info), work, toUndefined);
}

Napi::Value resetStates(const Napi::CallbackInfo& info) {
  const auto work = [](Session& session, const CancelCheck&) {
    session.resetStates();
    return Nothing{};
  };
  return onDevice(info.Env(), liveSession(info), work, toUndefined);
}

template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
void exportFunction(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<Function>>(exports.Env(), name));
}

Napi::Object initModule(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  exports.Set("version", LSTM_VERSION);
  exports.Set("abi", kAbi);
  exportFunction<instructionSets>(exports, "instructionSets");
  exportFunction<createDevice>(exports, "createDevice");
  exportFunction<deviceInfo>(exports, "deviceInfo");
  exportFunction<stepStatistics>(exports, "stepStatistics");
  exportFunction<disposeDevice>(exports, "disposeDevice");
  exportFunction<cudaDevices>(exports, "cudaDevices");
  exportFunction<createSession>(exports, "createSession");
  exportFunction<disposeSession>(exports, "disposeSession");
  exportFunction<parameters>(exports, "parameters");
  exportFunction<memory>(exports, "memory");
  exportFunction<initialize>(exports, "initialize");
  exportFunction<cancel>(exports, "cancel");
  exportFunction<trainStep>(exports, "trainStep");
  exportFunction<evaluate>(exports, "evaluate");
  exportFunction<predict>(exports, "predict");
  exportFunction<predictSync>(exports, "predictSync");
  exportFunction<gradients>(exports, "gradients");
  exportFunction<forward>(exports, "forward");
  exportFunction<backward>(exports, "backward");
  exportFunction<zeroGradients>(exports, "zeroGradients");
  exportFunction<applyUpdate>(exports, "applyUpdate");
  exportFunction<readArena>(exports, "readArena");
  exportFunction<writeArena>(exports, "writeArena");
  exportFunction<counters>(exports, "counters");
  exportFunction<setCounters>(exports, "setCounters");
  exportFunction<carriedStates>(exports, "carriedStates");
  exportFunction<setCarriedStates>(exports, "setCarriedStates");
  exportFunction<swapAverage>(exports, "swapAverage");
  exportFunction<resetStates>(exports, "resetStates");
  return exports;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  return initModule(env, exports);
}

NODE_API_MODULE(cudnn_lstm, Init)

}  // namespace
}  // namespace lstm::addon
