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
              const bool isFloat = precision == kPrecisionFp32 || precision == kPrecisionTf32;
              const bool isStandard = algorithm == kRnnStandard;
              const bool fits = isFloat && (isStandard || (bias == 2 && projection == 32));
              const RuntimeStatus status = created(c);
              harness::require(fits ? status == kRuntimeOk : status == kRuntimeNotSupported,
                               "algorithm " + std::to_string(algorithm) + ", bias " + std::to_string(bias) +
                                   ", projection " + std::to_string(projection) + ", precision " +
                                   std::to_string(precision) + ": status " + std::to_string(status));
              accepted += status == kRuntimeOk;
            }
  CHECK(accepted == 108 + 36);
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
