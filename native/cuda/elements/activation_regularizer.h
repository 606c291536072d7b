#pragma once

#include <stdint.h>

#include "engine/philox.h"

// Activation and temporal activation regularisation of one element y_t with its neighbours in time (Merity, McCann &
// Socher 2017), by engine/device.h's equation. ar and tar are divided by their numbers of terms here.
namespace lstm::elements {

struct ActivationFactors {
  double ar, tar;
};

// rows of `channels`, of so many sequences; a sequence of one step has no difference.
LSTM_HOST_DEVICE inline ActivationFactors activationFactors(float ar, float tar, int64_t rows,
                                                            int64_t sequences, int channels) {
  const double differences = static_cast<double>(rows - sequences) * channels;
  return {ar / (static_cast<double>(rows) * channels), differences > 0 ? tar / differences : 0.0};
}

// Elements at the same place one step before and one step behind; null: there is none.
struct ActivationNeighbours {
  const float* before;
  const float* behind;
};

// What the element adds to the penalty: its square, and the difference to the step before it.
LSTM_HOST_DEVICE inline double activationPenalty(const ActivationFactors& f, float y,
                                                 const ActivationNeighbours& at) {
  const double value = y;
  const double difference = at.before ? value - *at.before : 0.0;
  return f.ar * value * value + f.tar * difference * difference;
}

LSTM_HOST_DEVICE inline float activationPenaltyGradient(const ActivationFactors& f, float y,
                                                        const ActivationNeighbours& at) {
  double difference = at.before ? static_cast<double>(y) - *at.before : 0.0;
  if (at.behind) difference -= static_cast<double>(*at.behind) - y;
  return static_cast<float>(2 * (f.ar * y + f.tar * difference));
}

}  // namespace lstm::elements
