#include <cstring>

#include "cpu/lstm_op.h"

namespace lstm::cpu {
void CpuLstm::backward(const LstmBackward& args) {
  const LstmMemory memory(config_, args.shape, context_.kernels.width);
  layOutBackward();
  const bool repack = backwardKey_.renew(args.weights, args.weightsVersion);
  context_.pool.run(threadsFor(args.shape), [&](const Team& team) {
    if (repack) {
      packBackward(team, args.weights);
      team.wait();
    }
    backwardOn(team, args, memory);
  });
}

void CpuLstm::backwardOn(const Team& team, const LstmBackward& args, const LstmMemory& memory) const {
  const BackwardScratch scratch = memory.backward(args.workspace);
  const float* dy = args.dy;
  for (int layer = config_.numLayers - 1; layer >= 0; --layer) {
    const float* x = layer ? memory.output(args.reserve, layer - 1) : args.x;
    float* dx = layer ? scratch.dLayer[layer % 2] : args.dx;
    const int in = config_.layerInputSize(layer);
    const PackedB inputs = packedView(context_.kernels, scratch.inputs, args.shape.rows, in,
                                      choosePanelVectors(context_.kernels, in, 1));
    packRows(team, context_.kernels, inputs, x, in);
    for (int direction = 0; direction < config_.directions(); ++direction)
      backwardDirection(team, args, memory, {layer, direction}, inputs, dy, dx);
    if (layer && config_.dropout > 0) {
      dropInput(team, args.dropoutKey, layer, args.shape.rows, dx);
      team.wait();
    }
    dy = dx;
  }
}

void CpuLstm::backwardDirection(const Team& team, const LstmBackward& args, const LstmMemory& memory,
                                Place place, const PackedB& inputs, const float* dyLayer, float* dx) const {
  const BatchShape& shape = args.shape;
  const BackwardScratch scratch = memory.backward(args.workspace);
  const int64_t hidden = config_.hiddenSize;
  const int64_t state = shape.batchSize * hidden;
  const int64_t offset = index(place) * state;
  float* dh = args.dh0 ? args.dh0 + offset : scratch.dh;
  float* dc = args.dc0 ? args.dc0 + offset : scratch.dc;
  const SavedSteps saved = memory.saved(args.reserve, place.layer, place.direction);
  const PackedB hPrev = packedView(context_.kernels, scratch.hPrev, shape.rows, config_.hiddenSize,
                                   choosePanelVectors(context_.kernels, config_.hiddenSize, 1));

  fill(team, dh, args.dhn ? args.dhn + offset : nullptr, state);
  fill(team, dc, args.dcn ? args.dcn + offset : nullptr, state);
  packRows(team, context_.kernels, hPrev, saved.hPrev, hidden);
  team.wait();
  backwardSteps(team, shape, memory.gateStride(), place, saved,
                dyLayer ? dyLayer + place.direction * hidden : nullptr, dh, dc, args.dh0 != nullptr);
  weightGradients(team, args, memory.gateStride(), place, saved.gates, inputs, hPrev, scratch.dBias);
  if (dx)
    multiply(team, context_.kernels, shape.rows, saved.gates, memory.gateStride(),
             backwardWeights_[index(place)].input, dx, config_.layerInputSize(place.layer),
             place.direction ? Start::kAccumulate : Start::kZero, nullptr);
  team.wait();  // the next direction overwrites the scratch
}

// dh and dc [N, H] hold the gradients from the future; rows whose sequence has begun later than t wait at
// theirs.
void CpuLstm::backwardSteps(const Team& team, const BatchShape& shape, int64_t gateStride, Place place,
                            const SavedSteps& saved, const float* dy, float* dh, float* dc,
                            bool wantsDh0) const {
  const Kernels& kernels = context_.kernels;
  const PackedB& recurrent = backwardWeights_[index(place)].recurrent;
  const int64_t hidden = config_.hiddenSize;
  const int64_t dyStride = config_.directions() * hidden;
  const Range mine = team.share(recurrent.panels());
  for (int s = 0; s < shape.timeSteps; ++s) {
    const int t = place.direction ? s : shape.timeSteps - 1 - s;
    const int64_t row = shape.rowOffset[t];
    float* gates = saved.gates + row * gateStride;
    for (int64_t block = mine.begin; block < mine.end; ++block) {
      const int64_t unit = block * recurrent.panelColumns();
      CellBackward cell{};
      cell.rows = shape.liveRows[t];
      cell.units = recurrent.columnsOf(static_cast<int>(block));
      cell.hidden = hidden;
      cell.gateStride = gateStride;
      cell.gates = gates + unit;
      cell.cPrev = saved.cPrev + row * hidden + unit;
      cell.tanhC = saved.tanhC + row * hidden + unit;
      cell.dy = dy ? dy + row * dyStride + unit : nullptr;
      cell.dyStride = dyStride;
      cell.dh = dh + unit;
      cell.dc = dc + unit;
      kernels.cellBackward(cell);
    }
    team.wait();
    // Other threads read these rows of gates until the next wait; the next step writes other rows.
    if (s + 1 == shape.timeSteps && !wantsDh0) break;
    for (int64_t block = mine.begin; block < mine.end; ++block)
      multiplyPanel(kernels, shape.liveRows[t], gates, gateStride, recurrent, static_cast<int>(block),
                    dh + block * recurrent.panelColumns(), hidden, Start::kZero, nullptr);
  }
}

// dW += dG^T x, dR += dG^T h_{t-1}, db += column sums of dG
void CpuLstm::weightGradients(const Team& team, const LstmBackward& args, int64_t gateStride, Place place,
                              const float* dGates, const PackedB& inputs, const PackedB& hPrev,
                              float* dBias) const {
  const Kernels& kernels = context_.kernels;
  const LstmTensors& tensors = layout_.tensors[index(place)];
  const int64_t columns = 4 * static_cast<int64_t>(config_.hiddenSize);
  float* scratch = context_.scratchOf(team);
  multiplyTransposed(team, kernels, columns, dGates, gateStride, inputs, args.dWeights + tensors.weightIh,
                     inputs.n, scratch);
  multiplyTransposed(team, kernels, columns, dGates, gateStride, hPrev, args.dWeights + tensors.weightHh,
                     hPrev.n, scratch);
  if (config_.bias == BiasMode::kNone) return;
  const Range range = team.share(columns, 64);
  if (range.size() == 0) return;
  std::memset(dBias + range.begin, 0, range.size() * sizeof(float));
  kernels.columnSums(args.shape.rows, range.size(), dGates + range.begin, gateStride, dBias + range.begin);
  kernels.add(args.dWeights + tensors.biasIh + range.begin, dBias + range.begin, range.size());
  if (config_.bias == BiasMode::kDouble)
    kernels.add(args.dWeights + tensors.biasHh + range.begin, dBias + range.begin, range.size());
}

}  // namespace lstm::cpu
