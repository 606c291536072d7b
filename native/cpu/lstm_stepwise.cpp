#include "cpu/lstm_stepwise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace lstm::cpu {
namespace {

// Multiply-adds of a whole call below which waking a thread costs more than it saves.
constexpr double kCallPerThread = 1.5e6;
// Multiply-adds of a time step below which another thread's barrier does.
constexpr double kStepPerThread = 100e3;

int64_t lines(int64_t floats) {
  return (floats + 15) / 16 * 16;
}
int64_t even(int64_t k) {
  return (k + 1) / 2 * 2;
}

int64_t matrixFloats(WeightForm form, int64_t columns, int64_t k) {
  switch (form) {
    case WeightForm::kFloat32:
      return columns * k;
    case WeightForm::kBfloat16:
      return columns * k / 2;
    case WeightForm::kInt8:
      return columns * even(k) / 4;
  }
  return 0;
}

// To nearest, ties to even; what rounds beyond the largest becomes infinite, and NaN stays NaN.
uint16_t toBfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Of one row; a row that is not finite gets the scale NaN.
float int8Scale(const float* row, int k) {
  float max = 0;
  for (int i = 0; i < k; ++i) {
    if (!std::isfinite(row[i])) return std::nanf("");
    max = std::max(max, std::fabs(row[i]));
  }
  return max / 127.0f;
}

}  // namespace

// What a call works on beside its arguments.
struct StepwiseLstm::Scratch {
  float* c;
  float* h[2];        // [N, P], of this step and of the next
  float* m;           // [N, H] with projection
  float* gates;       // [rows, gateStride]
  float* outputs[2];  // [rows, D*P], of layers below the last
  int16_t* x;         // int8: [rows, in], then its scales
  float* xScales;
  int16_t* hidden;  // int8: a thread's own [N, P]
  float* hiddenScales;
  int64_t hiddenStep;  // between threads
};

struct StepwiseLstm::Place {
  int index;
  bool reverse;
  const float* x;
  int64_t inputSize;
  float* y;
  bool descending;
};

int StepwiseLstm::panels() const {
  return (config_.hiddenSize + context_.kernels.width - 1) / context_.kernels.width;
}

int64_t StepwiseLstm::gateStride() const {
  return int64_t{4} * panels() * context_.kernels.width;
}

size_t StepwiseLstm::workspaceFloats(const BatchShape& shape) const {
  const int64_t below =
      config_.numLayers > 1 ? 2 * lines(shape.rows * config_.directions() * config_.outputSize()) : 0;
  return 2 * lines(int64_t{shape.batchSize} * config_.hiddenSize) +
         2 * lines(int64_t{shape.batchSize} * config_.outputSize()) + lines(shape.rows * gateStride()) +
         below;
}

int StepwiseLstm::threadsFor(const BatchShape& shape) const {
  double call = 0;
  for (int layer = 0; layer < config_.numLayers; ++layer)
    call += static_cast<double>(gateStride()) * (config_.layerInputSize(layer) + config_.outputSize());
  call *= static_cast<double>(shape.rows) * config_.directions();
  const double step = static_cast<double>(shape.rows) / shape.timeSteps * gateStride() * config_.outputSize();
  return std::min({context_.pool.threadsFor(call, kCallPerThread),
                   context_.pool.threadsFor(step, kStepPerThread), panels()});
}

void StepwiseLstm::layOut(WeightForm form, Packed& packed) {
  if (!packed.weights.empty()) return;
  const Kernels& kernels = context_.kernels;
  const int hidden = config_.hiddenSize;
  const int output = config_.outputSize();
  const int64_t columns = gateStride();
  std::vector<Weights> weights(static_cast<size_t>(config_.numLayers) * config_.directions());
  for (int pass = 0; pass < 2; ++pass) {  // the first one only counts
    int64_t at = 0;
    const auto take = [&](int64_t floats) {
      float* piece = packed.memory.data() + at;
      at += lines(floats);
      return piece;
    };
    const auto matrix = [&](int k) {
      char* data = reinterpret_cast<char*>(take(matrixFloats(form, columns, k)));
      return Matrix{data, form == WeightForm::kInt8 ? take(columns) : nullptr, k};
    };
    for (size_t i = 0; i < weights.size(); ++i) {
      Weights& w = weights[i];
      w.input = matrix(config_.layerInputSize(static_cast<int>(i) / config_.directions()));
      w.recurrent = matrix(output);
      if (config_.projectionSize > 0)
        w.projection = packedView(kernels, take(packedFloats(kernels, hidden, output)), hidden, output,
                                  choosePanelVectors(kernels, output, context_.pool.threads()));
      w.bias = config_.bias == BiasMode::kNone ? nullptr : take(columns);
    }
    packed.memory.reserve(at);
  }
  packed.weights = std::move(weights);
}

void StepwiseLstm::packMatrix(const Team& team, WeightForm form, const Matrix& to, const float* from) const {
  const int width = context_.kernels.width;
  const int hidden = config_.hiddenSize;
  const int64_t k = to.k;
  const Range range = team.share(panels());
  for (int64_t panel = range.begin; panel < range.end; ++panel)
    for (int gate = 0; gate < 4; ++gate)
      for (int lane = 0; lane < width; ++lane) {
        const int64_t unit = panel * width + lane;
        if (unit >= hidden) continue;  // the memory came zeroed
        const float* row = from + (gate * int64_t{hidden} + unit) * k;
        if (form == WeightForm::kFloat32) {
          float* out = reinterpret_cast<float*>(to.panels) + panel * 4 * width * k + gate * width + lane;
          for (int64_t i = 0; i < k; ++i) out[i * 4 * width] = row[i];
        } else if (form == WeightForm::kBfloat16) {
          uint16_t* out = reinterpret_cast<uint16_t*>(to.panels) + panel * 4 * width * k +
                          gate / 2 * 2 * width + lane * 2 + gate % 2;
          for (int64_t i = 0; i < k; ++i) out[i * 4 * width] = toBfloat16(row[i]);
        } else {
          const float scale = int8Scale(row, static_cast<int>(k));
          to.scales[(panel * 4 + gate) * width + lane] = scale;
          int8_t* out = reinterpret_cast<int8_t*>(to.panels) + panel * 4 * width * even(k) +
                        gate * 2 * width + lane * 2;
          for (int64_t i = 0; i < k; ++i)
            out[i / 2 * 8 * width + i % 2] = scale > 0 ? static_cast<int8_t>(std::lrintf(row[i] / scale)) : 0;
        }
      }
}

void StepwiseLstm::packBias(const Team& team, float* to, const float* first, const float* second) const {
  const int width = context_.kernels.width;
  const Range range = team.share(config_.hiddenSize);
  for (int64_t unit = range.begin; unit < range.end; ++unit)
    for (int gate = 0; gate < 4; ++gate) {
      const int64_t row = int64_t{gate} * config_.hiddenSize + unit;
      to[(unit / width * 4 + gate) * width + unit % width] = second ? first[row] + second[row] : first[row];
    }
}

void StepwiseLstm::pack(const Team& team, WeightForm form, const Packed& packed, const float* weights) const {
  const LstmLayout layout = lstmLayout(config_);
  for (size_t i = 0; i < packed.weights.size(); ++i) {
    const Weights& to = packed.weights[i];
    const LstmTensors& from = layout.tensors[i];
    packMatrix(team, form, to.input, weights + from.weightIh);
    packMatrix(team, form, to.recurrent, weights + from.weightHh);
    if (config_.projectionSize > 0)
      packTransposed(team, context_.kernels, to.projection, weights + from.weightHr, config_.hiddenSize);
    if (to.bias)
      packBias(team, to.bias, weights + from.biasIh, from.biasHh < 0 ? nullptr : weights + from.biasHh);
  }
}

StepwiseLstm::Scratch StepwiseLstm::scratchOf(const LstmForward& args, int threads) {
  const BatchShape& shape = args.shape;
  const int64_t hState = lines(int64_t{shape.batchSize} * config_.outputSize());
  const int64_t cState = lines(int64_t{shape.batchSize} * config_.hiddenSize);
  const int64_t outputs = lines(shape.rows * config_.directions() * config_.outputSize());
  Scratch s{};
  s.c = args.workspace;
  s.m = s.c + cState;
  s.h[0] = s.m + cState;
  s.h[1] = s.h[0] + hState;
  s.gates = s.h[1] + hState;
  s.outputs[0] = s.gates + lines(shape.rows * gateStride());
  s.outputs[1] = s.outputs[0] + outputs;
  if (args.weightForm != WeightForm::kInt8) return s;
  const int64_t widest =
      std::max(config_.inputSize, config_.numLayers > 1 ? config_.directions() * config_.outputSize() : 0);
  const int64_t xFloats = lines(shape.rows * even(widest) / 2);
  const int64_t hFloats = lines(shape.batchSize * even(config_.outputSize()) / 2);
  s.hiddenStep = hFloats + lines(shape.batchSize);
  quantized_.reserve(xFloats + lines(shape.rows) + threads * s.hiddenStep);
  s.x = reinterpret_cast<int16_t*>(quantized_.data());
  s.xScales = quantized_.data() + xFloats;
  float* hidden = s.xScales + lines(shape.rows);
  s.hidden = reinterpret_cast<int16_t*>(hidden);
  s.hiddenScales = hidden + hFloats;
  return s;
}

void StepwiseLstm::forward(const LstmForward& args) {
  Packed& packed = packed_[static_cast<int>(args.weightForm)];
  layOut(args.weightForm, packed);
  const int threads = threadsFor(args.shape);
  const Scratch scratch = scratchOf(args, threads);
  const bool repack = packed.key.renew(args.weights, args.weightsVersion);
  context_.pool.run(threads, [&](const Team& team) {
    if (repack) {
      pack(team, args.weightForm, packed, args.weights);
      team.wait();
    }
    forwardOn(team, args, packed, scratch);
  });
  if (args.shape.timeSteps % 2 == 1) descending_ = !descending_;
}

void StepwiseLstm::forwardOn(const Team& team, const LstmForward& args, const Packed& packed,
                             const Scratch& scratch) const {
  const int directions = config_.directions();
  const int64_t width = config_.outputSize();
  const float* x = args.x;
  for (int layer = 0; layer < config_.numLayers; ++layer) {
    float* y = layer + 1 == config_.numLayers ? args.y : scratch.outputs[layer % 2];
    for (int direction = 0; direction < directions; ++direction) {
      const int index = layer * directions + direction;
      const Place place = {
          index, direction == 1, x, config_.layerInputSize(layer), y + direction * width, descending_};
      forwardDirection(team, args, packed.weights[index], scratch, place);
    }
    x = y;
  }
}

void StepwiseLstm::forwardDirection(const Team& team, const LstmForward& args, const Weights& weights,
                                    const Scratch& scratch, const Place& place) const {
  const Kernels& kernels = context_.kernels;
  const BatchShape& shape = args.shape;
  const int64_t hidden = config_.hiddenSize;
  const int64_t output = config_.outputSize();
  const int64_t hState = shape.batchSize * output;
  const int64_t cState = shape.batchSize * hidden;
  const int64_t yStride = config_.directions() * output;
  const bool projected = config_.projectionSize > 0;
  const bool int8 = args.weightForm == WeightForm::kInt8;
  const float* h0 = args.h0 ? args.h0 + place.index * hState : nullptr;
  const float* c0 = args.c0 ? args.c0 + place.index * cState : nullptr;
  float* c = args.cn ? args.cn + place.index * cState : scratch.c;
  int16_t* hQuantized = int8 ? scratch.hidden + 2 * scratch.hiddenStep * team.index() : nullptr;
  float* hScales = int8 ? scratch.hiddenScales + scratch.hiddenStep * team.index() : nullptr;
  const Range mine = team.share(panels());

  fill(team, c, c0, cState);
  // Both, as in the reverse direction a sequence may come alive at either.
  for (float* h : scratch.h) fill(team, h, h0, hState);
  if (int8) {
    const Range rows = team.share(shape.rows);
    for (int64_t row = rows.begin; row < rows.end; ++row)
      kernels.quantizeRow(static_cast<int>(place.inputSize), place.x + row * place.inputSize,
                          scratch.x + row * even(place.inputSize), scratch.xScales + row);
  }
  team.wait();

  LstmStep step{};
  step.form = static_cast<StepWeights>(args.weightForm);  // the same words
  step.hidden = config_.hiddenSize;
  step.panelBegin = static_cast<int>(mine.begin);
  step.panelEnd = static_cast<int>(mine.end);
  step.clip = config_.cellClip;
  step.start = weights.bias;
  step.input = {weights.input.k,      place.x,   place.inputSize, weights.input.panels,
                weights.input.scales, scratch.x, scratch.xScales};
  // x W of all steps at once reads the weights once; for a single step the cell can follow at once.
  const bool ahead = shape.timeSteps > 1;
  if (ahead) {
    step.rows = static_cast<int>(shape.rows);
    step.gates = scratch.gates;
    step.gateStride = gateStride();
    kernels.lstmStep(step);
    step.gates = nullptr;
    step.input.k = 0;
    step.startStride = gateStride();
  }
  for (int s = 0; s < shape.timeSteps; ++s) {
    const int t = place.reverse ? shape.timeSteps - 1 - s : s;
    const int64_t row0 = shape.rowOffset[t];
    const float* h = scratch.h[s % 2];
    float* hNext = scratch.h[(s + 1) % 2];
    step.rows = shape.liveRows[t];
    step.descending = (s % 2 == 1) != place.descending;
    if (ahead) step.start = scratch.gates + row0 * gateStride();
    const bool zeroH = s == 0 && !h0;
    step.recurrent = {zeroH ? 0 : weights.recurrent.k, h,          output, weights.recurrent.panels,
                      weights.recurrent.scales,        hQuantized, hScales};
    if (int8 && !zeroH)
      for (int n = 0; n < step.rows; ++n)
        kernels.quantizeRow(static_cast<int>(output), h + n * output, hQuantized + n * even(output),
                            hScales + n);
    float* y = place.y + row0 * yStride;
    step.c = c;
    step.y = projected ? scratch.m : y;
    step.yStride = projected ? hidden : yStride;
    step.h = projected ? nullptr : hNext;
    kernels.lstmStep(step);
    team.wait();
    if (!projected) continue;
    // The next step's cells of other threads write m only after the wait below.
    project(team, weights.projection, step.rows, scratch.m, y, yStride, hNext);
    team.wait();
  }
  if (args.hn) {
    const Range sequences = team.share(shape.batchSize);
    for (int64_t n = sequences.begin; n < sequences.end; ++n) {
      const int64_t row = place.reverse ? n : shape.rowOffset[shape.lengths[n] - 1] + n;
      std::memcpy(args.hn + place.index * hState + n * output, place.y + row * yStride,
                  output * sizeof(float));
    }
  }
  team.wait();  // the next direction overwrites the scratch
}

// h_t = W_hr m
void StepwiseLstm::project(const Team& team, const PackedB& projection, int rows, const float* m, float* y,
                           int64_t yStride, float* h) const {
  const Range outputs = team.share(projection.panels());
  for (int64_t panel = outputs.begin; panel < outputs.end; ++panel) {
    const int64_t channel = panel * projection.panelColumns();
    const int columns = projection.columnsOf(static_cast<int>(panel));
    float* out = y + channel;
    multiplyPanel(team, context_.kernels, rows, m, config_.hiddenSize, projection, static_cast<int>(panel),
                  out, yStride, Start::kZero, nullptr);
    for (int n = 0; n < rows; ++n)
      std::memcpy(h + n * config_.outputSize() + channel, out + n * yStride, columns * sizeof(float));
  }
}

}  // namespace lstm::cpu
