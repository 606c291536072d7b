#include "cuda_standin/rnn_math.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cuda/elements/half.h"

namespace standin {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

// What is left of a number that the card stores in the RNN's precision.
float stored(const Rnn& rnn, double x) {
  const float single = static_cast<float>(x);
  return rnn.halfKind() == kHalfNone ? single : lstm::elements::throughHalf(rnn.halfKind(), single);
}

double dot(const float* a, const float* b, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// One pseudo-layer and one sequence: where its steps, and what comes before each, stand.
struct Walk {
  const Rnn& rnn;
  int p, n;
  int layer() const { return p / rnn.D(); }
  bool reverse() const { return p % rnn.D() == 1; }
  int length() const { return rnn.lengths[n]; }
  int step(int s) const {
    return reverse() ? length() - 1 - s : s;
  }  // s counts in the order of the recurrence
  int64_t row(int s) const { return rnn.row(step(s), n); }
  int64_t column() const { return int64_t{p % rnn.D()} * rnn.P(); }
  int64_t state(int width) const { return (int64_t{p} * rnn.batchSize + n) * width; }
};

// h_{t-1} or c_{t-1} [width] at step s: the row before, or the initial state; null = zeros.
const float* before(const Walk& walk, int s, const float* rows, int64_t stride, const float* initial,
                    int width) {
  if (s > 0) return rows + walk.row(s - 1) * stride;
  return initial ? initial + walk.state(width) : nullptr;
}

const float* layerInput(const Rnn& rnn, const RnnTensors& at, int layer) {
  if (layer == 0) return at.x;
  return at.reserve + (at.drops ? rnn.droppedAt(layer - 1) : rnn.outputAt(layer - 1));
}

float* layerOutput(const Rnn& rnn, const RnnTensors& at, int layer) {
  return layer + 1 == rnn.config.numLayers ? at.y : at.reserve + rnn.outputAt(layer);
}

double cellSum(const float* gates, int H, int j, double cPrev) {
  return gates[H + j] * cPrev + static_cast<double>(gates[j]) * gates[2 * H + j];
}

void forwardSequence(const Walk& walk, const RnnTensors& at) {
  const Rnn& rnn = walk.rnn;
  const int H = rnn.H(), P = rnn.P(), in = rnn.inputOf(walk.layer()), p = walk.p;
  const int64_t stride = int64_t{rnn.D()} * P;
  const float* x = layerInput(rnn, at, walk.layer());
  float* y = layerOutput(rnn, at, walk.layer()) + walk.column();
  float* cRows = at.reserve + rnn.cAt(p);
  const float* w = at.weights + rnn.wAt(p);
  const float* r = at.weights + rnn.rAt(p);
  const float* projection = at.weights + rnn.projectionAt(p);
  const float* bias = at.weights + rnn.biasAt(p);
  const double clip = rnn.config.cellClip > 0 ? rnn.config.cellClip : INFINITY;
  for (int s = 0; s < walk.length(); ++s) {
    const int64_t row = walk.row(s);
    const float* h = before(walk, s, y, stride, at.hx, P);
    const float* c = before(walk, s, cRows, H, at.cx, H);
    float* gates = at.reserve + rnn.gatesAt(p) + row * 4 * H;
    float* cellOutput = at.reserve + rnn.cellOutputAt(p) + row * H;
    for (int k = 0; k < 4 * H; ++k) {
      double pre = dot(w + int64_t{k} * in, x + row * in, in);
      if (h) pre += dot(r + int64_t{k} * P, h, P);
      for (int b = 0; b < rnn.config.biasMode; ++b) pre += bias[b * 4 * H + k];
      gates[k] = stored(rnn, k / H == 2 ? std::tanh(pre) : sigmoid(pre));
    }
    for (int j = 0; j < H; ++j) {
      const double raw = cellSum(gates, H, j, c ? c[j] : 0);
      cRows[row * H + j] = stored(rnn, std::clamp(raw, -clip, clip));
      cellOutput[j] = stored(rnn, gates[3 * H + j] * std::tanh(static_cast<double>(cRows[row * H + j])));
    }
    for (int j = 0; j < P; ++j)
      y[row * stride + j] =
          rnn.projected() ? stored(rnn, dot(projection + int64_t{j} * H, cellOutput, H)) : cellOutput[j];
  }
  const int64_t last = walk.row(walk.length() - 1);
  if (at.hy) std::copy_n(y + last * stride, P, at.hy + walk.state(P));
  if (at.cy) std::copy_n(cRows + last * H, H, at.cy + walk.state(H));
}

// dX += W^T dpre of this sequence; gates become their gradients.
void backwardSequence(const Walk& walk, const RnnTensors& at, const std::vector<double>& dy,
                      std::vector<double>& dx) {
  const Rnn& rnn = walk.rnn;
  const int H = rnn.H(), P = rnn.P(), in = rnn.inputOf(walk.layer()), p = walk.p;
  const int64_t stride = int64_t{rnn.D()} * P;
  const float* cRows = at.reserve + rnn.cAt(p);
  const float* w = at.weights + rnn.wAt(p);
  const float* r = at.weights + rnn.rAt(p);
  const float* projection = at.weights + rnn.projectionAt(p);
  const double clip = rnn.config.cellClip > 0 ? rnn.config.cellClip : INFINITY;
  std::vector<double> dh(P, 0.0), dc(H, 0.0), dCellOutput(H);
  if (at.dhy) std::copy_n(at.dhy + walk.state(P), P, dh.begin());
  if (at.dcy) std::copy_n(at.dcy + walk.state(H), H, dc.begin());
  for (int s = walk.length() - 1; s >= 0; --s) {
    const int64_t row = walk.row(s);
    const float* c = before(walk, s, cRows, H, at.cx, H);
    float* gates = at.reserve + rnn.gatesAt(p) + row * 4 * H;
    for (int j = 0; j < P; ++j) {
      dh[j] += dy[row * stride + walk.column() + j];
      at.reserve[rnn.dhAt(p) + row * P + j] = stored(rnn, dh[j]);
    }
    for (int j = 0; j < H; ++j) {
      dCellOutput[j] = rnn.projected() ? 0 : dh[j];
      for (int k = 0; rnn.projected() && k < P; ++k) dCellOutput[j] += projection[int64_t{k} * H + j] * dh[k];
    }
    for (int j = 0; j < H; ++j) {
      const double i = gates[j], f = gates[H + j], g = gates[2 * H + j], o = gates[3 * H + j];
      const double cPrev = c ? c[j] : 0;
      const double tanhC = std::tanh(static_cast<double>(cRows[row * H + j]));
      double d = dc[j] + dCellOutput[j] * o * (1 - tanhC * tanhC);
      if (std::fabs(cellSum(gates, H, j, cPrev)) > clip) d = 0;
      gates[j] = stored(rnn, d * g * i * (1 - i));
      gates[H + j] = stored(rnn, d * cPrev * f * (1 - f));
      gates[2 * H + j] = stored(rnn, d * i * (1 - g * g));
      gates[3 * H + j] = stored(rnn, dCellOutput[j] * tanhC * o * (1 - o));
      dc[j] = d * f;
    }
    std::fill(dh.begin(), dh.end(), 0.0);
    for (int k = 0; k < 4 * H; ++k) {
      for (int j = 0; j < P; ++j) dh[j] += static_cast<double>(r[int64_t{k} * P + j]) * gates[k];
      for (int j = 0; j < in; ++j) dx[row * in + j] += static_cast<double>(w[int64_t{k} * in + j]) * gates[k];
    }
  }
  for (int j = 0; at.dhx && j < P; ++j) at.dhx[walk.state(P) + j] = stored(rnn, dh[j]);
  for (int j = 0; at.dcx && j < H; ++j) at.dcx[walk.state(H) + j] = stored(rnn, dc[j]);
}

void outerSum(std::vector<double>& sum, const float* rows, int rowCount, const float* columns,
              int columnCount) {
  if (!columns) return;
  for (int i = 0; i < rowCount; ++i)
    for (int j = 0; j < columnCount; ++j)
      sum[int64_t{i} * columnCount + j] += static_cast<double>(rows[i]) * columns[j];
}

void addTo(const Rnn& rnn, float* to, const std::vector<double>& sum) {
  for (size_t i = 0; i < sum.size(); ++i) to[i] = stored(rnn, to[i] + static_cast<float>(sum[i]));
}

void weightGradients(const Rnn& rnn, const RnnTensors& at, int p) {
  const int H = rnn.H(), P = rnn.P(), layer = p / rnn.D(), in = rnn.inputOf(layer);
  const int64_t stride = int64_t{rnn.D()} * P;
  std::vector<double> dW(int64_t{4} * H * in), dR(int64_t{4} * H * P), dBias(4 * H), dProjection;
  if (rnn.projected()) dProjection.resize(int64_t{P} * H);
  const float* x = layerInput(rnn, at, layer);
  for (int n = 0; n < rnn.batchSize; ++n) {
    const Walk walk = {rnn, p, n};
    const float* y = layerOutput(rnn, at, layer) + walk.column();
    for (int s = 0; s < walk.length(); ++s) {
      const int64_t row = walk.row(s);
      const float* dGates = at.reserve + rnn.gatesAt(p) + row * 4 * H;
      outerSum(dW, dGates, 4 * H, x + row * in, in);
      outerSum(dR, dGates, 4 * H, before(walk, s, y, stride, at.hx, P), P);
      for (int k = 0; k < 4 * H; ++k) dBias[k] += dGates[k];
      if (rnn.projected())
        outerSum(dProjection, at.reserve + rnn.dhAt(p) + row * P, P,
                 at.reserve + rnn.cellOutputAt(p) + row * H, H);
    }
  }
  addTo(rnn, at.dWeights + rnn.wAt(p), dW);
  addTo(rnn, at.dWeights + rnn.rAt(p), dR);
  addTo(rnn, at.dWeights + rnn.projectionAt(p), dProjection);
  for (int b = 0; b < rnn.config.biasMode; ++b) addTo(rnn, at.dWeights + rnn.biasAt(p) + b * 4 * H, dBias);
}

// splitmix64 (Steele, Lea, Flood 2014) over seed, pass and place.
uint64_t drawn(uint64_t seed, uint64_t place) {
  uint64_t z = seed + (place + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void dropOutput(const Rnn& rnn, const RnnTensors& at, int layer) {
  const float* y = at.reserve + rnn.outputAt(layer);
  float* mask = at.reserve + rnn.maskAt(layer);
  float* dropped = at.reserve + rnn.droppedAt(layer);
  const uint64_t seed = drawn(at.dropSeed, static_cast<uint64_t>(layer));
  for (int64_t i = 0; i < rnn.yFloats(); ++i) {
    const double uniform = static_cast<double>(drawn(seed, static_cast<uint64_t>(i)) >> 11) * 0x1p-53;
    mask[i] = uniform < rnn.config.dropout ? 0 : 1 / (1 - rnn.config.dropout);
    dropped[i] = stored(rnn, static_cast<double>(y[i]) * mask[i]);
  }
}

}  // namespace

void forwardPass(const Rnn& rnn, const RnnTensors& at) {
  for (int p = 0; p < rnn.config.numLayers * rnn.D(); ++p) {
    if (at.drops && p > 0 && p % rnn.D() == 0) dropOutput(rnn, at, p / rnn.D() - 1);
    for (int n = 0; n < rnn.batchSize; ++n) forwardSequence({rnn, p, n}, at);
  }
}

void backwardDataPass(const Rnn& rnn, const RnnTensors& at) {
  std::vector<double> dy(at.dy, at.dy + rnn.yFloats());
  for (int layer = rnn.config.numLayers - 1; layer >= 0; --layer) {
    std::vector<double> dx(rnn.rows() * rnn.inputOf(layer), 0.0);
    for (int d = 0; d < rnn.D(); ++d)
      for (int n = 0; n < rnn.batchSize; ++n) backwardSequence({rnn, layer * rnn.D() + d, n}, at, dy, dx);
    for (size_t i = 0; i < dx.size(); ++i) {
      dx[i] = stored(rnn, dx[i]);
      if (layer > 0 && at.drops) dx[i] = stored(rnn, dx[i] * at.reserve[rnn.maskAt(layer - 1) + i]);
    }
    dy = std::move(dx);
  }
  std::copy(dy.begin(), dy.end(), at.dx);
}

void backwardWeightsPass(const Rnn& rnn, const RnnTensors& at) {
  for (int p = 0; p < rnn.config.numLayers * rnn.D(); ++p) weightGradients(rnn, at, p);
}

}  // namespace standin
