#include <algorithm>
#include <cstring>

#include "cpu/lstm_op.h"

namespace lstm::cpu {
namespace {

// Rows of a block of units between the products and the cell: its four gates stay in L1 or close to it.
constexpr int kCellRows = 96;

// Every sequence's initial h into the row of its first step: in the forward direction all at t = 0, in the
// reverse direction each at its own last step.
void placeInitialH(const Team& team, const BatchShape& shape, bool reverse, int64_t output, const float* h0,
                   float* hPrev) {
  const Range range = team.share(shape.batchSize);
  for (int64_t n = range.begin; n < range.end; ++n) {
    const int64_t row = reverse ? shape.rowOffset[shape.lengths[n] - 1] + n : n;
    if (h0) {
      std::memcpy(hPrev + row * output, h0 + n * output, output * sizeof(float));
    } else {
      std::memset(hPrev + row * output, 0, output * sizeof(float));
    }
  }
}

void gatherFinalH(const Team& team, const BatchShape& shape, bool reverse, int64_t output, const float* y,
                  int64_t yStride, float* hn) {
  const Range range = team.share(shape.batchSize);
  for (int64_t n = range.begin; n < range.end; ++n) {
    const int64_t row = reverse ? n : shape.rowOffset[shape.lengths[n] - 1] + n;
    std::memcpy(hn + n * output, y + row * yStride, output * sizeof(float));
  }
}

}  // namespace

void CpuLstm::forward(const LstmForward& args) {
  if (stepwise_.takes(args)) return stepwise_.forward(args);
  const LstmMemory memory(config_, args.shape, context_.kernels.width);
  const bool repack = forwardKey_.renew(args.weights, args.weightsVersion);
  context_.pool.run(threadsFor(args.shape), [&](const Team& team) {
    if (repack) {
      PartClock clock(context_.profile, team);
      packForward(team, args.weights);
      clock.mark(Part::kPackWeights);
      team.wait();
      clock.mark(Part::kBarriers);
    }
    forwardOn(team, args, memory);
  });
}

void CpuLstm::forwardOn(const Team& team, const LstmForward& args, const LstmMemory& memory) const {
  const ForwardScratch scratch = memory.forward(args.workspace);
  const float* x = args.x;
  for (int layer = 0; layer < config_.numLayers; ++layer) {
    const bool last = layer + 1 == config_.numLayers;
    float* y = last            ? args.y
               : args.training ? memory.output(args.reserve, layer)
                               : scratch.outputs[layer % 2];
    for (int direction = 0; direction < config_.directions(); ++direction)
      forwardDirection(team, args, memory, {layer, direction}, x, y);
    if (!last && args.training && config_.dropout > 0) {
      dropInput(team, args.dropoutKey, layer + 1, args.shape.rows, y);
      team.wait();
    }
    x = y;
  }
}

// gates += h R for a block of units of some rows; gates is the first gate of its first unit.
void CpuLstm::multiplyRecurrent(const Team& team, const ForwardWeights& weights, int block, int rows,
                                const float* h, float* gates, int64_t gateStride) const {
  const int64_t output = config_.outputSize();
  const auto add = [&](const PackedB& panels, int panel, float* to) {
    multiplyPanel(team, context_.kernels, rows, h, output, panels, panel, to, gateStride, Start::kAccumulate,
                  nullptr);
  };
  if (gatesTogether()) {
    const PackedB& all = weights.recurrent[0];
    for (int panel = 0; panel < all.panels(); ++panel) add(all, panel, gates + panel * all.panelColumns());
  } else {
    for (int gate = 0; gate < 4; ++gate)
      add(weights.recurrent[gate], block, gates + gate * config_.hiddenSize);
  }
}

void CpuLstm::forwardDirection(const Team& team, const LstmForward& args, const LstmMemory& memory,
                               Place place, const float* x, float* yLayer) const {
  const Kernels& kernels = context_.kernels;
  const BatchShape& shape = args.shape;
  const ForwardWeights& weights = forwardWeights_[index(place)];
  const ForwardScratch scratch = memory.forward(args.workspace);
  const bool reverse = place.direction == 1;
  const int64_t hidden = config_.hiddenSize;
  const int64_t output = config_.outputSize();
  const int64_t hState = shape.batchSize * output;
  const int64_t cState = shape.batchSize * hidden;
  const int64_t gateStride = memory.gateStride();
  const int64_t yStride = config_.directions() * output;
  float* y = yLayer + place.direction * output;
  const float* h0 = args.h0 ? args.h0 + index(place) * hState : nullptr;
  const float* c0 = args.c0 ? args.c0 + index(place) * cState : nullptr;
  float* c = args.cn ? args.cn + index(place) * cState : scratch.c;
  SavedSteps saved = {scratch.gates, nullptr, nullptr, nullptr, nullptr};
  if (args.training) saved = memory.saved(args.reserve, place.layer, place.direction);

  PartClock clock(context_.profile, team);
  multiply(team, kernels, shape.rows, x, weights.input.k, weights.input, saved.gates, gateStride,
           weights.bias ? Start::kBias : Start::kZero, weights.bias);
  clock.mark(Part::kInput);
  fill(team, c, c0, cState);
  if (args.training) {
    placeInitialH(team, shape, reverse, output, h0, saved.hPrev);
  } else {
    // Both, as in the reverse direction a sequence may come alive at either.
    for (float* h : scratch.h) fill(team, h, h0, hState);
  }
  team.wait();
  clock.mark(Part::kBarriers);

  const Share mine = shareOf(team, shape, unitBlocks(weights));
  const int64_t blockSize = blockUnits(weights);
  const PackedB& projection = weights.projection;
  const Range outputs = projected() ? team.share(projection.panels()) : Range{};
  for (int s = 0; s < shape.timeSteps; ++s) {
    const int t = reverse ? shape.timeSteps - 1 - s : s;
    const int next = reverse ? t - 1 : t + 1;
    const bool hasNext = s + 1 < shape.timeSteps;
    const int nextRows = hasNext ? std::min(shape.liveRows[t], shape.liveRows[next]) : 0;
    const int64_t row0 = shape.rowOffset[t];
    const float* h = args.training ? saved.hPrev + row0 * output : scratch.h[s % 2];
    float* hNext = !args.training ? scratch.h[(s + 1) % 2]
                   : hasNext      ? saved.hPrev + shape.rowOffset[next] * output
                                  : nullptr;
    const bool zeroH = s == 0 && !h0;
    float* m = !projected() ? nullptr : args.training ? saved.m + row0 * hidden : scratch.m;
    const int end = std::min(static_cast<int>(mine.sequences.end), shape.liveRows[t]);
    for (int64_t block = mine.blocks.begin; block < mine.blocks.end; ++block) {
      const int64_t unit = block * blockSize;
      for (int first = static_cast<int>(mine.sequences.begin); first < end; first += kCellRows) {
        const int rows = std::min(kCellRows, end - first);
        const int64_t row = row0 + first;
        float* gates = saved.gates + row * gateStride + unit;
        if (!zeroH)
          multiplyRecurrent(team, weights, static_cast<int>(block), rows, h + first * output, gates,
                            gateStride);
        clock.mark(Part::kRecurrent);
        CellForward cell{};
        cell.rows = rows;
        cell.units = static_cast<int>(std::min(blockSize, hidden - unit));
        cell.hidden = hidden;
        cell.gateStride = gateStride;
        cell.gates = gates;
        cell.c = c + first * hidden + unit;
        cell.cPrev = saved.cPrev ? saved.cPrev + row * hidden + unit : nullptr;
        cell.tanhC = saved.tanhC ? saved.tanhC + row * hidden + unit : nullptr;
        cell.y = m ? m + first * hidden + unit : y + row * yStride + unit;
        cell.yStride = m ? hidden : yStride;
        cell.hNext = hNext && !m ? hNext + first * hidden + unit : nullptr;
        cell.hNextRows = m ? 0 : std::max(0, nextRows - first);
        cell.clip = config_.cellClip;
        kernels.cellForward(cell);
        clock.mark(Part::kCells);
      }
    }
    if (mine.waits) team.wait();
    clock.mark(Part::kBarriers);
    if (!m) continue;
    // h_t = W_hr m. The next step's cells of other threads write m only after the wait below.
    for (int64_t panel = outputs.begin; panel < outputs.end; ++panel) {
      const int64_t channel = panel * projection.panelColumns();
      const int columns = projection.columnsOf(static_cast<int>(panel));
      float* out = y + row0 * yStride + channel;
      multiplyPanel(team, kernels, shape.liveRows[t], m, hidden, projection, static_cast<int>(panel), out,
                    yStride, Start::kZero, nullptr);
      for (int n = 0; n < nextRows; ++n)
        std::memcpy(hNext + n * output + channel, out + n * yStride, columns * sizeof(float));
    }
    clock.mark(Part::kRecurrent);
    team.wait();
    clock.mark(Part::kBarriers);
  }
  if (!mine.waits) team.wait();
  clock.mark(Part::kBarriers);
  if (args.hn) gatherFinalH(team, shape, reverse, output, y, yStride, args.hn + index(place) * hState);
  team.wait();  // dropout may overwrite y, the next direction the scratch
  clock.mark(Part::kBarriers);
}

}  // namespace lstm::cpu
