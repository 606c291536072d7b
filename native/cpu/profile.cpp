#include "cpu/profile.h"

namespace lstm::cpu {

const char* nameOf(Part part) {
  switch (part) {
    case Part::kPackWeights:
      return "pack weights";
    case Part::kInput:
      return "x·W";
    case Part::kRecurrent:
      return "h·R";
    case Part::kCells:
      return "cells";
    case Part::kBarriers:
      return "barriers";
    case Part::kPackActivations:
      return "pack activations";
    case Part::kRecurrentBackward:
      return "dh·R";
    case Part::kCellsBackward:
      return "cells backward";
    case Part::kWeightGradients:
      return "dW, dR";
    case Part::kInputGradient:
      return "dx";
    case Part::kBiasGradient:
      return "db";
    case Part::kHead:
      return "dense and loss";
    case Part::kUpdate:
      return "update";
    case Part::kParts:
      break;
  }
  return "";
}

}  // namespace lstm::cpu
