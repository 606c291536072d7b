#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "cuda_standin/control.h"

namespace standin {

// What the process knows; guarded by `mutex`.
struct State {
  std::mutex mutex;
  std::map<std::string, int> calls;
  std::string failCall;
  int failNth = 0;
  RuntimeStatus failStatus = kRuntimeOk;
  int violations = 0;
  std::string firstViolation;
  double cost[4] = {1, 1, 1, 1};
  int forwards[4] = {};
  int mostUnderWay = 0;
  int computeMajor = 8;
  uint64_t totalBytes = uint64_t{1} << 30;
  int rnns = 0;
  int graphs = 0;
  int pinned = 0;
  std::set<RuntimeContext*> contexts;
};

State& state();

// A breach of the table's rules. On a GPU it would be wrong results or an illegal address: the context is lost.
struct Violation {
  std::string text;
};
// The call refuses, as the library would; nothing ran.
struct Refused {
  RuntimeStatus status;
  std::string text;
};

void note(const Violation& violation);
// Counts the call; the status it must give, kRuntimeOk for none.
RuntimeStatus begin(const char* call);
RuntimeStatus report(RuntimeError* error, RuntimeStatus status, const char* call, const std::string& text);

}  // namespace standin
