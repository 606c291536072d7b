#include "lstm_reference.h"

#include <cmath>

namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

// Everything a step of one sequence leaves behind, kept for all of them.
struct Step {
  int64_t row;
  std::vector<double> i, f, g, o, cPrev, hPrev, c;
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
  const int H = config.hiddenSize, D = config.directions(), L = config.numLayers, N = shape.batchSize;
  Run run;
  run.out.hn.resize(L * D * N * H);
  run.out.cn.resize(L * D * N * H);
  std::vector<double> input = in.x;
  for (int layer = 0; layer < L; ++layer) {
    const int I = config.layerInputSize(layer);
    LayerRun saved;
    saved.input = input;
    std::vector<double> y(shape.rows * D * H);
    for (int d = 0; d < D; ++d) {
      const lstm::LstmTensors& w = layout.tensors[layer * D + d];
      for (int n = 0; n < N; ++n) {
        const int64_t state = (static_cast<int64_t>(layer * D + d) * N + n) * H;
        std::vector<double> h(H), c(H);
        for (int u = 0; u < H; ++u) {
          if (!in.h0.empty()) h[u] = in.h0[state + u];
          if (!in.c0.empty()) c[u] = in.c0[state + u];
        }
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
              for (int k = 0; k < H; ++k) sum += in.weights[w.weightHh + j * H + k] * step.hPrev[k];
              gate[q].push_back(q == 2 ? std::tanh(sum) : sigmoid(sum));
            }
          for (int u = 0; u < H; ++u) {
            c[u] = gate[1][u] * c[u] + gate[0][u] * gate[2][u];
            h[u] = gate[3][u] * std::tanh(c[u]);
            y[(step.row * D + d) * H + u] = h[u];
          }
          step.i = gate[0];
          step.f = gate[1];
          step.g = gate[2];
          step.o = gate[3];
          step.c = c;
          steps.push_back(step);
        }
        for (int u = 0; u < H; ++u) {
          run.out.hn[state + u] = h[u];
          run.out.cn[state + u] = c[u];
        }
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
  const int H = config.hiddenSize, D = config.directions(), L = config.numLayers, N = shape.batchSize;
  const Run run = runForward(in);
  ReferenceGradients out;
  out.dWeights.resize(in.weights.size());
  out.dh0.resize(L * D * N * H);
  out.dc0.resize(L * D * N * H);
  std::vector<double> dy = dyLast;
  if (dy.empty()) dy.resize(shape.rows * D * H);
  for (int layer = L - 1; layer >= 0; --layer) {
    const int I = config.layerInputSize(layer);
    const LayerRun& saved = run.layers[layer];
    std::vector<double> dx(shape.rows * I);
    for (int d = 0; d < D; ++d) {
      const lstm::LstmTensors& w = layout.tensors[layer * D + d];
      for (int n = 0; n < N; ++n) {
        const int64_t state = (static_cast<int64_t>(layer * D + d) * N + n) * H;
        std::vector<double> dh(H), dc(H);
        for (int u = 0; u < H; ++u) {
          if (!dhn.empty()) dh[u] = dhn[state + u];
          if (!dcn.empty()) dc[u] = dcn[state + u];
        }
        const std::vector<Step>& steps = saved.forward[d * N + n];
        for (size_t s = steps.size(); s-- > 0;) {
          const Step& step = steps[s];
          std::vector<double> dGate(4 * H);
          for (int u = 0; u < H; ++u) {
            const double t = std::tanh(step.c[u]);
            const double dhu = dh[u] + dy[(step.row * D + d) * H + u];
            const double dcu = dc[u] + dhu * step.o[u] * (1 - t * t);
            dGate[u] = dcu * step.g[u] * step.i[u] * (1 - step.i[u]);
            dGate[H + u] = dcu * step.cPrev[u] * step.f[u] * (1 - step.f[u]);
            dGate[2 * H + u] = dcu * step.i[u] * (1 - step.g[u] * step.g[u]);
            dGate[3 * H + u] = dhu * t * step.o[u] * (1 - step.o[u]);
            dc[u] = dcu * step.f[u];
          }
          for (int u = 0; u < H; ++u) dh[u] = 0;
          for (int j = 0; j < 4 * H; ++j) {
            if (w.biasIh >= 0) out.dWeights[w.biasIh + j] += dGate[j];
            if (w.biasHh >= 0) out.dWeights[w.biasHh + j] += dGate[j];
            for (int k = 0; k < I; ++k) {
              out.dWeights[w.weightIh + static_cast<int64_t>(j) * I + k] +=
                  dGate[j] * saved.input[step.row * I + k];
              dx[step.row * I + k] += dGate[j] * in.weights[w.weightIh + static_cast<int64_t>(j) * I + k];
            }
            for (int k = 0; k < H; ++k) {
              out.dWeights[w.weightHh + static_cast<int64_t>(j) * H + k] += dGate[j] * step.hPrev[k];
              dh[k] += dGate[j] * in.weights[w.weightHh + static_cast<int64_t>(j) * H + k];
            }
          }
        }
        for (int u = 0; u < H; ++u) {
          out.dh0[state + u] = dh[u];
          out.dc0[state + u] = dc[u];
        }
      }
    }
    if (layer > 0 && !in.dropFactor.empty())
      for (size_t i = 0; i < dx.size(); ++i) dx[i] *= in.dropFactor[layer - 1][i];
    dy = dx;
  }
  out.dx = dy;
  return out;
}
