#include <algorithm>
#include <cstring>

#include "cpu/lstm_op.h"

namespace lstm::cpu {
void CpuLstm::backward(const LstmBackward& args) {
  const LstmMemory memory(config_, args.shape, context_.kernels.width);
  layOutBackward();
  const bool renewed = backwardKey_.renew(args.weights, args.weightsVersion);
  const bool repack = renewed || (args.dx && !lowestPacked_);
  if (repack) lowestPacked_ = args.dx != nullptr;
  context_.pool.run(threadsFor(args.shape), [&](const Team& team) {
    if (repack) {
      PartClock clock(context_.profile, team);
      packBackward(team, args.weights);
      clock.mark(Part::kPackWeights);
      team.wait();
      clock.mark(Part::kBarriers);
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
    PartClock clock(context_.profile, team);
    packRows(team, context_.kernels, inputs, x, in);
    clock.mark(Part::kPackActivations);
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
  const Kernels& kernels = context_.kernels;
  const int hidden = config_.hiddenSize;
  const int output = config_.outputSize();
  const int64_t hState = static_cast<int64_t>(shape.batchSize) * output;
  const int64_t cState = static_cast<int64_t>(shape.batchSize) * hidden;
  float* dh = args.dh0 ? args.dh0 + index(place) * hState : scratch.dh;
  float* dc = args.dc0 ? args.dc0 + index(place) * cState : scratch.dc;
  const SavedSteps saved = memory.saved(args.reserve, place.layer, place.direction);
  const PackedB hPrev =
      packedView(kernels, scratch.hPrev, shape.rows, output, choosePanelVectors(kernels, output, 1));
  const float* dy = dyLayer ? dyLayer + place.direction * output : nullptr;

  PartClock clock(context_.profile, team);
  fill(team, dh, args.dhn ? args.dhn + index(place) * hState : nullptr, hState);
  fill(team, dc, args.dcn ? args.dcn + index(place) * cState : nullptr, cState);
  packRows(team, kernels, hPrev, saved.hPrev, output);
  clock.mark(Part::kPackActivations);
  if (projected()) {
    const PackedB m =
        packedView(kernels, scratch.m, shape.rows, hidden, choosePanelVectors(kernels, hidden, 1));
    packRows(team, kernels, m, saved.m, hidden);
    clock.mark(Part::kPackActivations);
    team.wait();
    clock.mark(Part::kBarriers);
    backwardProjectedSteps(team, shape, memory.gateStride(), place, saved, dy, dh, dc, scratch,
                           args.dh0 != nullptr);
    const TransposedProduct dWhr = {m, args.dWeights + layout_.tensors[index(place)].weightHr, hidden};
    multiplyTransposed(team, kernels, output, scratch.dProjected, output, {&dWhr, 1},
                       context_.scratchOf(team));
    clock.mark(Part::kWeightGradients);
  } else {
    team.wait();
    clock.mark(Part::kBarriers);
    backwardSteps(team, shape, memory.gateStride(), place, saved, dy, dh, dc, args.dh0 != nullptr);
  }
  weightGradients(team, args, memory.gateStride(), place, saved.gates, inputs, hPrev, scratch.dBias);
  clock = PartClock(context_.profile, team);
  if (dx)
    multiply(team, kernels, shape.rows, saved.gates, memory.gateStride(),
             backwardWeights_[index(place)].input, dx, config_.layerInputSize(place.layer),
             place.direction ? Start::kAccumulate : Start::kZero, nullptr);
  clock.mark(Part::kInputGradient);
  team.wait();  // the next direction overwrites the scratch
  clock.mark(Part::kBarriers);
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
  const Share mine = shareOf(team, shape, recurrent.panels());
  const int64_t first = mine.sequences.begin;
  PartClock clock(context_.profile, team);
  for (int s = 0; s < shape.timeSteps; ++s) {
    const int t = place.direction ? s : shape.timeSteps - 1 - s;
    const int64_t rows = std::min<int64_t>(mine.sequences.end, shape.liveRows[t]) - first;
    const int64_t row = shape.rowOffset[t] + first;
    float* gates = saved.gates + row * gateStride;
    for (int64_t block = mine.blocks.begin; block < mine.blocks.end && rows > 0; ++block) {
      const int64_t unit = block * recurrent.panelColumns();
      CellBackward cell{};
      cell.rows = static_cast<int>(rows);
      cell.units = recurrent.columnsOf(static_cast<int>(block));
      cell.hidden = hidden;
      cell.gateStride = gateStride;
      cell.gates = gates + unit;
      cell.cPrev = saved.cPrev + row * hidden + unit;
      cell.tanhC = saved.tanhC + row * hidden + unit;
      cell.dy = dy ? dy + row * dyStride + unit : nullptr;
      cell.dyStride = dyStride;
      cell.dh = dh + first * hidden + unit;
      cell.dc = dc + first * hidden + unit;
      cell.clip = config_.cellClip;
      kernels.cellBackward(cell);
    }
    clock.mark(Part::kCellsBackward);
    if (mine.waits) team.wait();
    clock.mark(Part::kBarriers);
    // Other threads read these rows of gates until the next wait; the next step writes other rows.
    if (s + 1 == shape.timeSteps && !wantsDh0) break;
    for (int64_t block = mine.blocks.begin; block < mine.blocks.end && rows > 0; ++block)
      multiplyPanel(team, kernels, rows, gates, gateStride, recurrent, static_cast<int>(block),
                    dh + first * hidden + block * recurrent.panelColumns(), hidden, Start::kZero, nullptr);
    clock.mark(Part::kRecurrentBackward);
  }
  if (!mine.waits) team.wait();
  clock.mark(Part::kBarriers);
}

// The same through h_t = W_hr m: a step's dh [live, P] is completed first and kept for dW_hr, then dm = dh W_hr
// goes into the cells. A thread owns channels of h in the one part and units in the other.
void CpuLstm::backwardProjectedSteps(const Team& team, const BatchShape& shape, int64_t gateStride,
                                     Place place, const SavedSteps& saved, const float* dy, float* dh,
                                     float* dc, const BackwardScratch& scratch, bool wantsDh0) const {
  const Kernels& kernels = context_.kernels;
  const PackedB& recurrent = backwardWeights_[index(place)].recurrent;
  const PackedB& projection = backwardWeights_[index(place)].projection;
  const int64_t hidden = config_.hiddenSize;
  const int64_t output = config_.outputSize();
  const int64_t dyStride = config_.directions() * output;
  const Range channels = team.share(recurrent.panels());
  const Range units = team.share(projection.panels());
  const int64_t channel0 = channels.begin * recurrent.panelColumns();
  const int64_t width = std::min(channels.end * recurrent.panelColumns(), output) - channel0;
  PartClock clock(context_.profile, team);
  for (int s = 0; s < shape.timeSteps; ++s) {
    const int t = place.direction ? s : shape.timeSteps - 1 - s;
    const int live = shape.liveRows[t];
    const int64_t row = shape.rowOffset[t];
    float* gates = saved.gates + row * gateStride;
    float* dProjected = scratch.dProjected + row * output;
    for (int n = 0; n < live && width > 0; ++n) {
      float* to = dProjected + n * output + channel0;
      std::memcpy(to, dh + n * output + channel0, width * sizeof(float));
      if (dy) kernels.add(to, dy + (row + n) * dyStride + channel0, width);
    }
    clock.mark(Part::kCellsBackward);
    team.wait();
    clock.mark(Part::kBarriers);
    for (int64_t block = units.begin; block < units.end; ++block) {
      const int64_t unit = block * projection.panelColumns();
      float* dm = scratch.dm + unit;
      multiplyPanel(team, kernels, live, dProjected, output, projection, static_cast<int>(block), dm, hidden,
                    Start::kZero, nullptr);
      clock.mark(Part::kRecurrentBackward);
      CellBackward cell{};
      cell.rows = live;
      cell.units = projection.columnsOf(static_cast<int>(block));
      cell.hidden = hidden;
      cell.gateStride = gateStride;
      cell.gates = gates + unit;
      cell.cPrev = saved.cPrev + row * hidden + unit;
      cell.tanhC = saved.tanhC + row * hidden + unit;
      cell.dh = dm;
      cell.dc = dc + unit;
      cell.clip = config_.cellClip;
      kernels.cellBackward(cell);
      clock.mark(Part::kCellsBackward);
    }
    team.wait();
    clock.mark(Part::kBarriers);
    if (s + 1 == shape.timeSteps && !wantsDh0) break;
    for (int64_t panel = channels.begin; panel < channels.end; ++panel)
      multiplyPanel(team, kernels, live, gates, gateStride, recurrent, static_cast<int>(panel),
                    dh + panel * recurrent.panelColumns(), output, Start::kZero, nullptr);
    clock.mark(Part::kRecurrentBackward);
  }
}

// dW += dG^T x, dR += dG^T h_{t-1}, db += column sums of dG
void CpuLstm::weightGradients(const Team& team, const LstmBackward& args, int64_t gateStride, Place place,
                              const float* dGates, const PackedB& inputs, const PackedB& hPrev,
                              float* dBias) const {
  const Kernels& kernels = context_.kernels;
  const LstmTensors& tensors = layout_.tensors[index(place)];
  const int64_t columns = 4 * static_cast<int64_t>(config_.hiddenSize);
  PartClock clock(context_.profile, team);
  const TransposedProduct products[] = {{inputs, args.dWeights + tensors.weightIh, inputs.n},
                                        {hPrev, args.dWeights + tensors.weightHh, hPrev.n}};
  multiplyTransposed(team, kernels, columns, dGates, gateStride, products, context_.scratchOf(team));
  clock.mark(Part::kWeightGradients);
  if (config_.bias == BiasMode::kNone) return;
  const Range range = team.share(columns, 64);
  if (range.size() == 0) return;
  std::memset(dBias + range.begin, 0, range.size() * sizeof(float));
  kernels.columnSums(args.shape.rows, range.size(), dGates + range.begin, gateStride, dBias + range.begin);
  kernels.add(args.dWeights + tensors.biasIh + range.begin, dBias + range.begin, range.size());
  if (config_.bias == BiasMode::kDouble)
    kernels.add(args.dWeights + tensors.biasHh + range.begin, dBias + range.begin, range.size());
  clock.mark(Part::kBiasGradient);
}

}  // namespace lstm::cpu
