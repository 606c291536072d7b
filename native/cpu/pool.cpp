#include "cpu/pool.h"

#include <cstring>

namespace lstm::cpu {
namespace {

int64_t lastRow(const BatchShape& shape, int64_t n) {
  return shape.rowOffset[shape.lengths[n] - 1] + n;
}

void meanOf(const Kernels& kernels, const BatchShape& shape, int64_t n, int channels, const float* x,
            float* y) {
  std::memset(y, 0, channels * sizeof(float));
  for (int t = 0; t < shape.lengths[n]; ++t)
    kernels.add(y, x + (shape.rowOffset[t] + n) * channels, channels);
  for (int c = 0; c < channels; ++c) y[c] /= static_cast<float>(shape.lengths[n]);
}

void maxOf(const BatchShape& shape, int64_t n, int channels, const float* x, float* y, int32_t* argmax) {
  std::memcpy(y, x + n * channels, channels * sizeof(float));
  for (int c = 0; c < channels; ++c) argmax[c] = static_cast<int32_t>(n);
  for (int t = 1; t < shape.lengths[n]; ++t) {
    const int64_t row = shape.rowOffset[t] + n;
    for (int c = 0; c < channels; ++c) {
      const float value = x[row * channels + c];
      if (value > y[c]) {
        y[c] = value;
        argmax[c] = static_cast<int32_t>(row);
      }
    }
  }
}

int threadsFor(Context& context, const PoolArgs& args) {
  return context.pool.threadsFor(static_cast<double>(args.shape.rows) * args.channels);
}

}  // namespace

void poolForward(Context& context, const PoolArgs& args, const float* x, float* y, int32_t* argmax) {
  const int64_t channels = args.channels;
  context.pool.parallelFor(threadsFor(context, args), args.shape.batchSize, 1, [&](Range range) {
    for (int64_t n = range.begin; n < range.end; ++n) {
      float* to = y + n * channels;
      switch (args.mode) {
        case PoolMode::kLast:
          std::memcpy(to, x + lastRow(args.shape, n) * channels, channels * sizeof(float));
          break;
        case PoolMode::kMean:
          meanOf(context.kernels, args.shape, n, args.channels, x, to);
          break;
        case PoolMode::kMax:
          maxOf(args.shape, n, args.channels, x, to, argmax + n * channels);
          break;
      }
    }
  });
}

void poolBackward(Context& context, const PoolArgs& args, const float* dy, const int32_t* argmax, float* dx) {
  const int64_t channels = args.channels;
  const BatchShape& shape = args.shape;
  context.pool.parallelFor(threadsFor(context, args), shape.batchSize, 1, [&](Range range) {
    for (int64_t n = range.begin; n < range.end; ++n) {
      const float* from = dy + n * channels;
      const float length = static_cast<float>(shape.lengths[n]);
      for (int t = 0; t < shape.lengths[n]; ++t) {
        float* to = dx + (shape.rowOffset[t] + n) * channels;
        if (args.mode == PoolMode::kMean) {
          for (int64_t c = 0; c < channels; ++c) to[c] = from[c] / length;
        } else {
          std::memset(to, 0, channels * sizeof(float));
        }
      }
      if (args.mode == PoolMode::kLast)
        std::memcpy(dx + lastRow(shape, n) * channels, from, channels * sizeof(float));
      if (args.mode == PoolMode::kMax)
        for (int64_t c = 0; c < channels; ++c) dx[argmax[n * channels + c] * channels + c] = from[c];
    }
  });
}

}  // namespace lstm::cpu
