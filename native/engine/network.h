#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/device.h"
#include "engine/initializer.h"
#include "engine/lstm_layout.h"
#include "engine/parameter_layout.h"

namespace lstm {

struct ParameterConfig {
  Initializer initializer;
  float l1 = 0;
  float l2 = 0;
  bool trainable = true;
  Constraint constraint = {};
};

struct EmbeddingNode {
  int vocabSize = 0;
  int size = 0;
  ParameterConfig weight;  // [vocabSize, size]
  float dropout = 0;       // of whole rows of the table, in training
};

struct LstmNode {
  LstmConfig lstm;              // inputSize is filled in by Network
  bool returnSequences = true;  // false: final h of the last layer, [N, D*P]
  ParameterConfig weightIh, weightHh, weightHr, biasIh, biasHh;
  float forgetBias = 0;
  float weightDropout = 0;  // of the elements of every R (weight_hh), in training
};

struct DenseNode {
  int units = 0;
  Activation activation = Activation::kLinear;
  bool useBias = true;
  ParameterConfig weight;  // [units, inputs]
  ParameterConfig bias;    // [units]
  int tiedTo = -1;  // an embedding before it whose table [units, inputs] is the weight; -1: it has its own
};

struct DropoutNode {
  float rate = 0;
  bool sharedOverTime = false;
};

struct PoolNode {
  PoolMode mode = PoolMode::kLast;
};

// Passes its input on; in training adds ActivationRegularizerArgs' penalty of it to the loss.
struct ActivationRegularizerNode {
  float ar = 0;
  float tar = 0;
};

using NodeKind =
    std::variant<EmbeddingNode, LstmNode, DenseNode, DropoutNode, PoolNode, ActivationRegularizerNode>;

constexpr int kNetworkInput = -1;
constexpr int kMaxOutputs = 32;

struct NodeConfig {
  std::string name;
  int input = kNetworkInput;  // index of a node before this one, or kNetworkInput
  NodeKind kind;
};

enum class InputKind { kTokens, kFeatures };

struct NetworkConfig {
  InputKind input = InputKind::kFeatures;
  int inputSize = 0;  // channels, or the vocabulary's size
  std::vector<NodeConfig> nodes;
  uint64_t seed = 0;
  std::vector<int> outputs;  // nodes that no other node reads, ascending; empty: the last one
};

// What a node's output looks like: [rows, channels] for a sequence, else [N, channels].
struct NodeShape {
  bool sequence = true;
  int channels = 0;
};

struct Node {
  NodeConfig config;
  NodeShape in;
  NodeShape out;
  int64_t paramOffset = 0;  // of its block in the arenas, a multiple of kWeightSpaceAlign
  int64_t paramSize = 0;
  int64_t weightOffset = 0;  // dense: of its weight and its bias
  int64_t biasOffset = 0;
  int firstParameter = 0;  // its rows in the layout
  int consumers = 0;       // nodes that read its output
};

// A static graph in topological order. Resolves shapes and lays the parameters out.
// Throws InvalidArgument, naming the node, for a graph that cannot be.
class Network {
 public:
  explicit Network(NetworkConfig config);

  InputKind input() const { return config_.input; }
  int inputSize() const { return config_.inputSize; }
  uint64_t seed() const { return config_.seed; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<int>& outputs() const { return config_.outputs; }
  const Node& output(int head = 0) const { return nodes_[config_.outputs[head]]; }
  // Which of the outputs a node is, or -1.
  int headOf(int node) const;
  const ParameterLayout& layout() const { return layout_; }
  // Where "the gradient at the input" is taken: the features, or the first embedding's output for tokens.
  NodeShape gradientInput() const;
  // Floats of h0 and c0 together for one sequence over all lstm nodes: sum of L*D*(P + H).
  int64_t stateSize() const { return stateSize_; }

 private:
  NodeShape shapeOf(int node) const;
  void resolve(Node& node);
  void resolveTie(const Node& node, int tiedTo) const;
  void resolveOutputs();

  NetworkConfig config_;
  std::vector<Node> nodes_;
  ParameterLayout layout_;
  int64_t stateSize_ = 0;
};

// Philox streams: node i draws from streams i*256 upwards, the dropout of its R of layer k and direction d from stream
// 2^30 + i*512 + k*D + d, parameter k is initialised from stream 2^31 + k.
inline uint32_t dropoutStream(int node) {
  return static_cast<uint32_t>(node) * 256u;
}
inline uint32_t weightDropoutStream(int node, int tensor) {
  return 0x40000000u + static_cast<uint32_t>(node) * 512u + static_cast<uint32_t>(tensor);
}
inline uint32_t initializerStream(int parameter) {
  return 0x80000000u + static_cast<uint32_t>(parameter);
}

}  // namespace lstm
