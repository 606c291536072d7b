#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "cuda_standin/context.h"
#include "cuda_standin/kernels.h"
#include "cuda_standin/rnn.h"

// The table of native/cuda/runtime.h in host memory. It tests the host side of the CUDA device; it is no GPU, and says
// so in its name.
namespace standin {
namespace {

constexpr int kDevices = 2;

int places(RuntimePlace* places, int capacity) {
  if (places && capacity > 0) {
    *places = {};
    std::snprintf(places->library, sizeof places->library, "stand-in");
    std::snprintf(places->outcome, sizeof places->outcome, "host memory, no GPU");
  }
  return 1;
}

RuntimeStatus deviceCount(int* count, RuntimeError* error) {
  const RuntimeStatus status = begin("deviceCount");
  if (status != kRuntimeOk) return report(error, status, "deviceCount", "a failure that the test asked for");
  *count = kDevices;
  return kRuntimeOk;
}

RuntimeStatus deviceInfo(int index, RuntimeDeviceInfo* info, RuntimeError* error) {
  const RuntimeStatus status = begin("deviceInfo");
  if (status != kRuntimeOk) return report(error, status, "deviceInfo", "a failure that the test asked for");
  if (index < 0 || index >= kDevices)
    return report(error, kRuntimeUnavailable, "deviceInfo", "no such device");
  *info = {};
  std::snprintf(info->name, sizeof info->name, "stand-in (no GPU)");
  info->index = index;
  State& s = state();
  const std::lock_guard lock(s.mutex);
  info->computeMajor = s.computeMajor;
  info->multiprocessors = 1;
  info->totalBytes = info->freeBytes = s.totalBytes;
  return kRuntimeOk;
}

RuntimeStatus createContext(int index, RuntimeContext** context, RuntimeError* error) {
  const RuntimeStatus status = begin("createContext");
  if (status != kRuntimeOk)
    return report(error, status, "createContext", "a failure that the test asked for");
  if (index < 0 || index >= kDevices)
    return report(error, kRuntimeUnavailable, "createContext", "no such device");
  *context = new RuntimeContext;
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.contexts.insert(*context);
  return kRuntimeOk;
}

void destroyContext(RuntimeContext* context) {
  if (!context) return;
  State& s = state();
  {
    const std::lock_guard lock(s.mutex);
    s.contexts.erase(context);
  }
  const int left = context->memory.count();
  delete context->capturing;
  delete context;
  if (left > 0) note({"destroyContext: " + std::to_string(left) + " allocations were not released"});
}

uint64_t totalBytes() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.totalBytes;
}

RuntimeStatus allocate(RuntimeContext* context, size_t bytes, void** memory, RuntimeError* error) {
  return now(context, "allocate", error, [&] {
    const uint64_t left = totalBytes() - std::min(totalBytes(), context->memory.usedBytes());
    if (bytes > left) throw Refused{kRuntimeOutOfMemory, "out of memory"};
    *memory = context->memory.allocate(bytes);
  });
}

void release(RuntimeContext* context, void* memory) {
  if (!memory) return;
  try {
    context->memory.release(memory);
  } catch (const Violation& violation) {
    note(violation);
  }
}

RuntimeStatus memoryInfo(RuntimeContext* context, uint64_t* freeBytes, uint64_t* total, RuntimeError* error) {
  return now(context, "memoryInfo", error, [&] {
    *total = totalBytes();
    *freeBytes = *total - std::min(*total, context->memory.usedBytes());
  });
}

RuntimeStatus allocatePinned(RuntimeContext* context, size_t bytes, void** memory, RuntimeError* error) {
  return now(context, "allocatePinned", error, [&] {
    *memory = std::malloc(bytes ? bytes : 1);
    if (!*memory) throw std::bad_alloc();
    State& s = state();
    const std::lock_guard lock(s.mutex);
    ++s.pinned;
  });
}

void releasePinned(RuntimeContext*, void* memory) {
  if (!memory) return;
  std::free(memory);
  State& s = state();
  const std::lock_guard lock(s.mutex);
  --s.pinned;
}

RuntimeStatus copyIn(RuntimeContext* context, void* device, const void* host, size_t bytes,
                     RuntimeError* error) {
  return now(context, "copyIn", error,
             [&] { std::memcpy(context->memory.bytes(device, bytes, "device"), host, bytes); });
}

RuntimeStatus copyOut(RuntimeContext* context, void* host, const void* device, size_t bytes,
                      RuntimeError* error) {
  return now(context, "copyOut", error,
             [&] { std::memcpy(host, context->memory.bytes(device, bytes, "device"), bytes); });
}

RuntimeStatus copyWithin(RuntimeContext* context, void* to, const void* from, size_t bytes,
                         RuntimeError* error) {
  return submit(context, "copyWithin", error, [=] {
    const char* source = context->memory.bytes(from, bytes, "from");
    char* target = context->memory.bytes(to, bytes, "to");
    if (target < source + bytes && source < target + bytes) throw Violation{"the ranges overlap"};
    std::memcpy(target, source, bytes);
  });
}

RuntimeStatus copyRows(RuntimeContext* context, float* to, int64_t toStride, const float* from,
                       int64_t fromStride, int64_t width, int64_t rows, RuntimeError* error) {
  return submit(context, "copyRows", error, [=] {
    if (width > toStride || width > fromStride) throw Violation{"a row is longer than its stride"};
    const float* source = context->memory.at(from, (rows - 1) * fromStride + width, "from");
    float* target = context->memory.at(to, (rows - 1) * toStride + width, "to");
    for (int64_t row = 0; row < rows; ++row)
      std::memcpy(target + row * toStride, source + row * fromStride, width * sizeof(float));
  });
}

RuntimeStatus zero(RuntimeContext* context, void* device, size_t bytes, RuntimeError* error) {
  return submit(context, "zero", error,
                [=] { std::memset(context->memory.bytes(device, bytes, "device"), 0, bytes); });
}

RuntimeStatus synchronize(RuntimeContext* context, RuntimeError* error) {
  return now(context, "synchronize", error, [] {});
}

// What the stream's order says is fetched; it lands when it is collected.
RuntimeStatus fetch(RuntimeContext* context, const void* device, size_t bytes, uint64_t* ticket,
                    RuntimeError* error) {
  return now(context, "fetch", error, [&] {
    if (bytes == 0 || bytes > kRuntimeFetchBytes) throw Refused{kRuntimeInvalid, "1 to 65536 bytes"};
    const char* from = context->memory.bytes(device, bytes, "device");
    context->fetches.emplace_back(from, from + bytes);
    *ticket = context->fetches.size();
    int underWay = 0;
    for (const auto& one : context->fetches) underWay += !one.empty();
    State& s = state();
    const std::lock_guard lock(s.mutex);
    s.mostUnderWay = std::max(s.mostUnderWay, underWay);
  });
}

RuntimeStatus collect(RuntimeContext* context, uint64_t ticket, void* host, size_t bytes,
                      RuntimeError* error) {
  return now(context, "collect", error, [&] {
    if (ticket < 1 || ticket > context->fetches.size() || ticket + kRuntimeFetches <= context->fetches.size())
      throw Refused{kRuntimeInvalid, "not one of the latest tickets"};
    std::vector<char>& fetched = context->fetches[ticket - 1];
    if (fetched.size() != bytes) throw Violation{"collected twice, or another number of bytes"};
    std::memcpy(host, fetched.data(), bytes);
    fetched.clear();
  });
}

RuntimeStatus beginCapture(RuntimeContext* context, RuntimeError* error) {
  return now(context, "beginCapture", error, [&] { context->capturing = new RuntimeGraph; });
}

RuntimeStatus endCapture(RuntimeContext* context, RuntimeGraph** graph, RuntimeError* error) {
  std::unique_ptr<RuntimeGraph> captured(std::exchange(context->capturing, nullptr));
  const RuntimeStatus status = beginOn(context, "endCapture", error);
  if (status != kRuntimeOk) return status;
  if (!captured) return report(error, kRuntimeInvalid, "endCapture", "nothing is captured");
  *graph = captured.release();
  State& s = state();
  const std::lock_guard lock(s.mutex);
  ++s.graphs;
  return kRuntimeOk;
}

RuntimeStatus launchGraph(RuntimeContext* context, RuntimeGraph* graph, RuntimeError* error) {
  return now(context, "launchGraph", error, [&] {
    for (const auto& work : graph->work) work();
  });
}

void destroyGraph(RuntimeContext*, RuntimeGraph* graph) {
  if (!graph) return;
  delete graph;
  State& s = state();
  const std::lock_guard lock(s.mutex);
  --s.graphs;
}

RuntimeStatus timeStart(RuntimeContext* context, RuntimeError* error) {
  return now(context, "timeStart", error, [&] { context->mark = context->milliseconds; });
}

RuntimeStatus timeStop(RuntimeContext* context, float* milliseconds, RuntimeError* error) {
  return now(context, "timeStop", error,
             [&] { *milliseconds = static_cast<float>(context->milliseconds - context->mark); });
}

constexpr CudaRuntime kTable = {
    .abi = LSTM_CUDA_ABI,
    .implementation = "stand-in",
    .places = places,
    .deviceCount = deviceCount,
    .deviceInfo = deviceInfo,
    .createContext = createContext,
    .destroyContext = destroyContext,
    .allocate = allocate,
    .release = release,
    .memoryInfo = memoryInfo,
    .allocatePinned = allocatePinned,
    .releasePinned = releasePinned,
    .copyIn = copyIn,
    .copyOut = copyOut,
    .copyWithin = copyWithin,
    .copyRows = copyRows,
    .zero = zero,
    .synchronize = synchronize,
    .fetch = fetch,
    .collect = collect,
    .beginCapture = beginCapture,
    .endCapture = endCapture,
    .launchGraph = launchGraph,
    .destroyGraph = destroyGraph,
    .rnnCreate = rnnCreate,
    .rnnDestroy = rnnDestroy,
    .rnnWeightBytes = rnnWeightBytes,
    .rnnDropoutBytes = rnnDropoutBytes,
    .rnnSetShape = rnnSetShape,
    .rnnForward = rnnForward,
    .rnnBackwardData = rnnBackwardData,
    .rnnBackwardWeights = rnnBackwardWeights,
    .timeStart = timeStart,
    .timeStop = timeStop,
    .gemm = gemm,
    .activationForward = activationForward,
    .activationBackward = activationBackward,
    .columnSums = columnSums,
    .add = add,
    .toHalf = toHalf,
    .fromHalf = fromHalf,
    .copyIf = copyIf,
    .embeddingForward = embeddingForward,
    .embeddingBackward = embeddingBackward,
    .dropout = dropout,
    .poolForward = poolForward,
    .poolBackward = poolBackward,
    .activationPartials = activationPartials,
    .activationRegularizer = activationRegularizer,
    .lossPartials = lossPartials,
    .loss = loss,
    .metrics = metrics,
    .updatePartials = updatePartials,
    .update = update,
};

}  // namespace
}  // namespace standin

extern "C" __attribute__((visibility("default"))) const CudaRuntime* cudnn_lstm_cuda_runtime(int abi) {
  return abi == LSTM_CUDA_ABI ? &standin::kTable : nullptr;
}
