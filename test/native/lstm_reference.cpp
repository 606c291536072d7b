#include "lstm_reference.h"

#include <algorithm>
#include <cmath>

namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

// Everything a step of one sequence leaves behind, kept for all of them.
struct Step {
  int64_t row;
  std::vector<double> i, f, g, o, cPrev, hPrev, c, m;  // m = o tanh(c)
  std::vector<bool> clamped;
};

struct LayerRun {
  std::vector<double> input;               // [rows, in], after dropout
  std::vector<std::vector<Step>> forward;  // [D*N] in order of processing
};

struct Run {
  std::vector<LayerRun> layers;
  ReferenceOutputs out;
};

Run runForward(const ReferenceInputs& in) {
  const lstm::LstmConfig& config = in.config;
  const lstm::BatchShape& shape = *in.shape;
  const lstm::LstmLayout layout = lstmLayout(config);
  const int H = config.hiddenSize, P = config.outputSize();
  const int D = config.directions(), L = config.numLayers, N = shape.batchSize;
  Run run;
  run.out.hn.resize(L * D * N * P);
  run.out.cn.resize(L * D * N * H);
  std::vector<double> input = in.x;
  for (int layer = 0; layer < L; ++layer) {
    const int I = config.layerInputSize(layer);
    LayerRun saved;
    saved.input = input;
    std::vector<double> y(shape.rows * D * P);
    for (int d = 0; d < D; ++d) {
      const lstm::LstmTensors& w = layout.tensors[layer * D + d];
      for (int n = 0; n < N; ++n) {
        const int64_t sequence = static_cast<int64_t>(layer * D + d) * N + n;
        std::vector<double> h(P), c(H);
        if (!in.h0.empty()) h.assign(&in.h0[sequence * P], &in.h0[sequence * P] + P);
        if (!in.c0.empty()) c.assign(&in.c0[sequence * H], &in.c0[sequence * H] + H);
        std::vector<Step> steps;
        for (int s = 0; s < shape.lengths[n]; ++s) {
          const int t = d ? shape.lengths[n] - 1 - s : s;
          Step step;
          step.row = shape.rowOffset[t] + n;
          step.hPrev = h;
          step.cPrev = c;
          std::vector<double> gate[4];
          for (int q = 0; q < 4; ++q)
            for (int u = 0; u < H; ++u) {
              const int64_t j = q * H + u;
              double sum = 0;
              if (w.biasIh >= 0) sum += in.weights[w.biasIh + j];
              if (w.biasHh >= 0) sum += in.weights[w.biasHh + j];
              for (int k = 0; k < I; ++k) sum += in.weights[w.weightIh + j * I + k] * input[step.row * I + k];
              for (int k = 0; k < P; ++k) sum += in.weights[w.weightHh + j * P + k] * step.hPrev[k];
              gate[q].push_back(q == 2 ? std::tanh(sum) : sigmoid(sum));
            }
          for (int u = 0; u < H; ++u) {
            c[u] = gate[1][u] * c[u] + gate[0][u] * gate[2][u];
            step.clamped.push_back(config.cellClip > 0 && std::fabs(c[u]) > config.cellClip);
            if (step.clamped[u]) c[u] = std::copysign(config.cellClip, c[u]);
            step.m.push_back(gate[3][u] * std::tanh(c[u]));
          }
          for (int p = 0; p < P; ++p) {
            h[p] = w.weightHr < 0 ? step.m[p] : 0;
            for (int u = 0; u < H && w.weightHr >= 0; ++u)
              h[p] += in.weights[w.weightHr + static_cast<int64_t>(p) * H + u] * step.m[u];
            y[(step.row * D + d) * P + p] = h[p];
          }
          step.i = gate[0];
          step.f = gate[1];
          step.g = gate[2];
          step.o = gate[3];
          step.c = c;
          steps.push_back(step);
        }
        std::copy(h.begin(), h.end(), &run.out.hn[sequence * P]);
        std::copy(c.begin(), c.end(), &run.out.cn[sequence * H]);
        saved.forward.push_back(steps);
      }
    }
    run.layers.push_back(saved);
    input = y;
    if (layer + 1 < L && !in.dropFactor.empty())
      for (size_t i = 0; i < input.size(); ++i) input[i] *= in.dropFactor[layer][i];
  }
  run.out.y = input;
  return run;
}

}  // namespace

ReferenceOutputs referenceForward(const ReferenceInputs& in) {
  return runForward(in).out;
}

ReferenceGradients referenceBackward(const ReferenceInputs& in, const std::vector<double>& dyLast,
                                     const std::vector<double>& dhn, const std::vector<double>& dcn) {
  const lstm::LstmConfig& config = in.config;
  const lstm::BatchShape& shape = *in.shape;
  const lstm::LstmLayout layout = lstmLayout(config);
  const int H = config.hiddenSize, P = config.outputSize();
  const int D = config.directions(), L = config.numLayers, N = shape.batchSize;
  const Run run = runForward(in);
  ReferenceGradients out;
  out.dWeights.resize(in.weights.size());
  out.dh0.resize(L * D * N * P);
  out.dc0.resize(L * D * N * H);
  std::vector<double> dy = dyLast;
  if (dy.empty()) dy.resize(shape.rows * D * P);
  for (int layer = L - 1; layer >= 0; --layer) {
    const int I = config.layerInputSize(layer);
    const LayerRun& saved = run.layers[layer];
    std::vector<double> dx(shape.rows * I);
    for (int d = 0; d < D; ++d) {
      const lstm::LstmTensors& w = layout.tensors[layer * D + d];
      for (int n = 0; n < N; ++n) {
        const int64_t sequence = static_cast<int64_t>(layer * D + d) * N + n;
        std::vector<double> dh(P), dc(H);
        if (!dhn.empty()) dh.assign(&dhn[sequence * P], &dhn[sequence * P] + P);
        if (!dcn.empty()) dc.assign(&dcn[sequence * H], &dcn[sequence * H] + H);
        const std::vector<Step>& steps = saved.forward[d * N + n];
        for (size_t s = steps.size(); s-- > 0;) {
          const Step& step = steps[s];
          for (int p = 0; p < P; ++p) dh[p] += dy[(step.row * D + d) * P + p];
          std::vector<double> dm = dh;
          if (w.weightHr >= 0) {
            dm.assign(H, 0);
            for (int p = 0; p < P; ++p)
              for (int u = 0; u < H; ++u) {
                dm[u] += dh[p] * in.weights[w.weightHr + static_cast<int64_t>(p) * H + u];
                out.dWeights[w.weightHr + static_cast<int64_t>(p) * H + u] += dh[p] * step.m[u];
              }
          }
          std::vector<double> dGate(4 * H);
          for (int u = 0; u < H; ++u) {
            const double t = std::tanh(step.c[u]);
            const double dcu = step.clamped[u] ? 0 : dc[u] + dm[u] * step.o[u] * (1 - t * t);
            dGate[u] = dcu * step.g[u] * step.i[u] * (1 - step.i[u]);
            dGate[H + u] = dcu * step.cPrev[u] * step.f[u] * (1 - step.f[u]);
            dGate[2 * H + u] = dcu * step.i[u] * (1 - step.g[u] * step.g[u]);
            dGate[3 * H + u] = dm[u] * t * step.o[u] * (1 - step.o[u]);
            dc[u] = dcu * step.f[u];
          }
          dh.assign(P, 0);
          for (int j = 0; j < 4 * H; ++j) {
            if (w.biasIh >= 0) out.dWeights[w.biasIh + j] += dGate[j];
            if (w.biasHh >= 0) out.dWeights[w.biasHh + j] += dGate[j];
            for (int k = 0; k < I; ++k) {
              out.dWeights[w.weightIh + static_cast<int64_t>(j) * I + k] +=
                  dGate[j] * saved.input[step.row * I + k];
              dx[step.row * I + k] += dGate[j] * in.weights[w.weightIh + static_cast<int64_t>(j) * I + k];
            }
            for (int k = 0; k < P; ++k) {
              out.dWeights[w.weightHh + static_cast<int64_t>(j) * P + k] += dGate[j] * step.hPrev[k];
              dh[k] += dGate[j] * in.weights[w.weightHh + static_cast<int64_t>(j) * P + k];
            }
          }
        }
        std::copy(dh.begin(), dh.end(), &out.dh0[sequence * P]);
        std::copy(dc.begin(), dc.end(), &out.dc0[sequence * H]);
      }
    }
    if (layer > 0 && !in.dropFactor.empty())
      for (size_t i = 0; i < dx.size(); ++i) dx[i] *= in.dropFactor[layer - 1][i];
    dy = dx;
  }
  out.dx = dy;
  return out;
}
