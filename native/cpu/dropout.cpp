#include "cpu/dropout.h"

namespace lstm::cpu {
namespace {

constexpr double kElementsPerThread = 10e3;

void dropRows(Context& context, const DropoutArgs& args, uint32_t threshold, float scale, int threads) {
  context.pool.parallelFor(threads, args.rows, 1, [&](Range range) {
    for (int64_t row = range.begin; row < range.end; ++row) {
      const bool stays = philoxWord(args.key, static_cast<uint64_t>(args.rowKeys[row])) >= threshold;
      const float* x = args.x + row * args.channels;
      float* y = args.y + row * args.channels;
      for (int c = 0; c < args.channels; ++c) y[c] = stays ? x[c] * scale : 0.0f;
    }
  });
}

}  // namespace

void dropout(Context& context, const DropoutArgs& args) {
  const RandomKey& key = args.key;
  const uint32_t threshold = dropoutThreshold(args.rate);
  const float scale = 1.0f / (1.0f - args.rate);
  const int64_t count = args.rows * args.channels;
  const int threads = context.pool.threadsFor(static_cast<double>(count), kElementsPerThread);
  if (args.rowKeys) return dropRows(context, args, threshold, scale, threads);
  if (!args.shape) {
    context.pool.parallelFor(threads, count, 64, [&](Range range) {
      context.kernels.dropout(key.seed, key.stream, key.step, range.begin, range.size(), threshold, scale,
                              args.x + range.begin, args.y + range.begin);
    });
    return;
  }
  // The live rows of a time step are sequences 0, 1, ...: their elements are one run from 0.
  const BatchShape& shape = *args.shape;
  context.pool.parallelFor(threads, shape.timeSteps, 1, [&](Range range) {
    for (int64_t t = range.begin; t < range.end; ++t) {
      const int64_t at = shape.rowOffset[t] * args.channels;
      context.kernels.dropout(key.seed, key.stream, key.step, 0,
                              static_cast<int64_t>(shape.liveRows[t]) * args.channels, threshold, scale,
                              args.x + at, args.y + at);
    }
  });
}

}  // namespace lstm::cpu
