#pragma once

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "cuda/elements/team.h"

// Softmax of a row, and the sum that the losses of logits need.
namespace lstm::elements {

// Greatest element and sum of exp(z - max), in one pass (Milakov and Gimelshein, "Online normalizer calculation for
// softmax", 2018). A row of -Inf alone, or one with NaN or +Inf, ends in NaN.
struct SoftmaxSum {
  float max;
  double sum;

  LSTM_HOST_DEVICE static SoftmaxSum none() { return {-FLT_MAX, 0}; }

  LSTM_HOST_DEVICE void takeElement(float z) {
    if (z > max) {
      sum = sum * expf(max - z) + 1.0;
      max = z;
    } else {
      sum += expf(z - max);
    }
  }
  LSTM_HOST_DEVICE void take(const SoftmaxSum& other) {
    const float top = other.max > max ? other.max : max;
    sum = sum * expf(max - top) + other.sum * expf(other.max - top);
    max = top;
  }
};

template <typename Team>
LSTM_HOST_DEVICE SoftmaxSum softmaxSum(Team& team, int classes, const float* z) {
  SoftmaxSum own = SoftmaxSum::none();
  for (int i = team.lane; i < classes; i += team.size) own.takeElement(z[i]);
  return team.join(own);
}

// y = softmax(y), in place; one row.
template <typename Team>
LSTM_HOST_DEVICE void softmaxRow(Team& team, int classes, float* y) {
  const SoftmaxSum all = softmaxSum(team, classes, y);
  const float inverse = static_cast<float>(1.0 / all.sum);
  for (int i = team.lane; i < classes; i += team.size) y[i] = expf(y[i] - all.max) * inverse;
}

// dz_i = y_i (dy_i - sum_j dy_j y_j), in place on dy; one row.
template <typename Team>
LSTM_HOST_DEVICE void softmaxGradientRow(Team& team, int classes, const float* y, float* dy) {
  Sum dot = {0};
  for (int i = team.lane; i < classes; i += team.size) dot.value += static_cast<double>(dy[i]) * y[i];
  const float mean = static_cast<float>(team.join(dot).value);
  for (int i = team.lane; i < classes; i += team.size) dy[i] = y[i] * (dy[i] - mean);
}

}  // namespace lstm::elements
