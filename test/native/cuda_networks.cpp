#include "cuda_networks.h"

#include "harness.h"

using namespace lstm;

namespace {

constexpr int kVocab = 9, kClasses = 4, kFeatures = 3, kBatch = 4, kSteps = 5;

ParameterConfig weight(float l2 = 0) {
  return {{InitializerKind::kUniform, -0.4, 0.4}, 0, l2, true};
}

LstmNode lstmNode(int hidden, int layers, bool both, float dropout, bool sequences) {
  LstmNode node;
  node.lstm.hiddenSize = hidden;
  node.lstm.numLayers = layers;
  node.lstm.bidirectional = both;
  node.lstm.dropout = dropout;
  node.returnSequences = sequences;
  node.weightIh = node.weightHh = node.biasIh = node.biasHh = weight(1e-3f);
  node.forgetBias = 1;
  return node;
}

std::vector<int32_t> lengths(int number) {
  if (number % 2 == 0) return {};
  return {3, kSteps, 1, 1 + number % 4};
}

}  // namespace

NetworkConfig tokenNetwork() {
  NetworkConfig config;
  config.input = InputKind::kTokens;
  config.inputSize = kVocab;
  config.seed = 42;
  LstmNode stack = lstmNode(5, 2, true, 0.3f, true);
  stack.weightDropout = 0.2f;
  config.nodes = {{"embedding", -1, EmbeddingNode{kVocab, 6, weight(), 0.1f}},
                  {"stack", 0, stack},
                  {"dropout", 1, DropoutNode{0.2f, true}},
                  {"top", 2, lstmNode(4, 1, false, 0, false)},
                  {"regularizer", 3, ActivationRegularizerNode{0.5f, 0}},
                  {"hidden", 4, DenseNode{6, Activation::kTanh, true, weight(), weight()}},
                  {"classes", 5, DenseNode{kClasses, Activation::kSoftmax, true, weight(), weight()}}};
  return config;
}

NetworkConfig featureNetwork() {
  NetworkConfig config;
  config.inputSize = kFeatures;
  config.seed = 43;
  config.nodes = {{"stack", -1, lstmNode(4, 2, false, 0, true)},
                  {"dropout", 0, DropoutNode{0.2f, false}},
                  {"pool", 1, PoolNode{PoolMode::kMax}},
                  {"out", 2, DenseNode{2, Activation::kLinear, true, weight(), weight()}}};
  return config;
}

NetworkConfig headsNetwork() {
  NetworkConfig config;
  config.input = InputKind::kTokens;
  config.inputSize = kVocab;
  config.seed = 44;
  DenseNode tag{kVocab, Activation::kSoftmax, true, weight(), weight()};
  tag.tiedTo = 0;
  config.nodes = {{"embedding", -1, EmbeddingNode{kVocab, 6, weight(), 0.1f}},
                  {"stack", 0, lstmNode(6, 1, false, 0, true)},
                  {"dropout", 1, DropoutNode{0.2f, true}},
                  {"tag", 2, tag},
                  {"regularizer", 2, ActivationRegularizerNode{0.5f, 0.25f}},
                  {"pool", 4, PoolNode{PoolMode::kMean}},
                  {"length", 5, DenseNode{2, Activation::kLinear, true, weight(), weight()}}};
  config.outputs = {3, 6};
  return config;
}

BatchInput tokenBatch(int number) {
  harness::Random random(100 + number);
  BatchInput batch;
  batch.batchSize = kBatch;
  batch.timeSteps = kSteps;
  batch.seqLengths = lengths(number);
  for (int i = 0; i < kBatch * kSteps; ++i) batch.tokens.push_back(random.below(kVocab));
  return batch;
}

BatchInput featureBatch(int number) {
  harness::Random random(200 + number);
  BatchInput batch;
  batch.batchSize = kBatch;
  batch.timeSteps = kSteps;
  batch.seqLengths = lengths(number);
  batch.features = random.floats(kBatch * kSteps * kFeatures);
  return batch;
}

TargetInput idTargets(int number) {
  harness::Random random(300 + number);
  TargetInput targets;
  targets.loss.kind = LossKind::kCrossEntropy;
  for (int n = 0; n < kBatch; ++n) targets.ids.push_back(random.below(kClasses));
  if (number % 3 == 2) targets.sampleWeights = {1, 0.5f, 0, 2};
  if (number % 3 != 2) targets.metrics.classCounts = targets.metrics.confusion = true;
  return targets;
}

TargetInput valueTargets(int number) {
  harness::Random random(400 + number);
  TargetInput targets;
  targets.values = random.floats(kBatch * 2);
  targets.metrics.targetSums = true;
  return targets;
}

std::vector<TargetInput> headTargets(int number) {
  harness::Random random(500 + number);
  TargetInput tag;
  tag.loss.kind = LossKind::kCrossEntropy;
  for (int i = 0; i < kBatch * kSteps; ++i) tag.ids.push_back(random.below(kVocab));
  if (number % 2 == 1) tag.metrics.confusion = true;
  TargetInput length = valueTargets(number);
  length.weight = 0.25f * static_cast<float>(1 + number % 3);
  return {tag, length};
}

UpdateConfig adamUpdate() {
  UpdateConfig config;
  config.kind = UpdateKind::kAdam;
  config.clip = ClipKind::kGlobalNorm;
  config.clipLimit = 0.5f;
  config.learningRate = 0.01f;
  config.beta1 = 0.9f;
  config.beta2 = 0.999f;
  config.epsilon = 1e-5f;
  return config;
}

UpdateConfig sgdUpdate() {
  UpdateConfig config;
  config.learningRate = 0.05f;
  config.momentum = 0.9f;
  config.nesterov = true;
  return config;
}
