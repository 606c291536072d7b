#include "cpu/lstm_op.h"

#include <algorithm>

namespace lstm::cpu {
namespace {

// Multiply-adds of a time step below which another thread's barrier costs more than it saves.
constexpr double kStepPerThread = 100e3;

// R up to this size stays in a core's second-level cache from one time step to the next.
constexpr int64_t kOwnWeightsBytes = 768 * 1024;
// Sequences of a thread that keep the register tile busy.
constexpr int kOwnSequences = 4;

// Neighbouring sequences, of which each thread gets about as many live steps.
Range sequencesOf(const Team& team, const BatchShape& shape) {
  const auto boundary = [&](int64_t part) {
    int64_t steps = 0;
    int64_t n = 0;
    while (n < shape.batchSize && steps * team.count() < shape.rows * part) steps += shape.lengths[n++];
    return n;
  };
  return {boundary(team.index()), boundary(team.index() + 1)};
}

int64_t lines(int64_t floats) {
  return (floats + 15) / 16 * 16;
}

}  // namespace

CpuLstm::CpuLstm(Context& context, const LstmConfig& config)
    : context_(context), config_(config), layout_(lstmLayout(config)), stepwise_(context, config) {
  layOutForward();
}

size_t CpuLstm::reserveFloats(const BatchShape& shape, bool training) const {
  return LstmMemory(config_, shape, context_.kernels.width).reserveFloats(training);
}

size_t CpuLstm::workspaceFloats(const BatchShape& shape, bool training) const {
  const size_t tiles = LstmMemory(config_, shape, context_.kernels.width).workspaceFloats(training);
  return training ? tiles : std::max(tiles, stepwise_.workspaceFloats(shape));
}

int CpuLstm::threadsFor(const BatchShape& shape) const {
  const double hidden = config_.hiddenSize;
  const double products = (4 + projected()) * hidden * config_.outputSize();
  const double step = static_cast<double>(shape.rows) / shape.timeSteps * products;
  const int panels = forwardWeights_[0].recurrent[0].panels();
  return std::min(context_.pool.threadsFor(step, kStepPerThread), panels);
}

// Few units that do not fill their vectors: each gate on its own would waste the rest of its last one. The cells then
// wait for all gates, which a step shared by blocks of units cannot do. So small a layer never shares one: threads are
// at most N * products / kStepPerThread, and from kOwnSequences a thread on they own sequences.
bool CpuLstm::gatesTogether() const {
  const double products = 4.0 * config_.hiddenSize * config_.hiddenSize;
  return !projected() && config_.hiddenSize % context_.kernels.width != 0 &&
         products * kOwnSequences <= kStepPerThread;
}

int CpuLstm::blockUnits(const ForwardWeights& weights) const {
  return gatesTogether() ? config_.hiddenSize : weights.recurrent[0].panelColumns();
}

int CpuLstm::unitBlocks(const ForwardWeights& weights) const {
  return gatesTogether() ? 1 : weights.recurrent[0].panels();
}

CpuLstm::Share CpuLstm::shareOf(const Team& team, const BatchShape& shape, int blocks) const {
  const int64_t recurrentBytes = int64_t{16} * config_.hiddenSize * config_.outputSize();
  const bool own = team.count() == 1 || (!projected() && recurrentBytes <= kOwnWeightsBytes &&
                                         shape.batchSize >= kOwnSequences * team.count());
  if (own) return {sequencesOf(team, shape), {0, blocks}, false};
  return {{0, shape.batchSize}, team.share(blocks), true};
}

void CpuLstm::layOutForward() {
  const Kernels& kernels = context_.kernels;
  const int hidden = config_.hiddenSize;
  const int output = config_.outputSize();
  const int threads = context_.pool.threads();
  const int blockVectors = choosePanelVectors(kernels, hidden, threads);
  forwardWeights_.resize(layout_.tensors.size());
  for (int pass = 0; pass < 2; ++pass) {  // the first one only counts
    int64_t at = 0;
    const auto take = [&](int64_t floats) {
      float* piece = forwardPanels_.data() + at;
      at += lines(floats);
      return piece;
    };
    for (size_t i = 0; i < forwardWeights_.size(); ++i) {
      ForwardWeights& w = forwardWeights_[i];
      const int in = config_.layerInputSize(static_cast<int>(i) / config_.directions());
      w.input = packedView(kernels, take(packedFloats(kernels, in, 4 * hidden)), in, 4 * hidden,
                           choosePanelVectors(kernels, 4 * hidden, 1));
      if (gatesTogether())
        w.recurrent[0] = packedView(kernels, take(packedFloats(kernels, output, 4 * hidden)), output,
                                    4 * hidden, choosePanelVectors(kernels, 4 * hidden, 1));
      else
        for (PackedB& gate : w.recurrent) {
          gate =
              packedView(kernels, take(packedFloats(kernels, output, hidden)), output, hidden, blockVectors);
          gate.far = isFar(int64_t{4} * hidden * output);  // a block of units takes a panel of each
        }
      if (projected())
        w.projection = packedView(kernels, take(packedFloats(kernels, hidden, output)), hidden, output,
                                  choosePanelVectors(kernels, output, threads));
      w.bias = config_.bias == BiasMode::kNone ? nullptr : take(4 * hidden);
    }
    forwardPanels_.reserve(at);
  }
}

void CpuLstm::layOutBackward() {
  if (!backwardWeights_.empty()) return;
  const Kernels& kernels = context_.kernels;
  const int hidden = config_.hiddenSize;
  const int output = config_.outputSize();
  const int threads = context_.pool.threads();
  backwardWeights_.resize(layout_.tensors.size());
  for (int pass = 0; pass < 2; ++pass) {
    int64_t at = 0;
    const auto take = [&](int64_t floats) {
      float* piece = backwardPanels_.data() + at;
      at += lines(floats);
      return piece;
    };
    for (size_t i = 0; i < backwardWeights_.size(); ++i) {
      BackwardWeights& w = backwardWeights_[i];
      const int in = config_.layerInputSize(static_cast<int>(i) / config_.directions());
      w.input = packedView(kernels, take(packedFloats(kernels, 4 * hidden, in)), 4 * hidden, in,
                           choosePanelVectors(kernels, in, 1));
      w.recurrent = packedView(kernels, take(packedFloats(kernels, 4 * hidden, output)), 4 * hidden, output,
                               choosePanelVectors(kernels, output, threads));
      if (projected())
        w.projection = packedView(kernels, take(packedFloats(kernels, output, hidden)), output, hidden,
                                  choosePanelVectors(kernels, hidden, threads));
    }
    backwardPanels_.reserve(at);
  }
}

void CpuLstm::packForward(const Team& team, const float* weights) {
  const Kernels& kernels = context_.kernels;
  const int64_t hidden = config_.hiddenSize;
  const int64_t output = config_.outputSize();
  for (size_t i = 0; i < forwardWeights_.size(); ++i) {
    const ForwardWeights& w = forwardWeights_[i];
    const LstmTensors& tensors = layout_.tensors[i];
    packTransposed(team, kernels, w.input, weights + tensors.weightIh, w.input.k);
    for (int gate = 0; gate < (gatesTogether() ? 1 : 4); ++gate)
      packTransposed(team, kernels, w.recurrent[gate], weights + tensors.weightHh + gate * hidden * output,
                     output);
    if (projected()) packTransposed(team, kernels, w.projection, weights + tensors.weightHr, hidden);
    if (!w.bias) continue;
    const Range range = team.share(4 * hidden, 16);
    for (int64_t j = range.begin; j < range.end; ++j) {
      w.bias[j] = weights[tensors.biasIh + j];
      if (config_.bias == BiasMode::kDouble) w.bias[j] += weights[tensors.biasHh + j];
    }
  }
}

void CpuLstm::packBackward(const Team& team, const float* weights) {
  const Kernels& kernels = context_.kernels;
  for (size_t i = 0; i < backwardWeights_.size(); ++i) {
    const BackwardWeights& w = backwardWeights_[i];
    const LstmTensors& tensors = layout_.tensors[i];
    const bool lowest = i < static_cast<size_t>(config_.directions());
    if (!lowest || lowestPacked_) packRows(team, kernels, w.input, weights + tensors.weightIh, w.input.n);
    packRows(team, kernels, w.recurrent, weights + tensors.weightHh, w.recurrent.n);
    if (projected()) packRows(team, kernels, w.projection, weights + tensors.weightHr, w.projection.n);
  }
}

void CpuLstm::dropInput(const Team& team, RandomKey key, int layer, int64_t rows, float* x) const {
  const Range range = team.share(rows * config_.layerInputSize(layer), 64);
  context_.kernels.dropout(key.seed, key.stream + layer - 1, key.step, range.begin, range.size(),
                           dropoutThreshold(config_.dropout), 1.0f / (1.0f - config_.dropout),
                           x + range.begin, x + range.begin);
}

}  // namespace lstm::cpu
