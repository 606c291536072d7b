#include "cuda/lstm_memory.h"

#include <algorithm>

namespace lstm::cuda {
namespace {

constexpr int64_t kAlign = 64;  // floats

int64_t padded(int64_t floats) {
  return (floats + kAlign - 1) / kAlign * kAlign;
}

int64_t floatsOf(size_t bytes) {
  return padded(static_cast<int64_t>((bytes + sizeof(float) - 1) / sizeof(float)));
}

}  // namespace

LstmMemory::LstmMemory(const LstmConfig& config, const BatchShape& shape, int calls, bool training,
                       const CallSizes& first, const CallSizes& others)
    : y_(padded(shape.rows * config.directions() * config.outputSize())),
      firstReserve_(training ? floatsOf(first.reserveBytes) : 0),
      otherReserve_(training ? floatsOf(others.reserveBytes) : 0),
      libraryReserves_(firstReserve_ + (calls - 1) * otherReserve_),
      work_(floatsOf(std::max(first.workBytes, others.workBytes))),
      passingPieces_(std::min(calls - 1, 2)),
      reserveFloats_(libraryReserves_ + (training ? 2 * (calls - 1) * y_ : 0)),
      workspaceFloats_(work_ + passingPieces_ * y_ +
                       (training ? y_ + padded(shape.rows * config.inputSize) : 0)) {}

float* LstmMemory::libraryReserve(float* reserve, int call) const {
  return call == 0 ? reserve : reserve + firstReserve_ + (call - 1) * otherReserve_;
}

float* LstmMemory::output(float* reserve, int call) const {
  return reserve + libraryReserves_ + 2 * call * y_;
}

float* LstmMemory::dropped(float* reserve, int call) const {
  return output(reserve, call) + y_;
}

}  // namespace lstm::cuda
