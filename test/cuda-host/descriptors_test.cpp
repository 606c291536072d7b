#include <cmath>
#include <string>
#include <vector>

#include "cuda/library/rnn_descriptors.h"
#include "real_cudnn.h"

// The library's own code for descriptors, against the real cuDNN.
namespace {

using lstm::gpu::RnnDescriptors;

RuntimeRnnConfig config(int algorithm = kRnnStandard) {
  RuntimeRnnConfig c{};
  c.inputSize = 12;
  c.hiddenSize = 32;
  c.projectionSize = 32;
  c.numLayers = 2;
  c.biasMode = 2;
  c.algorithm = algorithm;
  return c;
}

RuntimeStatus created(const RuntimeRnnConfig& c) {
  return refusalOf([&] { RnnDescriptors descriptors(realCudnn(), c); });
}

RuntimeStatus shaped(RnnDescriptors& descriptors, const std::vector<int32_t>& lengths, int timeSteps) {
  const RuntimeRnnShape shape{static_cast<int>(lengths.size()), timeSteps, lengths.data()};
  return refusalOf([&] { descriptors.setShape(shape); });
}

TEST("every algorithm, bias mode, projection and precision is accepted or refused as documented") {
  int accepted = 0;
  for (int algorithm = 0; algorithm < 4; ++algorithm)
    for (int bias = 0; bias < 3; ++bias)
      for (const int projection : {32, 16, 1})
        for (int precision = 0; precision < 4; ++precision)
          for (int bidirectional = 0; bidirectional < 2; ++bidirectional)
            for (const double clip : {0.0, 1.5, HUGE_VAL}) {
              RuntimeRnnConfig c = config(algorithm);
              c.biasMode = bias;
              c.projectionSize = projection;
              c.precision = precision;
              c.bidirectional = bidirectional;
              c.cellClip = clip;
              const bool isStandard = algorithm == kRnnStandard;
              const bool fits = isStandard || (bias == 2 && projection == 32 && precision != kPrecisionBf16);
              const RuntimeStatus status = created(c);
              harness::require(fits ? status == kRuntimeOk : status == kRuntimeNotSupported,
                               "algorithm " + std::to_string(algorithm) + ", bias " + std::to_string(bias) +
                                   ", projection " + std::to_string(projection) + ", precision " +
                                   std::to_string(precision) + ": status " + std::to_string(status));
              accepted += status == kRuntimeOk;
            }
  CHECK(accepted == 4 * 54 + 3 * 18);
}

// As the library's own code never asks: which types cuDNN takes together.
bool takesTypes(int algorithm, cudnnDataType_t data, cudnnDataType_t math) {
  const RnnDescriptors made(realCudnn(), config());
  return realCudnn().cudnnSetRNNDescriptor_v8(made.rnn, static_cast<cudnnRNNAlgo_t>(algorithm), CUDNN_LSTM,
                                              CUDNN_RNN_DOUBLE_BIAS, CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT,
                                              data, math, CUDNN_TENSOR_OP_MATH, 12, 32, 32, 2, nullptr,
                                              0) == CUDNN_STATUS_SUCCESS;
}

TEST(
    "halves are taken with float32 sums by every algorithm's descriptor, float32 tensors never with half "
    "sums") {
  for (int algorithm = 0; algorithm < 4; ++algorithm) {
    CHECK(takesTypes(algorithm, CUDNN_DATA_HALF, CUDNN_DATA_FLOAT));
    CHECK(takesTypes(algorithm, CUDNN_DATA_BFLOAT16, CUDNN_DATA_FLOAT));
    CHECK(takesTypes(algorithm, CUDNN_DATA_HALF, CUDNN_DATA_HALF) == (algorithm == kRnnStandard));
    CHECK(!takesTypes(algorithm, CUDNN_DATA_BFLOAT16, CUDNN_DATA_BFLOAT16));
    CHECK(!takesTypes(algorithm, CUDNN_DATA_FLOAT, CUDNN_DATA_HALF));
  }
}

TEST("in half precision the state descriptors are of halves") {
  for (const auto& [precision, expected] :
       {std::pair{kPrecisionFp16, CUDNN_DATA_HALF}, {kPrecisionBf16, CUDNN_DATA_BFLOAT16}}) {
    RuntimeRnnConfig c = config();
    c.precision = precision;
    RnnDescriptors rnn(realCudnn(), c);
    CHECK(shaped(rnn, {5, 3}, 5) == kRuntimeOk);
    for (const cudnnTensorDescriptor_t state : {rnn.h, rnn.c}) {
      cudnnDataType_t type{};
      int count = 0, sizes[3] = {}, strides[3] = {};
      CHECK(realCudnn().cudnnGetTensorNdDescriptor(state, 3, &type, &count, sizes, strides) ==
            CUDNN_STATUS_SUCCESS);
      CHECK(type == expected && count == 3 && sizes[0] == 2 && sizes[1] == 2 && sizes[2] == 32);
    }
  }
}

TEST("a stack is accepted with cuDNN's own dropout by every algorithm, and its rate is checked before") {
  cudnnDropoutDescriptor_t dropout = nullptr;
  CHECK(realCudnn().cudnnCreateDropoutDescriptor(&dropout) == CUDNN_STATUS_SUCCESS);
  // Without memory for its state, which is looked at when a pass runs.
  CHECK(realCudnn().cudnnSetDropoutDescriptor(dropout, noHandle(), 0.4f, nullptr, 0, 7) ==
        CUDNN_STATUS_SUCCESS);
  for (int algorithm = 0; algorithm < 4; ++algorithm) {
    RuntimeRnnConfig c = config(algorithm);
    c.dropout = 0.4f;
    CHECK(refusalOf([&] { RnnDescriptors(realCudnn(), c, dropout); }) == kRuntimeOk);
  }
  realCudnn().cudnnDestroyDropoutDescriptor(dropout);
  RuntimeRnnConfig c = config();
  c.dropout = 0.4f;
  CHECK(refusalOf([&] { lstm::gpu::DropoutDescriptor(realCudnn(), noHandle(), c); }) == kRuntimeInvalid);
  c.dropout = 1;
  CHECK(created(c) == kRuntimeInvalid);
}

TEST("a configuration without sense is refused before cuDNN sees it") {
  const auto refusesWith = [](auto change) {
    RuntimeRnnConfig c = config();
    change(c);
    return created(c);
  };
  CHECK(refusesWith([](RuntimeRnnConfig& c) { c.inputSize = 0; }) == kRuntimeInvalid);
  CHECK(refusesWith([](RuntimeRnnConfig& c) { c.hiddenSize = -1; }) == kRuntimeInvalid);
  CHECK(refusesWith([](RuntimeRnnConfig& c) { c.numLayers = 0; }) == kRuntimeInvalid);
  CHECK(refusesWith([](RuntimeRnnConfig& c) { c.projectionSize = 0; }) == kRuntimeInvalid);
  CHECK(refusesWith([](RuntimeRnnConfig& c) { c.projectionSize = 33; }) == kRuntimeInvalid);
  CHECK(refusesWith([](RuntimeRnnConfig& c) { c.biasMode = 3; }) == kRuntimeInvalid);
  CHECK(refusesWith([](RuntimeRnnConfig& c) { c.algorithm = 4; }) == kRuntimeInvalid);
  CHECK(refusesWith([](RuntimeRnnConfig& c) { c.precision = 4; }) == kRuntimeInvalid);
  CHECK(refusesWith([](RuntimeRnnConfig& c) { c.cellClip = std::nan(""); }) == kRuntimeInvalid);
}

TEST("a layer whose weights overflow cuDNN's 32 bits is refused") {
  RuntimeRnnConfig c = config();
  c.inputSize = c.hiddenSize = c.projectionSize = 23171;
  CHECK(created(c) == kRuntimeNotSupported);
  c = config();
  c.inputSize = 1;
  c.hiddenSize = c.projectionSize = 13500;  // the second layer of a bidirectional stack reads 27000 channels
  c.bidirectional = 1;
  CHECK(created(c) == kRuntimeNotSupported);
  c.numLayers = 1;
  CHECK(created(c) == kRuntimeOk);
}

TEST("packed shapes of any descending lengths are accepted, and others refused") {
  RnnDescriptors rnn(realCudnn(), config());
  CHECK(!rnn.hasShape());
  CHECK(shaped(rnn, {5}, 5) == kRuntimeOk);
  CHECK(shaped(rnn, {7, 7, 3, 1, 1}, 7) == kRuntimeOk);
  CHECK(shaped(rnn, {65535, 1}, 65535) == kRuntimeOk);
  CHECK(rnn.batchSize() == 2);
  CHECK(shaped(rnn, {65536}, 65536) == kRuntimeNotSupported);
  CHECK(shaped(rnn, {3, 5}, 5) == kRuntimeInvalid);
  CHECK(shaped(rnn, {5, 0}, 5) == kRuntimeInvalid);
  CHECK(shaped(rnn, {4, 4}, 5) == kRuntimeInvalid);
  CHECK(shaped(rnn, {}, 5) == kRuntimeInvalid);
}

TEST("a shape that stands already is not set again") {
  RnnDescriptors rnn(realCudnn(), config());
  const std::vector<int32_t> lengths = {4, 2, 2};
  const RuntimeRnnShape shape{3, 4, lengths.data()};
  CHECK(rnn.setShape(shape));
  CHECK(!rnn.setShape(shape));
  const std::vector<int32_t> others = {4, 3, 1};
  CHECK(rnn.setShape({3, 4, others.data()}));
}

TEST("a persistent algorithm takes equal lengths alone") {
  for (const int algorithm : {kRnnPersistStatic, kRnnPersistDynamic, kRnnSmallH}) {
    RnnDescriptors rnn(realCudnn(), config(algorithm));
    CHECK(shaped(rnn, {6, 6, 6}, 6) == kRuntimeOk);
    CHECK(shaped(rnn, {6, 6, 5}, 6) == kRuntimeNotSupported);
  }
}

TEST("a refusal carries cuDNN's own words") {
  RuntimeRnnConfig c = config(kRnnPersistStatic);
  c.biasMode = 0;
  try {
    RnnDescriptors descriptors(realCudnn(), c);
    CHECK(false);
  } catch (const lstm::gpu::Failure& failure) {
    CHECK(failure.call == "cudnnSetRNNDescriptor_v8");
    CHECK(failure.code / 1000 == 3);
    CHECK(failure.text.find("CUDNN_STATUS_NOT_SUPPORTED") != std::string::npos);
  }
}

}  // namespace
