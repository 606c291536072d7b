#pragma once

#include <vector>

#include "engine/batch_shape.h"
#include "engine/lstm_layout.h"

// The LSTM stack in float64 loops, one sequence after the other, straight from the equations in
// engine/device.h. It shares nothing with the device but the row numbering and the layout of the weights.
struct ReferenceInputs {
  lstm::LstmConfig config;
  const lstm::BatchShape* shape;
  std::vector<double> weights;
  std::vector<double> x;       // [rows, inputSize]
  std::vector<double> h0, c0;  // [L*D, N, P], [L*D, N, H] or empty = zeros
  std::vector<std::vector<double>>
      dropFactor;  // [L-1][rows*D*P]: what multiplies layer k+1's input; empty = none
};

struct ReferenceOutputs {
  std::vector<double> y, hn, cn;
};

struct ReferenceGradients {
  std::vector<double> dx, dh0, dc0, dWeights;
};

ReferenceOutputs referenceForward(const ReferenceInputs& in);
ReferenceGradients referenceBackward(const ReferenceInputs& in, const std::vector<double>& dy,
                                     const std::vector<double>& dhn, const std::vector<double>& dcn);
