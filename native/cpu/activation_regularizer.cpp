#include "cpu/activation_regularizer.h"

#include <numeric>
#include <vector>

namespace lstm::cpu {
namespace {

struct Factors {
  double ar, tar;  // divided by their numbers of terms
};

// One time step: live rows from row `first` on, the step before from `before` on, and `behind` live rows after them.
struct Step {
  int64_t first, live, before, behind;
};

double regularizeStep(const ActivationRegularizerArgs& args, const Factors& f, const Step& step) {
  const int64_t channels = args.channels;
  const float* y = args.y + step.first * channels;
  const float* before = step.before < 0 ? nullptr : args.y + step.before * channels;
  const float* behind = y + step.live * channels;
  float* dy = args.dy + step.first * channels;
  const int64_t behindCount = step.behind * channels;
  double sum = 0;
  for (int64_t i = 0; i < step.live * channels; ++i) {
    const double value = y[i];
    double difference = before ? value - before[i] : 0.0;
    sum += f.ar * value * value + f.tar * difference * difference;
    if (i < behindCount) difference -= behind[i] - value;
    dy[i] += static_cast<float>(2 * (f.ar * value + f.tar * difference));
  }
  return sum;
}

}  // namespace

void activationRegularizer(Context& context, const ActivationRegularizerArgs& args) {
  const double elements = static_cast<double>(args.rows) * args.channels;
  if (!args.shape) {
    *args.sum += regularizeStep(args, {args.ar / elements, 0}, {0, args.rows, -1, 0});
    return;
  }
  const BatchShape& shape = *args.shape;
  const double differences = static_cast<double>(args.rows - shape.batchSize) * args.channels;
  const Factors factors = {args.ar / elements, differences > 0 ? args.tar / differences : 0};
  std::vector<double> sums(shape.timeSteps);  // by step, added in their order whatever the threads
  context.pool.parallelFor(context.pool.threadsFor(elements), shape.timeSteps, 1, [&](Range range) {
    for (int64_t t = range.begin; t < range.end; ++t) {
      const Step step = {shape.rowOffset[t], shape.liveRows[t], t > 0 ? shape.rowOffset[t - 1] : -1,
                         t + 1 < shape.timeSteps ? shape.liveRows[t + 1] : 0};
      sums[t] = regularizeStep(args, factors, step);
    }
  });
  *args.sum += std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace lstm::cpu
