#include "cuda_standin/rnn.h"

#include <cstring>
#include <vector>

#include "cuda/elements/half.h"
#include "cuda_standin/context.h"
#include "cuda_standin/rnn_math.h"

namespace standin {
namespace {

constexpr float kMagic = 7654321.0f;

// The start of a reserve.
struct Header {
  float magic;
  int32_t stage;  // 1: forward ran, 2: backward data ran, 3: backward weights ran
  uint64_t x, y, hx, cx, weights;
};
static_assert(sizeof(Header) <= Rnn::kHeader * sizeof(float));

// FNV-1a; 0 for null.
uint64_t checksum(const float* data, int64_t floats) {
  if (!data) return 0;
  uint64_t hash = 14695981039346656037u;
  for (int64_t i = 0; i < floats; ++i) {
    uint32_t bits;
    std::memcpy(&bits, data + i, sizeof bits);
    hash = (hash ^ bits) * 1099511628211u;
  }
  return hash;
}

// More for unequal lengths, as with the real library: sizes of one shape do not serve another of as many rows.
size_t workBytesOf(const Rnn& rnn) {
  size_t distinct = 1;
  for (size_t n = 1; n < rnn.lengths.size(); ++n) distinct += rnn.lengths[n] != rnn.lengths[n - 1];
  return 1000 * distinct + static_cast<size_t>(rnn.rows()) * 4 * rnn.H();
}

void requireLegal(const RuntimeRnnConfig& c) {
  const auto refuse = [](const char* text) { throw Refused{kRuntimeNotSupported, text}; };
  if (c.inputSize < 1 || c.hiddenSize < 1 || c.numLayers < 1 || c.projectionSize < 1)
    throw Refused{kRuntimeInvalid, "sizes must be positive"};
  if (c.projectionSize > c.hiddenSize) refuse("projectionSize > hiddenSize");
  if (c.algorithm == kRnnStandard) return;
  if (c.biasMode != 2) refuse("persistent algorithms need two biases");
  if (c.projectionSize < c.hiddenSize) refuse("projection is the standard algorithm's alone");
  if (c.precision == kPrecisionBf16) refuse("bf16 is the standard algorithm's alone");
  if (c.algorithm == kRnnPersistStatic && c.hiddenSize > 1536) refuse("hiddenSize > 1536");
  if (c.algorithm == kRnnSmallH && c.hiddenSize > 192) refuse("hiddenSize > 192");
}

void requireApart(const void* out, int64_t outCount, const void* in, int64_t inCount, size_t elementBytes,
                  const char* names) {
  const auto a = reinterpret_cast<uintptr_t>(out), b = reinterpret_cast<uintptr_t>(in);
  if (a < b + inCount * elementBytes && b < a + outCount * elementBytes)
    throw Violation{std::string(names) + " overlap"};
}

// A pass's tensors as floats: in place, or, in half precision, widened copies, of which the written ones go back.
class Tensors {
 public:
  Tensors(const Memory& memory, int halfKind) : memory_(memory), kind_(halfKind) {}

  float* at(const void* device, int64_t count, const char* name) {
    if (kind_ == kHalfNone) return memory_.at(static_cast<float*>(const_cast<void*>(device)), count, name);
    uint16_t* halves = memory_.at(static_cast<uint16_t*>(const_cast<void*>(device)), count, name);
    Copy& copy = copies_.emplace_back(Copy{halves, std::vector<float>(count), false});
    for (int64_t i = 0; i < count; ++i) copy.floats[i] = lstm::elements::floatOfHalf(kind_, halves[i]);
    return copy.floats.data();
  }
  float* atOrNull(const void* device, int64_t count, const char* name) {
    return device ? at(device, count, name) : nullptr;
  }
  float* out(void* device, int64_t count, const char* name) {
    float* floats = at(device, count, name);
    if (kind_ != kHalfNone) copies_.back().isWritten = true;
    return floats;
  }
  float* outOrNull(void* device, int64_t count, const char* name) {
    return device ? out(device, count, name) : nullptr;
  }
  void writeBack() const {
    for (const Copy& copy : copies_)
      for (size_t i = 0; copy.isWritten && i < copy.floats.size(); ++i)
        copy.halves[i] = lstm::elements::halfBits(kind_, copy.floats[i]);
  }

 private:
  struct Copy {
    uint16_t* halves;
    std::vector<float> floats;
    bool isWritten;
  };
  const Memory& memory_;
  int kind_;
  std::vector<Copy> copies_;  // moving a vector keeps its elements where they are
};

// Checks every buffer of a pass and finds its place. `pass`: 0 forward, 1 backward data, 2 backward weights.
RnnTensors resolve(const Memory& memory, Tensors& tensors, const Rnn& rnn, const RuntimeRnnBuffers& b,
                   int pass) {
  const int64_t stacks = int64_t{rnn.config.numLayers} * rnn.D() * rnn.batchSize;
  const int64_t h = stacks * rnn.P(), c = stacks * rnn.H(), y = rnn.yFloats();
  const int64_t x = rnn.rows() * rnn.config.inputSize, w = rnn.weightFloats();
  const size_t bytes = rnn.elementBytes();
  if (b.weightBytes != w * bytes) throw Refused{kRuntimeInvalid, "weightBytes is not what was told"};
  if (b.workBytes < workBytesOf(rnn)) throw Refused{kRuntimeInvalid, "workBytes is too small"};
  std::memset(memory.bytes(b.dWork, b.workBytes, "dWork"), 0xFF,
              b.workBytes);  // it holds nothing over a call
  RnnTensors at{};
  at.weights = tensors.at(b.dWeights, w, "dWeights");
  at.x = tensors.at(b.dX, x, "dX");
  at.hx = tensors.atOrNull(b.dHx, h, "dHx");
  at.cx = tensors.atOrNull(b.dCx, c, "dCx");
  at.drops = rnn.config.dropout > 0;
  if (pass == 0) {
    requireApart(b.dYOut, y, b.dX, x, bytes, "dYOut and dX");
    at.y = tensors.out(b.dYOut, y, "dYOut");
    at.hy = tensors.outOrNull(b.dHy, h, "dHy");
    at.cy = tensors.outOrNull(b.dCy, c, "dCy");
    return at;
  }
  at.y = tensors.at(b.dY, y, "dY");
  if (pass == 1) {
    at.dy = tensors.at(b.dGradY, y, "dGradY");
    at.dhy = tensors.atOrNull(b.dGradHy, h, "dGradHy");
    at.dcy = tensors.atOrNull(b.dGradCy, c, "dGradCy");
    requireApart(b.dGradX, x, b.dGradY, y, bytes, "dGradX and dGradY");
    requireApart(b.dGradX, x, b.dY, y, bytes, "dGradX and dY");
    requireApart(b.dGradX, x, b.dX, x, bytes, "dGradX and dX");
    at.dx = tensors.out(b.dGradX, x, "dGradX");
    at.dhx = tensors.outOrNull(b.dGradHx, h, "dGradHx");
    at.dcx = tensors.outOrNull(b.dGradCx, c, "dGradCx");
  } else {
    at.dWeights = tensors.out(b.dGradWeights, w, "dGradWeights");
  }
  return at;
}

// Where the library's dropout stands.
struct DropoutState {
  uint64_t seed, passes;
};

// The seed of a training forward, which moves the state on.
uint64_t nextDropSeed(const Memory& memory, const RuntimeRnnConfig& config) {
  auto* state = memory.at(static_cast<DropoutState*>(config.dDropoutState), 1, "dDropoutState");
  return state->seed + 0x632be59bd9b4e019u * ++state->passes;
}

float* reserveOf(const Memory& memory, const Rnn& rnn, const RuntimeRnnBuffers& b) {
  if (b.reserveBytes < rnn.reserveFloats() * sizeof(float))
    throw Refused{kRuntimeInvalid, "reserveBytes is too small"};
  return reinterpret_cast<float*>(memory.bytes(b.dReserve, b.reserveBytes, "dReserve"));
}

void requireUnchanged(const Header& header, const Header& now, bool data) {
  const auto check = [](uint64_t then, uint64_t now, const char* name) {
    if (then != now) throw Violation{std::string(name) + " changed between forward and backward"};
  };
  check(header.y, now.y, "y");
  check(header.hx, now.hx, "hx");
  if (data) {
    check(header.cx, now.cx, "cx");
    check(header.weights, now.weights, "the weights");
  } else {
    check(header.x, now.x, "x");
  }
}

Header headerOf(const Rnn& rnn, const RnnTensors& at, int stage) {
  const int64_t stacks = int64_t{rnn.config.numLayers} * rnn.D() * rnn.batchSize;
  return {kMagic,
          stage,
          checksum(at.x, rnn.rows() * rnn.config.inputSize),
          checksum(at.y, rnn.yFloats()),
          checksum(at.hx, stacks * rnn.P()),
          checksum(at.cx, stacks * rnn.H()),
          checksum(at.weights, rnn.weightFloats())};
}

void enter(const RnnTensors& at, const Rnn& rnn, int stage) {
  Header header;
  std::memcpy(&header, at.reserve, sizeof header);
  if (header.magic != kMagic) throw Violation{"the reserve is not that of a training forward"};
  if (header.stage != stage - 1)
    throw Violation{"forward, backward data, backward weights: each once and in this order"};
  requireUnchanged(header, headerOf(rnn, at, 0), stage == 2);
  header.stage = stage;
  std::memcpy(at.reserve, &header, sizeof header);
}

void spend(RuntimeContext* context, const Rnn& rnn) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  context->milliseconds += s.cost[rnn.config.algorithm];
}

void requireShape(const Rnn& rnn) {
  if (rnn.lengths.empty()) throw Violation{"no shape was set"};
}

}  // namespace

RuntimeStatus rnnCreate(RuntimeContext* context, const RuntimeRnnConfig* config, RuntimeRnn** rnn,
                        RuntimeError* error) {
  return now(context, "rnnCreate", error, [&] {
    requireLegal(*config);
    if (config->dropout > 0) {
      if (config->dropoutStateBytes < sizeof(DropoutState))
        throw Refused{kRuntimeInvalid, "dropoutStateBytes is too small"};
      *context->memory.at(static_cast<DropoutState*>(config->dDropoutState), 1, "dDropoutState") = {
          config->dropoutSeed, 0};
    }
    *rnn = new RuntimeRnn;
    (*rnn)->config = *config;
    State& s = state();
    const std::lock_guard lock(s.mutex);
    ++s.rnns;
  });
}

void rnnDestroy(RuntimeContext*, RuntimeRnn* rnn) {
  if (!rnn) return;
  delete rnn;
  State& s = state();
  const std::lock_guard lock(s.mutex);
  --s.rnns;
}

RuntimeStatus rnnWeightBytes(RuntimeContext* context, RuntimeRnn* rnn, size_t* bytes, RuntimeError* error) {
  return now(context, "rnnWeightBytes", error, [&] { *bytes = rnn->weightFloats() * rnn->elementBytes(); });
}

RuntimeStatus rnnDropoutBytes(RuntimeContext* context, size_t* bytes, RuntimeError* error) {
  return now(context, "rnnDropoutBytes", error, [&] { *bytes = 1000; });
}

RuntimeStatus rnnSetShape(RuntimeContext* context, RuntimeRnn* rnn, const RuntimeRnnShape* shape,
                          size_t* workBytes, size_t* reserveBytes, RuntimeError* error) {
  return now(context, "rnnSetShape", error, [&] {
    const int N = shape->batchSize, T = shape->timeSteps;
    if (T > 65535) throw Refused{kRuntimeNotSupported, "more than 65535 steps"};
    if (N < 1 || T < 1 || shape->lengths[0] != T)
      throw Violation{"packed: the first length must be timeSteps"};
    for (int n = 0; n < N; ++n)
      if (shape->lengths[n] < 1 || (n > 0 && shape->lengths[n] > shape->lengths[n - 1]))
        throw Violation{"packed: lengths of at least 1, descending"};
    if (rnn->config.algorithm != kRnnStandard && shape->lengths[N - 1] != T)
      throw Refused{kRuntimeNotSupported, "persistent algorithms need equal lengths"};
    rnn->batchSize = N;
    rnn->timeSteps = T;
    rnn->lengths.assign(shape->lengths, shape->lengths + N);
    rnn->rowOffset.assign(T + 1, 0);
    for (int t = 0; t < T; ++t) {
      int live = 0;
      while (live < N && shape->lengths[live] > t) ++live;
      rnn->rowOffset[t + 1] = rnn->rowOffset[t] + live;
    }
    *workBytes = workBytesOf(*rnn);
    *reserveBytes = rnn->reserveFloats() * sizeof(float);
  });
}

RuntimeStatus rnnForward(RuntimeContext* context, RuntimeRnn* given, int training,
                         const RuntimeRnnBuffers* buffers, RuntimeError* error) {
  const Rnn rnn = *given;
  const RuntimeRnnBuffers b = *buffers;
  return submit(context, "rnnForward", error, [context, rnn, b, training] {
    requireShape(rnn);
    Tensors tensors(context->memory, rnn.halfKind());
    RnnTensors at = resolve(context->memory, tensors, rnn, b, 0);
    std::vector<float> scratch;
    if (training) {
      at.reserve = reserveOf(context->memory, rnn, b);
      if (at.drops) at.dropSeed = nextDropSeed(context->memory, rnn.config);
    } else {
      at.drops = false;
      if (b.dReserve || b.reserveBytes) throw Violation{"dReserve: given in inference"};
      scratch.resize(rnn.reserveFloats());
      at.reserve = scratch.data();
    }
    forwardPass(rnn, at);
    tensors.writeBack();
    const Header header = headerOf(rnn, at, 1);
    std::memcpy(at.reserve, &header, sizeof header);
    spend(context, rnn);
    State& s = state();
    const std::lock_guard lock(s.mutex);
    ++s.forwards[rnn.config.algorithm];
  });
}

RuntimeStatus rnnBackwardData(RuntimeContext* context, RuntimeRnn* given, const RuntimeRnnBuffers* buffers,
                              RuntimeError* error) {
  const Rnn rnn = *given;
  const RuntimeRnnBuffers b = *buffers;
  return submit(context, "rnnBackwardData", error, [context, rnn, b] {
    requireShape(rnn);
    if (rnn.config.algorithm == kRnnSmallH && rnn.H() > 128)
      throw Refused{kRuntimeNotSupported, "small-H backward: hiddenSize > 128"};
    Tensors tensors(context->memory, rnn.halfKind());
    RnnTensors at = resolve(context->memory, tensors, rnn, b, 1);
    at.reserve = reserveOf(context->memory, rnn, b);
    enter(at, rnn, 2);
    backwardDataPass(rnn, at);
    tensors.writeBack();
    spend(context, rnn);
  });
}

RuntimeStatus rnnBackwardWeights(RuntimeContext* context, RuntimeRnn* given, const RuntimeRnnBuffers* buffers,
                                 RuntimeError* error) {
  const Rnn rnn = *given;
  const RuntimeRnnBuffers b = *buffers;
  return submit(context, "rnnBackwardWeights", error, [context, rnn, b] {
    requireShape(rnn);
    Tensors tensors(context->memory, rnn.halfKind());
    RnnTensors at = resolve(context->memory, tensors, rnn, b, 2);
    at.reserve = reserveOf(context->memory, rnn, b);
    enter(at, rnn, 3);
    backwardWeightsPass(rnn, at);
    tensors.writeBack();
    spend(context, rnn);
  });
}

}  // namespace standin
