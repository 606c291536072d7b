#include "cuda/step_graphs.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "engine/errors.h"

namespace lstm::cuda {

StepGraphs::StepGraphs(Context& context, bool isOn) : context_(context), isOn_(isOn) {
  context_.onRelease([this](uint64_t memoryMark) { released(memoryMark); });
}

StepGraphs::~StepGraphs() {
  context_.onRelease(nullptr);
  while (!graphs_.empty()) drop(graphs_, graphs_.begin());
}

void StepGraphs::repeat(const StepKey& key, const std::function<void(const StepUses&)>& prepare,
                        const std::function<void()>& work) {
  if (!isOn_) return runEagerly(work);
  if (const auto at = find(graphs_, key); at != graphs_.end()) {
    prepare(at->uses);
    if (launch(at->graph)) {
      ++statistics_.replayed;
      return;
    }
    seen_.push_front({key, {}, context_.memoryMark(), nullptr, true});
    drop(graphs_, at);
    return runEagerly(work);
  }
  const auto at = find(seen_, key);
  if (at == seen_.end()) return runFirst(key, work);
  if (at->isRefused) return runEagerly(work);
  Step step = *at;
  seen_.erase(at);
  prepare(step.uses);
  if (record(step, work)) return;
  step.isRefused = true;
  seen_.push_front(std::move(step));
  runEagerly(work);
}

StepGraphs::Steps::iterator StepGraphs::find(Steps& steps, const StepKey& key) {
  const auto at = std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return step.key == key; });
  if (at != steps.end()) steps.splice(steps.begin(), steps, at);
  return at;
}

void StepGraphs::usesTokens(const int32_t* tokens) {
  if (noting_) noting_->tokens.push_back(tokens);
}

void StepGraphs::runFirst(const StepKey& key, const std::function<void()>& work) {
  StepUses uses;
  noting_ = &uses;
  try {
    runEagerly(work);
  } catch (...) {
    noting_ = nullptr;
    throw;
  }
  noting_ = nullptr;
  seen_.push_front({key, std::move(uses), context_.memoryMark(), nullptr, false});
  if (seen_.size() > kMostSeen) seen_.pop_back();
}

bool StepGraphs::record(Step& step, const std::function<void()>& work) {
  RuntimeGraph* graph = capture(work);
  if (!graph) return false;
  try {
    if (!launch(graph)) {
      context_.quietly(&CudaRuntime::destroyGraph, graph);
      return false;
    }
    step.graph = graph;
    step.memoryMark = context_.memoryMark();
    graphs_.push_front(step);
  } catch (...) {
    context_.quietly(&CudaRuntime::destroyGraph, graph);
    throw;
  }
  ++statistics_.recorded;
  if (graphs_.size() > kMostGraphs) drop(graphs_, std::prev(graphs_.end()));
  return true;
}

RuntimeGraph* StepGraphs::capture(const std::function<void()>& work) {
  RuntimeGraph* graph = nullptr;
  bool isCapturing = false;
  try {
    context_.call(&CudaRuntime::beginCapture);
    isCapturing = true;
    work();
    isCapturing = false;
    context_.call(&CudaRuntime::endCapture, &graph);
    return graph;
  } catch (const Aborted&) {
    if (isCapturing) abandonCapture();
    throw;
  } catch (const std::exception&) {
    if (isCapturing) abandonCapture();
    if (context_.lost()) throw;
    return nullptr;  // where the failure is not the recording's, the same call fails again
  }
}

void StepGraphs::abandonCapture() noexcept {
  RuntimeGraph* graph = nullptr;
  RuntimeError error{};
  context_.quietly(&CudaRuntime::endCapture, &graph, &error);
  if (graph) context_.quietly(&CudaRuntime::destroyGraph, graph);
}

bool StepGraphs::launch(RuntimeGraph* graph) {
  try {
    context_.call(&CudaRuntime::launchGraph, graph);
    return true;
  } catch (const std::exception&) {
    if (context_.lost()) throw;
    return false;
  }
}

void StepGraphs::runEagerly(const std::function<void()>& work) {
  work();
  ++statistics_.eager;
}

void StepGraphs::drop(Steps& steps, Steps::iterator step) noexcept {
  if (step->graph) context_.quietly(&CudaRuntime::destroyGraph, step->graph);
  steps.erase(step);
}

// Whatever was allocated later than a step ran is none of that step's.
void StepGraphs::released(uint64_t memoryMark) noexcept {
  for (Steps* steps : {&graphs_, &seen_})
    for (auto at = steps->begin(); at != steps->end();) {
      const auto step = at++;
      if (step->memoryMark > memoryMark) drop(*steps, step);
    }
}

}  // namespace lstm::cuda
