#include "cpu/dense_op.h"

namespace lstm::cpu {
namespace {

Pointwise pointwise(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return Pointwise::kRelu;
    case Activation::kTanh:
      return Pointwise::kTanh;
    default:
      return Pointwise::kSigmoid;
  }
}

}  // namespace

CpuDense::CpuDense(Context& context, const DenseConfig& config) : context_(context), config_(config) {
  forwardPanels_.reserve(packedFloats(context_.kernels, config_.inputSize, config_.units));
}

int CpuDense::threadsFor(int64_t rows) const {
  return context_.pool.threadsFor(static_cast<double>(rows) * config_.inputSize * config_.units, 200e3);
}

void CpuDense::forward(const DenseForward& args) {
  PartClock clock(context_.profile);
  const Kernels& kernels = context_.kernels;
  const int in = config_.inputSize;
  const bool repack = forwardKey_.renew(args.weight, args.weightsVersion);
  const PackedB weight = packedView(kernels, forwardPanels_.data(), in, config_.units,
                                    choosePanelVectors(kernels, config_.units, 1));
  context_.pool.run(threadsFor(args.rows), [&](const Team& team) {
    if (repack) {
      packTransposed(team, kernels, weight, args.weight, in);
      team.wait();
    }
    multiply(team, kernels, args.rows, args.x, in, weight, args.y, config_.units,
             args.bias ? Start::kBias : Start::kZero, args.bias);
    if (args.logits || config_.activation == Activation::kLinear) return;
    team.wait();
    activate(team, args.rows, args.y);
  });
  clock.mark(Part::kHead);
}

void CpuDense::backward(const DenseBackward& args) {
  PartClock clock(context_.profile);
  const Kernels& kernels = context_.kernels;
  const int in = config_.inputSize;
  const int units = config_.units;
  const int inVectors = choosePanelVectors(kernels, in, 1);
  backwardPanels_.reserve(packedFloats(kernels, units, in));
  if (args.dWeight) inputPanels_.reserve(packedFloats(kernels, args.rows, in));
  const bool repack = args.dx && backwardKey_.renew(args.weight, args.weightsVersion);
  const PackedB weight = packedView(kernels, backwardPanels_.data(), units, in, inVectors);
  const PackedB inputs = packedView(kernels, inputPanels_.data(), args.rows, in, inVectors);
  context_.pool.run(threadsFor(args.rows), [&](const Team& team) {
    if (repack) packRows(team, kernels, weight, args.weight, in);
    if (args.dWeight) packRows(team, kernels, inputs, args.x, in);
    if (!args.logits && config_.activation != Activation::kLinear)
      activateBackward(team, args.rows, args.y, args.dy);
    team.wait();
    if (args.dWeight) {
      const TransposedProduct dWeight = {inputs, args.dWeight, in};
      multiplyTransposed(team, kernels, units, args.dy, units, {&dWeight, 1}, context_.scratchOf(team));
    }
    if (args.dx)
      multiply(team, kernels, args.rows, args.dy, units, weight, args.dx, in, Start::kZero, nullptr);
    if (!args.dBias) return;
    const Range range = team.share(units, 64);
    if (range.size() > 0)
      kernels.columnSums(args.rows, range.size(), args.dy + range.begin, units, args.dBias + range.begin);
  });
  clock.mark(Part::kHead);
}

void CpuDense::activate(const Team& team, int64_t rows, float* y) const {
  const Range range = team.share(rows);
  float* begin = y + range.begin * config_.units;
  if (config_.activation == Activation::kSoftmax) {
    context_.kernels.softmaxRows(range.size(), config_.units, begin);
  } else {
    context_.kernels.activate(pointwise(config_.activation), begin, range.size() * config_.units);
  }
}

void CpuDense::activateBackward(const Team& team, int64_t rows, const float* y, float* dy) const {
  const Range range = team.share(rows);
  const int64_t at = range.begin * config_.units;
  if (config_.activation == Activation::kSoftmax) {
    context_.kernels.softmaxBackwardRows(range.size(), config_.units, y + at, dy + at);
  } else {
    context_.kernels.activateBackward(pointwise(config_.activation), y + at, dy + at,
                                      range.size() * config_.units);
  }
}

}  // namespace lstm::cpu
