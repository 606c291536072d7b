#include "cuda/lstm_op.h"

#include <string>

#include "cuda/dropout.h"
#include "engine/errors.h"

namespace lstm::cuda {
namespace {

template <typename T>
T* from(T* base, int64_t offset) {
  return base ? base + offset : nullptr;
}

// Where a piece of `bytes` ends, at a multiple of 256.
size_t padded(size_t bytes) {
  return (bytes + 255) / 256 * 256;
}
void* behind(void* piece, size_t bytes) {
  return static_cast<char*>(piece) + padded(bytes);
}

int callsOf(const LstmConfig& config) {
  return config.dropout > 0 && !config.librarySeed ? config.numLayers : 1;
}

// The layers of one call. Dropout between calls is ours.
LstmConfig partOf(const LstmConfig& config, int call) {
  LstmConfig part = config;
  if (!config.librarySeed) part.dropout = 0;
  if (callsOf(config) == 1) return part;
  part.numLayers = 1;
  part.inputSize = config.layerInputSize(call);
  return part;
}

void requireServed(bool served) {
  if (!served)
    throw InvalidArgument("lstm: the library refuses this batch with the algorithm that was chosen for it");
}

}  // namespace

CudaLstm::CudaLstm(Core& core, const LstmConfig& config)
    : core_(core),
      config_(config),
      layout_(lstmLayout(config)),
      calls_(callsOf(config)),
      halfFirst_(core.halves, partOf(config, 0)),
      halfOthers_(core.halves, partOf(config, 1)) {
  const auto chooserOf = [&](int call) {
    return std::make_unique<RnnChooser>(core.context, partOf(config, call), core.precision,
                                        core.rnnAlgorithm);
  };
  first_ = chooserOf(0);
  if (calls_ > 1) others_ = chooserOf(1);
}

LstmMemory CudaLstm::memory(const BatchShape& shape, bool training) const {
  const auto sizesOf = [&](RnnChooser& chooser, const HalfRnn& half) {
    const Rnn& rnn = chooser.forShape(shape, training);
    CallSizes sizes{rnn.workBytes(), rnn.reserveBytes()};
    if (!core_.halves.on()) return sizes;
    sizes.workBytes = padded(sizes.workBytes) + half.scratchBytes(shape, training);
    sizes.reserveBytes = padded(sizes.reserveBytes) + half.keptBytes(shape, training);
    return sizes;
  };
  const CallSizes first = sizesOf(*first_, halfFirst_);
  return {config_, shape, calls_, training, first, others_ ? sizesOf(*others_, halfOthers_) : CallSizes{}};
}

LstmMemory CudaLstm::plannedMemory(const BatchShape& shape, bool training) const {
  const LstmMemory at = memory(shape, training);
  const Told& told = told_[training];
  if (at.reserveFloats() > told.reserve || at.workspaceFloats() > told.workspace)
    throw InvalidState("lstm: expected a pass of the shape that its buffers were planned for");
  return at;
}

size_t CudaLstm::reserveFloats(const BatchShape& shape, bool training) const {
  return told_[training].reserve = memory(shape, training).reserveFloats();
}

size_t CudaLstm::workspaceFloats(const BatchShape& shape, bool training) const {
  return told_[training].workspace = memory(shape, training).workspaceFloats();
}

int64_t CudaLstm::hAt(const BatchShape& shape, int call) const {
  return int64_t{call} * config_.directions() * shape.batchSize * config_.outputSize();
}

int64_t CudaLstm::cAt(const BatchShape& shape, int call) const {
  return int64_t{call} * config_.directions() * shape.batchSize * config_.hiddenSize;
}

template <typename Pass>
void CudaLstm::drop(const Pass& pass, int call, const float* x, float* y) {
  const RandomKey& key = pass.dropoutKey;
  const RandomKey own = {key.seed, key.stream + static_cast<uint32_t>(call) - 1, key.step};
  dropout(core_,
          {pass.shape.rows, config_.layerInputSize(call), config_.dropout, own, nullptr, x, y, pass.scalars});
}

RuntimeRnnBuffers CudaLstm::common(const LstmMemory& memory, const BatchShape& shape, const Rnn& rnn,
                                   int call, const float* weights, float* workspace) const {
  RuntimeRnnBuffers buffers{};
  buffers.dWeights = weights + weightsAt(call);
  buffers.weightBytes = chooser(call).weightBytes();
  buffers.dWork = memory.libraryWork(workspace);
  buffers.workBytes = rnn.workBytes();
  return buffers;
}

bool CudaLstm::runForward(Rnn& rnn, int call, const LstmForward& args, const RuntimeRnnBuffers& buffers) {
  if (!core_.halves.on()) return rnn.forward(args.training, buffers);
  void* kept = args.training ? behind(buffers.dReserve, buffers.reserveBytes) : nullptr;
  void* scratch = behind(buffers.dWork, buffers.workBytes);
  return half(call).forward(rnn, args.shape, args.training, buffers, kept, scratch);
}

bool CudaLstm::runBackward(Rnn& rnn, int call, const LstmBackward& args, const RuntimeRnnBuffers& buffers) {
  if (!core_.halves.on()) return rnn.backward(buffers);
  void* kept = behind(buffers.dReserve, buffers.reserveBytes);
  void* scratch = behind(buffers.dWork, buffers.workBytes);
  return half(call).backward(rnn, args.shape, buffers, kept, scratch);
}

void CudaLstm::forward(const LstmForward& args) {
  const BatchShape& shape = args.shape;
  const LstmMemory at = plannedMemory(shape, args.training);
  if (args.training) {
    h0_ = args.h0;
    c0_ = args.c0;
  }
  const float* x = args.x;
  for (int call = 0; call < calls_; ++call) {
    const bool last = call + 1 == calls_;
    Rnn& rnn = chooser(call).forShape(shape, args.training);
    float* y = last            ? args.y
               : args.training ? at.output(args.reserve, call)
                               : at.passing(args.workspace, call);
    RuntimeRnnBuffers buffers = common(at, shape, rnn, call, args.weights, args.workspace);
    buffers.dX = x;
    buffers.dYOut = y;
    buffers.dHx = from(args.h0, hAt(shape, call));
    buffers.dCx = from(args.c0, cAt(shape, call));
    buffers.dHy = from(args.hn, hAt(shape, call));
    buffers.dCy = from(args.cn, cAt(shape, call));
    if (args.training) {
      buffers.dReserve = at.libraryReserve(args.reserve, call);
      buffers.reserveBytes = rnn.reserveBytes();
    }
    requireServed(runForward(rnn, call, args, buffers));
    x = y;
    if (last || !args.training) continue;
    float* dropped = at.dropped(args.reserve, call);
    drop(args, call + 1, y, dropped);
    x = dropped;
  }
}

void CudaLstm::backward(const LstmBackward& args) {
  const BatchShape& shape = args.shape;
  const LstmMemory at = plannedMemory(shape, true);
  const float* dy = args.dy;
  if (!dy) {
    float* zeros = at.zeros(args.workspace);
    const size_t width = static_cast<size_t>(config_.directions()) * config_.outputSize();
    core_.context.call(&CudaRuntime::zero, static_cast<void*>(zeros), shape.rows * width * sizeof(float));
    dy = zeros;
  }
  for (int call = calls_ - 1; call >= 0; --call) {
    Rnn& rnn = chooser(call).forShape(shape, true);
    RuntimeRnnBuffers buffers = common(at, shape, rnn, call, args.weights, args.workspace);
    buffers.dReserve = at.libraryReserve(args.reserve, call);
    buffers.reserveBytes = rnn.reserveBytes();
    // The forward's tensors.
    buffers.dX = call == 0 ? args.x : at.dropped(args.reserve, call - 1);
    buffers.dY = call + 1 == calls_ ? args.y : at.output(args.reserve, call);
    buffers.dHx = from(h0_, hAt(shape, call));
    buffers.dCx = from(c0_, cAt(shape, call));
    // The library has no "not wanted" for dx.
    float* dx = call > 0 ? at.dInput(args.workspace, call) : args.dx ? args.dx : at.dx(args.workspace);
    buffers.dGradY = dy;
    buffers.dGradHy = from(args.dhn, hAt(shape, call));
    buffers.dGradCy = from(args.dcn, cAt(shape, call));
    buffers.dGradX = dx;
    buffers.dGradHx = from(args.dh0, hAt(shape, call));
    buffers.dGradCx = from(args.dc0, cAt(shape, call));
    buffers.dGradWeights = args.dWeights + weightsAt(call);
    requireServed(runBackward(rnn, call, args, buffers));
    if (call > 0) drop(args, call, dx, dx);
    dy = dx;
  }
}

}  // namespace lstm::cuda
