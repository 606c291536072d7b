#include "cuda/dense_op.h"

namespace lstm::cuda {

// y [rows, units] = x [rows, in] weight^T [in, units] + bias
void CudaDense::forward(const DenseForward& args) {
  const int units = config_.units;
  const Activation activation = args.logits ? Activation::kLinear : config_.activation;
  const bool fusedRelu = args.bias && activation == Activation::kRelu;
  RuntimeGemm gemm{};
  gemm.transposeB = 1;
  gemm.m = args.rows;
  gemm.n = units;
  gemm.k = config_.inputSize;
  gemm.alpha = 1;
  gemm.dA = core_.halves.operand(args.x, args.rows * config_.inputSize, 0);
  gemm.lda = config_.inputSize;
  gemm.dB = core_.halves.weights(args.weight);
  gemm.ldb = config_.inputSize;
  gemm.dC = args.y;
  gemm.ldc = units;
  gemm.epilogue = fusedRelu ? kEpilogueBiasRelu : args.bias ? kEpilogueBias : kEpilogueNone;
  gemm.dBias = args.bias;
  gemm.precision = core_.precision;
  core_.context.call(&CudaRuntime::gemm, &gemm);
  if (activation == Activation::kLinear || fusedRelu) return;
  core_.context.call(&CudaRuntime::activationForward, static_cast<int>(activation), args.rows, units, args.y);
}

void CudaDense::backward(const DenseBackward& args) {
  const int units = config_.units;
  const int in = config_.inputSize;
  if (!args.logits && config_.activation != Activation::kLinear)
    core_.context.call(&CudaRuntime::activationBackward, static_cast<int>(config_.activation), args.rows,
                       units, args.y, args.dy);
  RuntimeGemm gemm{};
  gemm.alpha = 1;
  gemm.n = in;
  gemm.ldb = in;
  gemm.ldc = in;
  gemm.dA = core_.halves.operand(args.dy, args.rows * units, 0);
  gemm.lda = units;
  gemm.precision = core_.precision;
  if (args.dWeight) {  // [units, in] += dy^T [units, rows] x [rows, in]
    gemm.transposeA = 1;
    gemm.m = units;
    gemm.k = args.rows;
    gemm.beta = 1;
    gemm.dB = core_.halves.operand(args.x, args.rows * in, 1);
    gemm.dC = args.dWeight;
    core_.context.call(&CudaRuntime::gemm, &gemm);
  }
  if (args.dx) {  // [rows, in] = dy [rows, units] weight [units, in]
    gemm.transposeA = 0;
    gemm.m = args.rows;
    gemm.k = units;
    gemm.beta = 0;
    gemm.dB = core_.halves.weights(args.weight);
    gemm.dC = args.dx;
    core_.context.call(&CudaRuntime::gemm, &gemm);
  }
  if (args.dBias) core_.context.call(&CudaRuntime::columnSums, args.rows, units, args.dy, args.dBias);
}

}  // namespace lstm::cuda
