// Where the time of a train step on the CPU device goes: forward, cross-entropy on the last step's Dense(10),
// backward, clip by global norm, Adam, without JavaScript. One line of JSON: the whole of the step that stands at
// `quantile` (0.5, the median) of the steps timed in `seconds` (1).
//   lstm_breakdown T N C H L THREADS [seconds] [quantile] [instruction set]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "cpu/instruction_sets.h"
#include "engine/session.h"
#include "measure.h"

namespace {

using lstm::cpu::Part;
using lstm::cpu::Profile;

constexpr int kParts = static_cast<int>(Part::kParts);
constexpr int kClasses = 10;

struct Shape {
  int timeSteps, batchSize, channels, hiddenSize, numLayers;

  int inputOf(int layer) const { return layer == 0 ? channels : hiddenSize; }
  // Of a product of every row with [4H, inputs]
  double gflop(double inputs) const { return 2e-9 * timeSteps * batchSize * 4.0 * hiddenSize * inputs; }
};

double gflopOf(const Shape& shape, Part part) {
  double inputs = 0;
  for (int layer = 0; layer < shape.numLayers; ++layer) {
    // h R of the first step, and dh R behind it, are not needed.
    const double recurrent = shape.hiddenSize * (1 - 1.0 / shape.timeSteps);
    switch (part) {
      case Part::kInput:
        inputs += shape.inputOf(layer);
        break;
      case Part::kRecurrent:
      case Part::kRecurrentBackward:
        inputs += recurrent;
        break;
      case Part::kWeightGradients:
        inputs += shape.inputOf(layer) + shape.hiddenSize;
        break;
      case Part::kInputGradient:
        inputs += layer == 0 ? 0 : shape.inputOf(layer);
        break;
      default:
        break;
    }
  }
  return shape.gflop(inputs);
}

lstm::NetworkConfig networkOf(const Shape& shape) {
  lstm::NetworkConfig config;
  config.inputSize = shape.channels;
  config.seed = 1;
  lstm::LstmNode stack;
  stack.lstm.hiddenSize = shape.hiddenSize;
  stack.lstm.numLayers = shape.numLayers;
  stack.returnSequences = false;
  lstm::DenseNode head;
  head.units = kClasses;
  for (lstm::ParameterConfig* weight : {&stack.weightIh, &stack.weightHh, &head.weight})
    weight->initializer.kind = lstm::InitializerKind::kXavier;
  config.nodes = {{"lstm", lstm::kNetworkInput, stack}, {"fc", 0, head}};
  return config;
}

// A session of its own on a device of its own, ready to step.
class Stepper {
 public:
  Stepper(const Shape& shape, const lstm::cpu::Kernels& kernels, int threads, Profile* profile)
      : device_(lstm::cpu::makeDeviceOn(kernels, threads, profile)), session_(networkOf(shape), *device_) {
    session_.initialize();
    batch_.batchSize = shape.batchSize;
    batch_.timeSteps = shape.timeSteps;
    batch_.features.resize(static_cast<size_t>(shape.batchSize) * shape.timeSteps * shape.channels);
    for (size_t i = 0; i < batch_.features.size(); ++i)
      batch_.features[i] = static_cast<float>(i * 7919 % 1000) * 2e-3f - 1;
    targets_.loss.kind = lstm::LossKind::kCrossEntropy;
    for (int n = 0; n < shape.batchSize; ++n) targets_.ids.push_back(n % kClasses);
    update_.kind = lstm::UpdateKind::kAdam;
    update_.clip = lstm::ClipKind::kGlobalNorm;
    update_.clipLimit = 1;
    update_.learningRate = 1e-3f;
    update_.beta1 = 0.9f;
    update_.beta2 = 0.999f;
    update_.epsilon = 1e-8f;
  }
  void step() { session_.trainStep(batch_, targets_, update_, {}); }

 private:
  std::unique_ptr<lstm::Device> device_;
  lstm::Session session_;
  lstm::BatchInput batch_;
  lstm::TargetInput targets_;
  lstm::UpdateConfig update_;
};

double medianOf(std::vector<double> times) {
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

struct ProfiledStep {
  double ms;
  Profile parts;
};

// The step that stands at `quantile` of all steps' times, whole: its parts add up.
ProfiledStep stepAt(double quantile, double seconds, Stepper& stepper, Profile& profile) {
  std::vector<ProfiledStep> steps;
  for (int warm = 0; warm < 3; ++warm) stepper.step();
  const double end = bench::nowMs() + 1e3 * seconds;
  while (steps.size() < 5 || bench::nowMs() < end) {
    profile = {};
    const double start = bench::nowMs();
    stepper.step();
    steps.push_back({bench::nowMs() - start, profile});
  }
  const auto at = steps.begin() + static_cast<int64_t>(quantile * static_cast<double>(steps.size() - 1));
  std::nth_element(steps.begin(), at, steps.end(),
                   [](const ProfiledStep& a, const ProfiledStep& b) { return a.ms < b.ms; });
  return *at;
}

void run(const Shape& shape, int threads, double seconds, double quantile,
         const std::string& instructionSet) {
  const lstm::cpu::Kernels& kernels = lstm::cpu::kernelsFor(instructionSet);
  const double peak = bench::tilePeakGflops(kernels);
  Stepper plain(shape, kernels, threads, nullptr);
  const double plainMs = medianOf(bench::timesMs(seconds / 2, [&] { plain.step(); }));
  Profile profile;
  Stepper profiled(shape, kernels, threads, &profile);
  const ProfiledStep step = stepAt(quantile, seconds / 2, profiled, profile);
  std::printf("{\"instructionSet\": \"%s\", \"threads\": %d, \"fmaPeakGflops\": %.2f, ", kernels.name,
              threads, peak);
  std::printf("\"stepMs\": %.5f, \"plainStepMs\": %.5f, \"parts\": [", step.ms, plainMs);
  double rest = step.ms;
  for (int i = 0; i < kParts; ++i) {
    const double ms = 1e3 * step.parts.seconds[i];
    const double gflop = gflopOf(shape, static_cast<Part>(i));
    rest -= ms;
    std::printf("{\"name\": \"%s\", \"ms\": %.5f, \"gflop\": %.5f, \"floorMs\": %.5f}, ",
                nameOf(static_cast<Part>(i)), ms, gflop, 1e3 * gflop / (threads * peak));
  }
  std::printf("{\"name\": \"everything else\", \"ms\": %.5f, \"gflop\": 0, \"floorMs\": 0}]}\n", rest);
}

int positive(const char* text) {
  const int value = std::atoi(text);
  if (value < 1)
    throw std::invalid_argument("expected a positive integer, received '" + std::string(text) + "'");
  return value;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 7)
    throw std::invalid_argument(
        "usage: lstm_breakdown T N C H L THREADS [seconds] [quantile] [instruction set]");
  const Shape shape = {positive(argv[1]), positive(argv[2]), positive(argv[3]), positive(argv[4]),
                       positive(argv[5])};
  run(shape, positive(argv[6]), argc > 7 ? std::atof(argv[7]) : 1, argc > 8 ? std::atof(argv[8]) : 0.5,
      argc > 9 ? argv[9] : "");
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
