#include "cpu/kernels/math.h"
#include "cpu/kernels/table.h"

namespace lstm::cpu::LSTM_ARCH {
namespace {

LSTM_INLINE int lanesLeft(int64_t count, int64_t at) {
  return count - at < W ? static_cast<int>(count - at) : W;
}

template <typename Function>
LSTM_INLINE void mapInto(const float* x, float* y, int64_t count, Function function) {
  for (int64_t i = 0; i < count; i += W) {
    const int lanes = lanesLeft(count, i);
    storeUpTo(y + i, function(loadUpTo(x + i, lanes)), lanes);
  }
}

template <typename Function>
LSTM_INLINE void mapGradient(const float* y, float* dy, int64_t count, Function function) {
  for (int64_t i = 0; i < count; i += W) {
    const int lanes = lanesLeft(count, i);
    storeUpTo(dy + i, function(loadUpTo(y + i, lanes), loadUpTo(dy + i, lanes)), lanes);
  }
}

}  // namespace

void add(float* to, const float* from, int64_t count) {
  mapGradient(from, to, count, [](Vec a, Vec b) __attribute__((always_inline)) { return a + b; });
}

void columnSums(int64_t rows, int64_t columns, const float* x, int64_t ld, float* out) {
  constexpr int kStrip = 4;  // vectors held in registers while the rows run past
  int64_t c = 0;
  for (; c + kStrip * W <= columns; c += kStrip * W) {
    Vec sum[kStrip];
    for (int j = 0; j < kStrip; ++j) sum[j] = Vec{};
    for (int64_t r = 0; r < rows; ++r)
      for (int j = 0; j < kStrip; ++j) sum[j] += load(x + r * ld + c + j * W);
    for (int j = 0; j < kStrip; ++j) store(out + c + j * W, load(out + c + j * W) + sum[j]);
  }
  for (; c < columns; c += W) {
    const int lanes = lanesLeft(columns, c);
    Vec sum = {};
    for (int64_t r = 0; r < rows; ++r) sum += loadUpTo(x + r * ld + c, lanes);
    storeUpTo(out + c, loadUpTo(out + c, lanes) + sum, lanes);
  }
}

void exponential(const float* x, float* y, int64_t count) {
  mapInto(x, y, count, [](Vec v) __attribute__((always_inline)) { return vexp(v); });
}

void activate(Pointwise kind, float* y, int64_t count) {
  switch (kind) {
    case Pointwise::kRelu:
      return mapInto(y, y, count,
                     [](Vec v) __attribute__((always_inline)) { return select(v < 0.0f, Vec{}, v); });
    case Pointwise::kTanh:
      return mapInto(y, y, count, [](Vec v) __attribute__((always_inline)) { return vtanh(v); });
    case Pointwise::kSigmoid:
      return mapInto(y, y, count, [](Vec v) __attribute__((always_inline)) { return vsigmoid(v); });
  }
}

void activateBackward(Pointwise kind, const float* y, float* dy, int64_t count) {
  switch (kind) {
    case Pointwise::kRelu:
      return mapGradient(y, dy, count, [](Vec v, Vec d) __attribute__((always_inline)) {
        return select(v > 0.0f, d, Vec{});
      });
    case Pointwise::kTanh:
      return mapGradient(y, dy, count,
                         [](Vec v, Vec d) __attribute__((always_inline)) { return d * (1.0f - v * v); });
    case Pointwise::kSigmoid:
      return mapGradient(y, dy, count,
                         [](Vec v, Vec d) __attribute__((always_inline)) { return d * (v * (1.0f - v)); });
  }
}

}  // namespace lstm::cpu::LSTM_ARCH
