#include "cpu/kernels/softmax.h"

#include "cpu/kernels/table.h"

namespace lstm::cpu::LSTM_ARCH {

void softmaxRows(int64_t rows, int classes, float* y) {
  for (int64_t row = 0; row < rows; ++row, y += classes) {
    const SoftmaxRow s = exponentials(y, y, classes);
    scaleRow(y, classes, static_cast<float>(1.0 / s.sum));
  }
}

// dz_i = y_i (dy_i - sum_j dy_j y_j)
void softmaxBackwardRows(int64_t rows, int classes, const float* y, float* dy) {
  for (int64_t row = 0; row < rows; ++row, y += classes, dy += classes) {
    double dot = 0;
    for (int i = 0; i < classes; ++i) dot += static_cast<double>(dy[i]) * y[i];
    const float mean = static_cast<float>(dot);
    for (int i = 0; i < classes; ++i) dy[i] = y[i] * (dy[i] - mean);
  }
}

}  // namespace lstm::cpu::LSTM_ARCH
