#pragma once

#include <math.h>

#include "engine/philox.h"

// One element of an activation and of its gradient. Shared by the CUDA kernels and by plain C++ (as everything in this
// folder): no CUDA header, no allocation. Codes are engine/device.h's Activation: 0 linear, 1 relu, 2 tanh, 3 sigmoid.
// Softmax (4) works on rows: softmax.h.
namespace lstm::elements {

constexpr int kLinear = 0;
constexpr int kRelu = 1;
constexpr int kTanh = 2;
constexpr int kSigmoid = 3;
constexpr int kSoftmax = 4;

// exp of a non-positive number alone: no overflow on either side.
LSTM_HOST_DEVICE inline float sigmoid(float x) {
  const float e = expf(-fabsf(x));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}

LSTM_HOST_DEVICE inline float activate(int activation, float x) {
  switch (activation) {
    case kRelu:
      return x < 0 ? 0.0f : x;  // NaN stays
    case kTanh:
      return tanhf(x);
    case kSigmoid:
      return sigmoid(x);
    default:
      return x;
  }
}

// The gradient before the activation, from the activation's result.
LSTM_HOST_DEVICE inline float activationGradient(int activation, float y, float dy) {
  switch (activation) {
    case kRelu:
      return y > 0 ? dy : 0.0f;
    case kTanh:
      return dy * (1.0f - y * y);
    case kSigmoid:
      return dy * (y * (1.0f - y));
    default:
      return dy;
  }
}

}  // namespace lstm::elements
