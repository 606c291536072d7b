#include <string>

#include "cuda/library/rnn_descriptors.h"
#include "cuda/rnn.h"
#include "engine/lstm_layout.h"
#include "real_cudnn.h"

// lstmLayout() against the addresses that cudnnGetRNNWeightParams gives for every matrix and bias.
namespace {

using lstm::BiasMode;
using lstm::LstmConfig;
using lstm::LstmLayout;
using lstm::LstmTensors;
using lstm::cuda::elementBytes;
using lstm::gpu::RnnDescriptors;

RuntimeRnnConfig callOf(const LstmConfig& config, int inputSize, int numLayers, RuntimePrecision precision) {
  RuntimeRnnConfig call{};
  call.inputSize = inputSize;
  call.hiddenSize = config.hiddenSize;
  call.projectionSize = config.outputSize();
  call.numLayers = numLayers;
  call.bidirectional = config.bidirectional;
  call.biasMode = static_cast<int>(config.bias);
  call.precision = precision;
  return call;
}

class Question {
 public:
  Question(const lstm::gpu::CudnnApi& api, size_t elementBytes)
      : api_(api), elementBytes_(static_cast<int64_t>(elementBytes)) {
    api_.cudnnCreateTensorDescriptor(&matrix_);
    api_.cudnnCreateTensorDescriptor(&bias_);
  }
  ~Question() {
    api_.cudnnDestroyTensorDescriptor(matrix_);
    api_.cudnnDestroyTensorDescriptor(bias_);
  }

  // Elements from the weight space's start; -1 = absent. rows, columns: of what is there.
  struct Answer {
    int64_t matrix, bias;
    int matrixRows, matrixColumns, biasRows;
  };
  Answer ask(const RnnDescriptors& rnn, size_t bytes, int pseudoLayer, int id) {
    void* matrix = nullptr;
    void* bias = nullptr;
    const cudnnStatus_t status = api_.cudnnGetRNNWeightParams(noHandle(), rnn.rnn, pseudoLayer, bytes, kBase,
                                                              id, matrix_, &matrix, bias_, &bias);
    harness::require(status == CUDNN_STATUS_SUCCESS, "cudnnGetRNNWeightParams failed");
    Answer answer{offsetOf(matrix), offsetOf(bias), 0, 0, 0};
    if (matrix) sizes(matrix_, &answer.matrixRows, &answer.matrixColumns);
    int one = 0;
    if (bias) sizes(bias_, &answer.biasRows, &one);
    return answer;
  }

 private:
  // Only reckoned with: no address of the weight space is read.
  static inline unsigned char* const kBase = reinterpret_cast<unsigned char*>(uintptr_t{1} << 40);

  int64_t offsetOf(const void* address) const {
    return address ? (static_cast<const unsigned char*>(address) - kBase) / elementBytes_ : -1;
  }
  void sizes(cudnnTensorDescriptor_t descriptor, int* rows, int* columns) {
    cudnnDataType_t type{};
    int count = 0;
    int size[3] = {};
    int stride[3] = {};
    api_.cudnnGetTensorNdDescriptor(descriptor, 3, &type, &count, size, stride);
    *rows = size[1];
    *columns = size[2];
  }

  const lstm::gpu::CudnnApi& api_;
  const int64_t elementBytes_;
  cudnnTensorDescriptor_t matrix_ = nullptr;
  cudnnTensorDescriptor_t bias_ = nullptr;
};

size_t weightBytes(const RnnDescriptors& rnn) {
  size_t bytes = 0;
  harness::require(
      realCudnn().cudnnGetRNNWeightSpaceSize(noHandle(), rnn.rnn, &bytes) == CUDNN_STATUS_SUCCESS,
      "cudnnGetRNNWeightSpaceSize failed");
  return bytes;
}

std::string nameOf(const LstmConfig& c) {
  return "I " + std::to_string(c.inputSize) + " H " + std::to_string(c.hiddenSize) + " L " +
         std::to_string(c.numLayers) + " D " + std::to_string(c.directions()) + " P " +
         std::to_string(c.projectionSize) + " bias " + std::to_string(static_cast<int>(c.bias)) +
         " dropout " + std::to_string(c.dropout) + ": ";
}

int64_t within(int64_t offset, int64_t start) {
  return offset < 0 ? -1 : offset - start;
}

// Layers [first, first + layers) are one call, whose weight space starts at `start` of the block.
void compareCall(const LstmConfig& config, const LstmLayout& layout, int first, int layers, int64_t start,
                 int64_t end, RuntimePrecision precision) {
  const RnnDescriptors rnn(realCudnn(), callOf(config, config.layerInputSize(first), layers, precision));
  const size_t bytes = weightBytes(rnn);
  Question question(realCudnn(), elementBytes(precision));
  const std::string name = nameOf(config) + "precision " + std::to_string(precision) + ": ";
  const int directions = config.directions();
  const int hidden = config.hiddenSize;
  int64_t last = 0;
  for (int p = 0; p < layers * directions; ++p) {
    const LstmTensors& ours = layout.tensors[first * directions + p];
    const int input = config.layerInputSize(first + p / directions);
    for (int id = 0; id < 9; ++id) {
      const auto theirs = question.ask(rnn, bytes, p, id);
      const bool isInput = id < 4;
      const int columns = isInput ? input : config.outputSize();
      int64_t matrix = id == 8 ? ours.weightHr : isInput ? ours.weightIh : ours.weightHh;
      if (id != 8) matrix += static_cast<int64_t>(id % 4) * hidden * columns;
      harness::require(theirs.matrix == within(matrix, start), name + "matrix " + std::to_string(id));
      if (theirs.matrix >= 0) {
        harness::require(theirs.matrixRows == (id == 8 ? config.outputSize() : hidden) &&
                             theirs.matrixColumns == (id == 8 ? hidden : columns),
                         name + "shape of matrix " + std::to_string(id));
        last = std::max(last, theirs.matrix + int64_t{theirs.matrixRows} * theirs.matrixColumns);
      }
      if (id == 8) continue;
      int64_t bias = isInput ? ours.biasIh : ours.biasHh;
      if (bias >= 0) bias += static_cast<int64_t>(id % 4) * hidden;
      harness::require(theirs.bias == within(bias, start), name + "bias " + std::to_string(id));
      if (theirs.bias >= 0) {
        harness::require(theirs.biasRows == hidden, name + "shape of bias " + std::to_string(id));
        last = std::max(last, theirs.bias + hidden);
      }
    }
  }
  harness::require(bytes == static_cast<size_t>(last) * elementBytes(precision),
                   name + "size of the weight space");
  harness::require(start * elementBytes(precision) % 256 == 0 && lstm::alignWeightSpace(start + last) >= end,
                   name + "place of the weight space");
}

void compare(const LstmConfig& config, RuntimePrecision precision = kPrecisionFp32) {
  const LstmLayout layout = lstm::lstmLayout(config);
  const bool isOurs = config.dropout > 0 && !config.librarySeed;
  const int calls = isOurs && config.numLayers > 1 ? config.numLayers : 1;
  const int layers = config.numLayers / calls;
  for (int call = 0; call < calls; ++call) {
    const auto startOf = [&](int k) {
      return k == calls ? layout.size : layout.tensors[k * layers * config.directions()].weightIh;
    };
    compareCall(config, layout, call * layers, layers, startOf(call), startOf(call + 1), precision);
  }
}

template <typename Visit>
void forConfigs(Visit visit) {
  for (const int input : {1, 2, 3, 7, 10, 64, 129, 256})
    for (const int hidden : {1, 2, 5, 33, 50, 64, 128, 200, 650})
      for (int layers = 1; layers <= 4; ++layers)
        for (const bool bidirectional : {false, true})
          for (const BiasMode bias : {BiasMode::kNone, BiasMode::kSingle, BiasMode::kDouble})
            for (const int divisor : {0, 2, 3})
              for (const float dropout : {0.0f, 0.5f}) {
                const int projection = divisor == 0 ? 0 : hidden / divisor;
                if (divisor != 0 && projection == 0) continue;
                LstmConfig config;
                config.inputSize = input;
                config.hiddenSize = hidden;
                config.numLayers = layers;
                config.bidirectional = bidirectional;
                config.bias = bias;
                config.projectionSize = projection;
                config.dropout = dropout;
                visit(config);
              }
}

TEST(
    "lstmLayout() is cuDNN's weight space, matrix by matrix and bias by bias, in thousands of "
    "configurations") {
  int count = 0;
  forConfigs([&](const LstmConfig& config) {
    compare(config);
    ++count;
  });
  CHECK(count > 9000);
}

TEST("lstmLayout() is cuDNN's weight space also in halves, element by element, and from 256 bytes on") {
  int count = 0;
  forConfigs(
      [&](const LstmConfig& config) { compare(config, ++count % 2 ? kPrecisionFp16 : kPrecisionBf16); });
  CHECK(count > 9000);
}

TEST("a stack whose dropout is the library's is one weight space") {
  forConfigs([&](const LstmConfig& config) {
    LstmConfig whole = config;
    whole.librarySeed = 7;
    if (config.dropout > 0) compare(whole);
  });
}

TEST("lstmLayout() and cuDNN agree on the largest layers that cuDNN counts rightly") {
  LstmConfig config;
  config.inputSize = 16384;
  config.hiddenSize = 16383;  // 4 * 16383 * (16384 + 16383) is just below 2^31
  compare(config);
}

}  // namespace
