// Forward and backward of an LSTM on the CPU device, without engine or JavaScript: least milliseconds,
// GFLOP/s, and the share of this core's multiply-add peak that the register tile alone reaches on operands in
// cache.
//   lstm_step [instruction set]
#include <cstdio>
#include <vector>

#include "cpu/cpu_device.h"
#include "cpu/instruction_sets.h"
#include "measure.h"

namespace {

struct Shape {
  const char* name;
  int timeSteps, batchSize, inputSize, hiddenSize, numLayers;
};

void timeShape(const Shape& s, const std::string& instructionSet, int threads, double peak) {
  const auto device = lstm::makeCpuDevice({threads, instructionSet});
  lstm::LstmConfig config;
  config.inputSize = s.inputSize;
  config.hiddenSize = s.hiddenSize;
  config.numLayers = s.numLayers;
  lstm::BatchShape shape;
  shape.assign(s.batchSize, s.timeSteps, nullptr);
  const auto op = device->makeLstm(config);
  const auto size = static_cast<size_t>(lstm::lstmLayout(config).size);
  std::vector<float> weights(size), gradients(size);
  for (size_t i = 0; i < size; ++i) weights[i] = static_cast<float>((i * 7919 % 1000) * 2e-4 - 0.1);
  std::vector<float> x(shape.rows * s.inputSize, 0.3f), dx(x.size());
  std::vector<float> y(shape.rows * s.hiddenSize), dy(y.size(), 0.01f);
  std::vector<float> reserve(op->reserveFloats(shape, true)), workspace(op->workspaceFloats(shape, true));
  uint64_t version = 0;
  const auto forward = [&] {
    op->forward({shape,
                 weights.data(),
                 ++version,
                 x.data(),
                 nullptr,
                 nullptr,
                 y.data(),
                 nullptr,
                 nullptr,
                 reserve.data(),
                 workspace.data(),
                 true,
                 {}});
  };
  const auto step = [&] {
    forward();
    op->backward({shape,
                  weights.data(),
                  version,
                  x.data(),
                  y.data(),
                  dy.data(),
                  nullptr,
                  nullptr,
                  dx.data(),
                  nullptr,
                  nullptr,
                  gradients.data(),
                  reserve.data(),
                  workspace.data(),
                  {}});
  };
  const double forwardMs = bench::minimumMs(0.7, forward);
  const double stepMs = bench::minimumMs(1, step);
  double flops = 0;
  for (int layer = 0; layer < s.numLayers; ++layer)
    flops += 2.0 * shape.rows * 4 * s.hiddenSize * (config.layerInputSize(layer) + s.hiddenSize);
  const double gflops = 3e-6 * flops / stepMs;
  std::printf("%-12s %d thread%s  forward %8.3f ms  step %8.3f ms  %6.1f GFLOP/s  %3.0f %% of peak\n", s.name,
              threads, threads == 1 ? " " : "s", forwardMs, stepMs, gflops, 100 * gflops / (peak * threads));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string instructionSet = argc > 1 ? argv[1] : "";
  const lstm::cpu::Kernels& kernels = lstm::cpu::kernelsFor(instructionSet);
  const double peak = bench::tilePeakGflops(kernels);
  std::printf("%s, tile peak %.1f GFLOP/s a core\n", kernels.name, peak);
  const Shape shapes[] = {{"tiny", 50, 32, 64, 128, 1},
                          {"keras3x50", 100, 32, 50, 50, 3},
                          {"ptb-small", 35, 20, 200, 200, 2},
                          {"wide512", 64, 64, 512, 512, 1}};
  for (const Shape& shape : shapes)
    for (int threads : {1, 2}) timeShape(shape, instructionSet, threads, peak);
}
