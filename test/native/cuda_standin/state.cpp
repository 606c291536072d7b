#include "cuda_standin/state.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cuda_standin/context.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace standin {
namespace {

// Every function of the table that can fail.
constexpr const char* kNames[] = {
    "deviceCount",
    "deviceInfo",
    "createContext",
    "allocate",
    "memoryInfo",
    "allocatePinned",
    "copyIn",
    "copyOut",
    "copyWithin",
    "copyRows",
    "zero",
    "synchronize",
    "fetch",
    "collect",
    "beginCapture",
    "endCapture",
    "launchGraph",
    "rnnCreate",
    "rnnWeightBytes",
    "rnnDropoutBytes",
    "rnnSetShape",
    "rnnForward",
    "rnnBackwardData",
    "rnnBackwardWeights",
    "timeStart",
    "timeStop",
    "gemm",
    "activationForward",
    "activationBackward",
    "columnSums",
    "add",
    "toHalf",
    "fromHalf",
    "copyIf",
    "embeddingForward",
    "embeddingBackward",
    "dropout",
    "poolForward",
    "poolBackward",
    "activationRegularizer",
    "loss",
    "metrics",
    "update",
};

void failAsEnvironmentSays(State& state) {
  const char* text = std::getenv("CUDNN_LSTM_STANDIN_FAIL");
  char name[64] = "";
  int nth = 0, status = 0;
  if (!text || std::sscanf(text, "%63[^:]:%d:%d", name, &nth, &status) != 3) return;
  state.failCall = name;
  state.failNth = nth;
  state.failStatus = static_cast<RuntimeStatus>(status);
}

}  // namespace

State& state() {
  static State* const only = [] {
    auto* made = new State;  // for ever: contexts of other threads may outlive static destruction
    failAsEnvironmentSays(*made);
    return made;
  }();
  return *only;
}

void note(const Violation& violation) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (s.violations++ == 0) s.firstViolation = violation.text;
}

RuntimeStatus begin(const char* call) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  ++s.calls[call];
  if (s.failNth == 0 || s.failCall != call || --s.failNth > 0) return kRuntimeOk;
  return s.failStatus;
}

RuntimeStatus report(RuntimeError* error, RuntimeStatus status, const char* call, const std::string& text) {
  error->code = static_cast<int>(status);
  std::snprintf(error->call, sizeof error->call, "%s", call);
  std::snprintf(error->text, sizeof error->text, "%s", text.c_str());
  return status;
}

}  // namespace standin

using standin::state;

EXPORT void cudnn_lstm_cuda_standin_reset(void) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  s.calls.clear();
  s.failNth = 0;
  s.violations = 0;
  s.firstViolation.clear();
  for (double& cost : s.cost) cost = 1;
  for (int& count : s.forwards) count = 0;
  s.mostUnderWay = 0;
  s.computeMajor = 8;
  s.totalBytes = uint64_t{1} << 30;
}

EXPORT void cudnn_lstm_cuda_standin_fail(const char* call, int nth, RuntimeStatus status) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  s.failCall = call;
  s.failNth = nth;
  s.failStatus = status;
}

EXPORT int cudnn_lstm_cuda_standin_calls(const char* call) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  const auto at = s.calls.find(call);
  return at == s.calls.end() ? 0 : at->second;
}

EXPORT const char* cudnn_lstm_cuda_standin_name(int index) {
  constexpr int count = sizeof standin::kNames / sizeof standin::kNames[0];
  return index >= 0 && index < count ? standin::kNames[index] : nullptr;
}

EXPORT int cudnn_lstm_cuda_standin_violations(void) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.violations;
}

EXPORT const char* cudnn_lstm_cuda_standin_first_violation(void) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.firstViolation.c_str();
}

EXPORT void cudnn_lstm_cuda_standin_check_guards(void) {
  standin::State& s = state();
  std::set<RuntimeContext*> contexts;
  {
    const std::lock_guard lock(s.mutex);
    contexts = s.contexts;
  }
  for (RuntimeContext* context : contexts) {
    try {
      context->memory.checkGuards();
    } catch (const standin::Violation& violation) {
      standin::note(violation);
    }
  }
}

EXPORT int cudnn_lstm_cuda_standin_live(void) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  int count = static_cast<int>(s.contexts.size()) + s.rnns + s.graphs + s.pinned;
  for (const RuntimeContext* context : s.contexts) count += context->memory.count();
  return count;
}

EXPORT void cudnn_lstm_cuda_standin_set_cost(RuntimeRnnAlgorithm algorithm, double milliseconds) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  s.cost[algorithm] = milliseconds;
}

EXPORT int cudnn_lstm_cuda_standin_forwards(RuntimeRnnAlgorithm algorithm) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.forwards[algorithm];
}

EXPORT int cudnn_lstm_cuda_standin_most_under_way(void) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.mostUnderWay;
}

EXPORT void cudnn_lstm_cuda_standin_set_device(int computeMajor, uint64_t totalBytes) {
  standin::State& s = state();
  const std::lock_guard lock(s.mutex);
  s.computeMajor = computeMajor;
  s.totalBytes = totalBytes;
}
