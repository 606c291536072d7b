#include <functional>

#include "cuda_support.h"

// The stand-in itself: that it notices what it is there to notice.
namespace {

// A context and calls on it that say their status.
class Raw {
 public:
  Raw() {
    standIn().reset();
    RuntimeError error{};
    CHECK(table.createContext(0, &context, &error) == kRuntimeOk);
  }
  ~Raw() { table.destroyContext(context); }
  template <typename Function, typename... Args>
  RuntimeStatus operator()(Function CudaRuntime::* function, Args... args) {
    RuntimeError error{};
    const RuntimeStatus status = (table.*function)(context, args..., &error);
    text = error.text;
    return status;
  }
  float* floats(const std::vector<float>& values) {
    void* memory = nullptr;
    CHECK((*this)(&CudaRuntime::allocate, values.size() * sizeof(float), &memory) == kRuntimeOk);
    CHECK((*this)(&CudaRuntime::copyIn, memory, static_cast<const void*>(values.data()),
                  values.size() * sizeof(float)) == kRuntimeOk);
    owned.push_back(memory);
    return static_cast<float*>(memory);
  }
  std::vector<float> read(const float* memory, size_t count) {
    std::vector<float> values(count);
    CHECK((*this)(&CudaRuntime::copyOut, static_cast<void*>(values.data()), static_cast<const void*>(memory),
                  count * sizeof(float)) == kRuntimeOk);
    return values;
  }
  void releaseAll() {
    for (void* memory : owned) table.release(context, memory);
    owned.clear();
  }
  // The last call lost the context for this reason, and the next one says so too.
  bool lostBy(const std::string& reason) {
    const bool named = text.find(reason) != std::string::npos && standIn().violations() == 1;
    const bool sticky = (*this)(&CudaRuntime::synchronize) == kRuntimeLost;
    releaseAll();
    return named && sticky && standIn().violations() == 1;
  }

  const CudaRuntime& table = standIn().runtime;
  RuntimeContext* context = nullptr;
  std::string text;
  std::vector<void*> owned;
};

// A one-layer RNN with one sequence of two steps and everything that its passes need.
struct RawRnn {
  explicit RawRnn(Raw& raw) : raw(raw) {
    RuntimeRnnConfig config{};
    config.inputSize = 2;
    config.hiddenSize = config.projectionSize = 3;
    config.numLayers = 1;
    config.biasMode = 2;
    CHECK(raw(&CudaRuntime::rnnCreate, static_cast<const RuntimeRnnConfig*>(&config), &rnn) == kRuntimeOk);
    const int32_t lengths[] = {2};
    const RuntimeRnnShape shape = {1, 2, lengths};
    CHECK(raw(&CudaRuntime::rnnSetShape, rnn, &shape, &b.workBytes, &b.reserveBytes) == kRuntimeOk);
    CHECK(raw(&CudaRuntime::rnnWeightBytes, rnn, &b.weightBytes) == kRuntimeOk);
    b.dX = raw.floats({1, 2, 3, 4});
    b.dYOut = raw.floats(std::vector<float>(6));
    b.dY = b.dYOut;
    b.dGradY = raw.floats(std::vector<float>(6, 1));
    b.dGradX = raw.floats(std::vector<float>(4));
    b.dWeights = raw.floats(std::vector<float>(b.weightBytes / sizeof(float), 0.1f));
    b.dGradWeights = raw.floats(std::vector<float>(b.weightBytes / sizeof(float)));
    b.dWork = raw.floats(std::vector<float>(b.workBytes / sizeof(float) + 1));
    b.dReserve = raw.floats(std::vector<float>(b.reserveBytes / sizeof(float) + 1));
  }
  ~RawRnn() { raw.table.rnnDestroy(raw.context, rnn); }
  RuntimeStatus forward() {
    return raw(&CudaRuntime::rnnForward, rnn, 1, static_cast<const RuntimeRnnBuffers*>(&b));
  }
  RuntimeStatus data() {
    return raw(&CudaRuntime::rnnBackwardData, rnn, static_cast<const RuntimeRnnBuffers*>(&b));
  }
  RuntimeStatus weights() {
    return raw(&CudaRuntime::rnnBackwardWeights, rnn, static_cast<const RuntimeRnnBuffers*>(&b));
  }

  Raw& raw;
  RuntimeRnn* rnn = nullptr;
  RuntimeRnnBuffers b{};
};

}  // namespace

TEST("the stand-in notices work beyond the end of memory, on released memory, and on the host's own") {
  {
    Raw raw;
    float* x = raw.floats({1, 2, 3});
    CHECK(raw(&CudaRuntime::add, x, static_cast<const float*>(x), int64_t{4}) == kRuntimeLost);
    CHECK(raw.lostBy("16 bytes are used, 12 remain"));
  }
  {
    Raw raw;
    float* x = raw.floats({1});
    raw.releaseAll();
    CHECK(raw(&CudaRuntime::add, x, static_cast<const float*>(x), int64_t{1}) == kRuntimeLost);
    CHECK(raw.lostBy("not in live device memory"));
  }
  {
    Raw raw;
    float host = 1;
    CHECK(raw(&CudaRuntime::zero, static_cast<void*>(&host), sizeof host) == kRuntimeLost);
    CHECK(raw.lostBy("not in live device memory") && host == 1);
  }
}

TEST("the stand-in notices memory that is released twice, or never") {
  {
    Raw raw;
    float* x = raw.floats({1});
    raw.releaseAll();
    raw.table.release(raw.context, x);
    CHECK(standIn().violations() == 1);
  }
  {
    Raw raw;
    raw.floats({1});
    CHECK(standIn().live() == 2);  // the context and its memory
  }
  CHECK(standIn().violations() == 1 && standIn().live() == 0);
  CHECK(std::string(standIn().firstViolation()).find("not released") != std::string::npos);
}

TEST("the stand-in takes an RNN's three calls in their order, each once, and adds to the weights' gradient") {
  {
    Raw raw;
    {
      RawRnn rnn(raw);
      float once = 0;
      for (int step = 1; step <= 2; ++step) {
        CHECK(rnn.forward() == kRuntimeOk && rnn.data() == kRuntimeOk && rnn.weights() == kRuntimeOk);
        const std::vector<float> d = raw.read(static_cast<const float*>(rnn.b.dGradWeights), 4);
        if (step == 1) once = d[0];
        CHECK(once != 0 && d[0] == step * once);
      }
    }
    raw.releaseAll();
  }
  requireClean("");
  const std::vector<std::pair<std::string, std::function<RuntimeStatus(RawRnn&)>>> wrong = {
      {"in this order", [](RawRnn& r) { return r.forward(), r.weights(); }},
      {"in this order", [](RawRnn& r) { return r.forward(), r.data(), r.data(); }},
      {"in this order", [](RawRnn& r) { return r.forward(), r.data(), r.weights(), r.weights(); }},
      {"not that of a training forward", [](RawRnn& r) { return r.data(); }},
      {"y changed",
       [](RawRnn& r) {
         r.forward();
         r.raw(&CudaRuntime::zero, static_cast<void*>(r.b.dYOut), size_t{4});
         return r.data();
       }},
      {"the weights changed",
       [](RawRnn& r) {
         r.forward();
         r.raw(&CudaRuntime::zero, const_cast<void*>(r.b.dWeights), size_t{4});
         return r.data();
       }},
      {"dGradX",
       [](RawRnn& r) {
         r.forward();
         r.b.dGradX = nullptr;
         return r.data();
       }},
      {"dX",
       [](RawRnn& r) {
         r.b.dX = static_cast<const float*>(r.b.dX) + 1;
         return r.forward();
       }},
  };
  for (const auto& [reason, calls] : wrong) {
    Raw raw;
    RawRnn rnn(raw);
    CHECK(calls(rnn) == kRuntimeLost);
    harness::require(raw.lostBy(reason),
                     "expected '" + reason + "', got '" + standIn().firstViolation() + "'");
  }
}

TEST(
    "the stand-in records a graph, runs it as often as it is launched, and refuses copies to the host in "
    "it") {
  Raw raw;
  float* x = raw.floats({1, 2});
  RuntimeGraph* graph = nullptr;
  CHECK(raw(&CudaRuntime::beginCapture) == kRuntimeOk);
  CHECK(raw(&CudaRuntime::add, x, static_cast<const float*>(x + 1), int64_t{1}) == kRuntimeOk);
  float host = 0;
  CHECK(raw(&CudaRuntime::copyOut, static_cast<void*>(&host), static_cast<const void*>(x), sizeof host) ==
        kRuntimeNotSupported);
  CHECK(raw(&CudaRuntime::endCapture, &graph) == kRuntimeOk);
  CHECK(raw.read(x, 1)[0] == 1);
  CHECK(raw(&CudaRuntime::launchGraph, graph) == kRuntimeOk &&
        raw(&CudaRuntime::launchGraph, graph) == kRuntimeOk);
  CHECK(raw.read(x, 1)[0] == 5);
  raw.table.destroyGraph(raw.context, graph);
  raw.releaseAll();
  CHECK(standIn().violations() == 0);
}
