#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <vector>

#include "cuda/context.h"
#include "cuda/step_statistics.h"
#include "engine/run_ahead.h"

namespace lstm::cuda {

// What a step's ops read on the device that the host keeps up to date for them: brought there before a recording or a
// replay, which copy nothing from the host.
struct StepUses {
  bool shapeTables = false;
  std::vector<const int32_t*> tokens;  // TokenOrder's places
};

// Training steps as graphs, one for each key. The first step of a key runs call by call, after which all that it needs
// is on the device and chosen; the second is recorded and launched; from then on it is one launch. A key whose
// recording or launch is refused or fails goes on call by call. The least recently used graph goes when there are more
// than kMostGraphs, and every graph goes that may hold the address of memory that is released.
class StepGraphs {
 public:
  static constexpr size_t kMostGraphs = 16;
  static constexpr size_t kMostSeen = 64;  // keys without a graph

  StepGraphs(Context& context, bool isOn);
  ~StepGraphs();
  StepGraphs(const StepGraphs&) = delete;
  StepGraphs& operator=(const StepGraphs&) = delete;

  // `prepare` brings up to date what `work` said that it uses.
  void repeat(const StepKey& key, const std::function<void(const StepUses&)>& prepare,
              const std::function<void()>& work);
  void usesShapeTables() {
    if (noting_) noting_->shapeTables = true;
  }
  void usesTokens(const int32_t* tokens);
  const StepStatistics& statistics() const { return statistics_; }

 private:
  struct Step {
    StepKey key;
    StepUses uses;
    uint64_t memoryMark = 0;  // Context::memoryMark() when it ran or was recorded
    RuntimeGraph* graph = nullptr;
    bool isRefused = false;
  };
  using Steps = std::list<Step>;  // most recently used first

  Steps::iterator find(Steps& steps, const StepKey& key);
  void runFirst(const StepKey& key, const std::function<void()>& work);
  bool record(Step& step, const std::function<void()>& work);  // false: refused
  RuntimeGraph* capture(const std::function<void()>& work);    // null: refused
  void abandonCapture() noexcept;
  bool launch(RuntimeGraph* graph);  // false: refused
  void runEagerly(const std::function<void()>& work);
  void drop(Steps& steps, Steps::iterator step) noexcept;
  void released(uint64_t memoryMark) noexcept;

  Context& context_;
  const bool isOn_;
  Steps graphs_;
  Steps seen_;
  StepUses* noting_ = nullptr;  // of the step whose first run is under way
  StepStatistics statistics_;
};

}  // namespace lstm::cuda
