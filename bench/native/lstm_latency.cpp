// Latency of inference on the CPU device, without engine or JavaScript: median microseconds of a call on one thread.
//   lstm_latency [instruction set]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "cpu/cpu_device.h"

namespace {

double nowUs() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <typename Body>
double medianUs(Body&& body) {
  std::vector<double> times;
  for (int warm = 0; warm < 20; ++warm) body();
  const double end = nowUs() + 600e3;
  while (times.size() < 20 || nowUs() < end) {
    const double start = nowUs();
    body();
    times.push_back(nowUs() - start);
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

struct Shape {
  const char* name;
  int timeSteps, batchSize, inputSize, hiddenSize, numLayers;
};

double timeShape(const Shape& s, const std::string& instructionSet, lstm::WeightForm form) {
  const auto device = lstm::makeCpuDevice({1, instructionSet});
  lstm::LstmConfig config;
  config.inputSize = s.inputSize;
  config.hiddenSize = s.hiddenSize;
  config.numLayers = s.numLayers;
  lstm::BatchShape shape;
  shape.assign(s.batchSize, s.timeSteps, nullptr);
  const auto op = device->makeLstm(config);
  const auto size = static_cast<size_t>(lstm::lstmLayout(config).size);
  std::vector<float> weights(size);
  for (size_t i = 0; i < size; ++i) weights[i] = static_cast<float>((i * 7919 % 1000) * 2e-4 - 0.1);
  const size_t states = static_cast<size_t>(s.numLayers) * s.batchSize * s.hiddenSize;
  std::vector<float> x(shape.rows * s.inputSize, 0.3f), y(shape.rows * s.hiddenSize), h(states), c(states);
  std::vector<float> hn(states), cn(states), workspace(op->workspaceFloats(shape, false) + 16);
  return medianUs([&] {
    op->forward({shape,
                 weights.data(),
                 1,
                 x.data(),
                 h.data(),
                 c.data(),
                 y.data(),
                 hn.data(),
                 cn.data(),
                 nullptr,
                 workspace.data(),
                 false,
                 {},
                 nullptr,
                 form});
    h.swap(hn);
    c.swap(cn);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string instructionSet = argc > 1 ? argv[1] : "";
  const Shape shapes[] = {
      {"predict N1 T50 C64 H128 L1", 50, 1, 64, 128, 1}, {"streaming N1 T1 C256 H256 L2", 1, 1, 256, 256, 2},
      {"streaming N1 T1 C32 H32 L1", 1, 1, 32, 32, 1},   {"N2 T50 C64 H128 L1", 50, 2, 64, 128, 1},
      {"N3 T50 C64 H128 L1", 50, 3, 64, 128, 1},         {"N4 T50 C64 H128 L1", 50, 4, 64, 128, 1},
      {"N8 T50 C64 H128 L1", 50, 8, 64, 128, 1}};
  std::printf("%-30s %10s %10s %10s  us\n", "", "float32", "bfloat16", "int8");
  for (const Shape& shape : shapes) {
    std::printf("%-30s", shape.name);
    for (auto form : {lstm::WeightForm::kFloat32, lstm::WeightForm::kBfloat16, lstm::WeightForm::kInt8})
      std::printf(" %10.1f", timeShape(shape, instructionSet, form));
    std::printf("\n");
    std::fflush(stdout);
  }
}
