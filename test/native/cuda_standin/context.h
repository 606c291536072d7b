#pragma once

#include <functional>
#include <vector>

#include "cuda_standin/memory.h"
#include "cuda_standin/state.h"

struct RuntimeGraph {
  std::vector<std::function<void()>> work;
};

struct RuntimeContext {
  standin::Memory memory;
  std::vector<std::vector<char>> fetches;  // by ticket - 1: what is on its way to the host; empty: collected
  bool lost = false;
  RuntimeGraph* capturing = nullptr;
  double milliseconds = 0;  // of all work so far
  double mark = 0;          // of timeStart
};

namespace standin {

// Why a call of this context fails before it begins: it was asked to, or the context is lost. kRuntimeOk: it does not.
inline RuntimeStatus beginOn(RuntimeContext* context, const char* call, RuntimeError* error) {
  const RuntimeStatus asked = begin(call);
  if (context->lost) return report(error, kRuntimeLost, call, "the context was lost before");
  if (asked == kRuntimeOk) return kRuntimeOk;
  context->lost = asked == kRuntimeLost;
  return report(error, asked, call, "a failure that the test asked for");
}

// Runs `body`, turning what it throws into a status.
template <typename Body>
RuntimeStatus guarded(RuntimeContext* context, const char* call, RuntimeError* error, Body body) {
  try {
    body();
    return kRuntimeOk;
  } catch (const Refused& refused) {
    return report(error, refused.status, call, refused.text);
  } catch (const Violation& violation) {
    const Violation named = {std::string(call) + ": " + violation.text};
    note(named);
    context->lost = true;
    return report(error, kRuntimeLost, call, named.text);
  } catch (const std::bad_alloc&) {
    return report(error, kRuntimeOutOfMemory, call, "the host has no memory left");
  }
}

// A call that a graph cannot hold.
template <typename Body>
RuntimeStatus now(RuntimeContext* context, const char* call, RuntimeError* error, Body body) {
  const RuntimeStatus status = beginOn(context, call, error);
  if (status != kRuntimeOk) return status;
  if (context->capturing) return report(error, kRuntimeNotSupported, call, "not while a graph is captured");
  return guarded(context, call, error, body);
}

// Work of the stream: done at once, or recorded while a graph is captured. `body` owns what it needs.
template <typename Body>
RuntimeStatus submit(RuntimeContext* context, const char* call, RuntimeError* error, Body body) {
  const RuntimeStatus status = beginOn(context, call, error);
  if (status != kRuntimeOk) return status;
  if (context->capturing) {
    context->capturing->work.push_back(body);
    return kRuntimeOk;
  }
  return guarded(context, call, error, body);
}

}  // namespace standin
