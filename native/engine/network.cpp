#include "engine/network.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "engine/errors.h"

namespace lstm {
namespace {

constexpr int kMaxNodes = 1 << 16;  // keeps dropout streams below the initialisers'
constexpr int kMaxLayers = 256;     // streams of one node

[[noreturn]] void reject(const Node& node, const std::string& why) {
  throw InvalidArgument("node '" + node.config.name + "': " + why);
}

void requirePositive(const Node& node, const char* what, int value) {
  if (value < 1)
    reject(node, std::string("expected ") + what + " of at least 1, got " + std::to_string(value));
}

void requireRate(const Node& node, float rate) {
  if (!(rate >= 0 && rate < 1))
    reject(node, "expected a dropout rate in [0, 1), got " + std::to_string(rate));
}

Parameter makeParameter(std::string name, std::vector<int64_t> shape, const ParameterConfig& config) {
  Parameter parameter;
  parameter.name = std::move(name);
  parameter.shape = std::move(shape);
  parameter.initializer = config.initializer;
  parameter.l1 = config.l1;
  parameter.l2 = config.l2;
  parameter.constraint = config.constraint;
  parameter.trainable = config.trainable;
  return parameter;
}

// Each resolver appends the node's tensors in arena order and returns its output shape.
NodeShape resolveKind(Node& node, const EmbeddingNode& embedding, ParameterLayout& layout) {
  requirePositive(node, "vocabSize", embedding.vocabSize);
  requirePositive(node, "size", embedding.size);
  requireRate(node, embedding.dropout);
  layout.append(
      makeParameter(node.config.name + ".weight", {embedding.vocabSize, embedding.size}, embedding.weight));
  return {node.in.sequence, embedding.size};
}

std::string lstmSuffix(int layer, int direction) {
  return "_l" + std::to_string(layer) + (direction ? "_reverse" : "");
}

struct LstmRow {
  int64_t offset;      // in the block
  int64_t drawOffset;  // in the block as it is where the dropout is ours
  Parameter parameter;
};

std::vector<LstmRow> lstmRows(const Node& node, const LstmNode& lstm) {
  const LstmConfig& config = lstm.lstm;
  LstmConfig ours = config;
  ours.librarySeed.reset();
  const LstmLayout block = lstmLayout(config);
  const LstmLayout drawn = lstmLayout(ours);
  const int64_t gates = 4 * static_cast<int64_t>(config.hiddenSize);
  std::vector<LstmRow> rows;
  for (size_t p = 0; p < block.tensors.size(); ++p) {
    const int layer = static_cast<int>(p) / config.directions();
    const std::string suffix = lstmSuffix(layer, static_cast<int>(p) % config.directions());
    const auto add = [&](int64_t LstmTensors::* tensor, const char* role, std::vector<int64_t> shape,
                         const ParameterConfig& parameter) {
      const int64_t offset = block.tensors[p].*tensor;
      if (offset < 0) return;
      const std::string name = node.config.name + "." + role + suffix;
      rows.push_back({offset, drawn.tensors[p].*tensor, makeParameter(name, std::move(shape), parameter)});
      if (tensor == &LstmTensors::biasIh) rows.back().parameter.forgetBias = lstm.forgetBias;
    };
    add(&LstmTensors::weightIh, "weight_ih", {gates, config.layerInputSize(layer)}, lstm.weightIh);
    add(&LstmTensors::weightHh, "weight_hh", {gates, config.outputSize()}, lstm.weightHh);
    add(&LstmTensors::weightHr, "weight_hr", {config.projectionSize, config.hiddenSize}, lstm.weightHr);
    add(&LstmTensors::biasIh, "bias_ih", {gates}, lstm.biasIh);
    add(&LstmTensors::biasHh, "bias_hh", {gates}, lstm.biasHh);
  }
  return rows;
}

// The rows follow lstmLayout()'s offsets, which interleave matrices and biases differently per configuration. Whoever
// drops between the layers, a tensor is drawn from the same stream.
void appendLstm(const Node& node, const LstmNode& lstm, ParameterLayout& layout) {
  std::vector<LstmRow> rows = lstmRows(node, lstm);
  const int64_t start = layout.size();
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.drawOffset < b.drawOffset; });
  int next = static_cast<int>(layout.parameters().size());
  for (LstmRow& row : rows) row.parameter.drawIndex = next++;
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  for (LstmRow& row : rows) {
    layout.skipTo(start + row.offset);
    layout.append(std::move(row.parameter));
  }
}

NodeShape resolveKind(Node& node, const LstmNode&, ParameterLayout& layout) {
  auto& lstm = std::get<LstmNode>(node.config.kind);
  if (!node.in.sequence) reject(node, "expected a sequence as input, got one vector per sequence");
  requirePositive(node, "hiddenSize", lstm.lstm.hiddenSize);
  requirePositive(node, "numLayers", lstm.lstm.numLayers);
  if (lstm.lstm.numLayers > kMaxLayers)
    reject(node, "expected at most " + std::to_string(kMaxLayers) + " layers, got " +
                     std::to_string(lstm.lstm.numLayers));
  if (lstm.lstm.hiddenSize > (1 << 27)) reject(node, "expected hiddenSize of at most 2^27");
  requireRate(node, lstm.lstm.dropout);
  requireRate(node, lstm.weightDropout);
  if (lstm.lstm.projectionSize < 0 || lstm.lstm.projectionSize >= lstm.lstm.hiddenSize)
    reject(node, "expected projectionSize from 0 to less than hiddenSize " +
                     std::to_string(lstm.lstm.hiddenSize) + ", got " +
                     std::to_string(lstm.lstm.projectionSize));
  if (!(lstm.lstm.cellClip >= 0) || !std::isfinite(lstm.lstm.cellClip))
    reject(node, "expected a finite cellClip of at least 0, got " + std::to_string(lstm.lstm.cellClip));
  lstm.lstm.inputSize = node.in.channels;
  appendLstm(node, lstm, layout);
  return {lstm.returnSequences, lstm.lstm.directions() * lstm.lstm.outputSize()};
}

NodeShape resolveKind(Node& node, const DenseNode& dense, ParameterLayout& layout) {
  requirePositive(node, "units", dense.units);
  if (dense.tiedTo < 0)
    layout.append(makeParameter(node.config.name + ".weight", {dense.units, node.in.channels}, dense.weight));
  if (dense.useBias) layout.append(makeParameter(node.config.name + ".bias", {dense.units}, dense.bias));
  return {node.in.sequence, dense.units};
}

NodeShape resolveKind(Node& node, const DropoutNode& dropout, ParameterLayout&) {
  requireRate(node, dropout.rate);
  return node.in;
}

NodeShape resolveKind(Node& node, const ActivationRegularizerNode& regularizer, ParameterLayout&) {
  for (const float factor : {regularizer.ar, regularizer.tar})
    if (!(factor >= 0) || !std::isfinite(factor))
      reject(node, "expected finite factors of at least 0, got " + std::to_string(factor));
  if (regularizer.tar > 0 && !node.in.sequence)
    reject(node, "expected a sequence as input for tar, got one vector per sequence");
  return node.in;
}

NodeShape resolveKind(Node& node, const PoolNode&, ParameterLayout&) {
  if (!node.in.sequence) reject(node, "expected a sequence as input, got one vector per sequence");
  return {false, node.in.channels};
}

}  // namespace

Network::Network(NetworkConfig config) : config_(std::move(config)) {
  if (config_.inputSize < 1)
    throw InvalidArgument("expected inputSize of at least 1, got " + std::to_string(config_.inputSize));
  if (config_.nodes.empty() || config_.nodes.size() > kMaxNodes)
    throw InvalidArgument("expected 1 to " + std::to_string(kMaxNodes) + " nodes, got " +
                          std::to_string(config_.nodes.size()));
  std::set<std::string> names;
  nodes_.reserve(config_.nodes.size());
  for (const NodeConfig& nodeConfig : config_.nodes) {
    if (nodeConfig.name.empty() || !names.insert(nodeConfig.name).second)
      throw InvalidArgument("expected unique node names, got '" + nodeConfig.name + "' twice or empty");
    nodes_.push_back({});
    nodes_.back().config = nodeConfig;
    resolve(nodes_.back());
  }
  resolveOutputs();
}

void Network::resolveOutputs() {
  std::vector<int>& outputs = config_.outputs;
  const int last = static_cast<int>(nodes_.size()) - 1;
  if (outputs.empty()) outputs = {last};
  if (outputs.size() > kMaxOutputs)
    throw InvalidArgument("expected at most " + std::to_string(kMaxOutputs) + " outputs, got " +
                          std::to_string(outputs.size()));
  for (size_t head = 0; head < outputs.size(); ++head) {
    const int low = head == 0 ? 0 : outputs[head - 1] + 1;
    if (outputs[head] < low || outputs[head] > last)
      throw InvalidArgument("outputs: expected nodes from " + std::to_string(low) + " to " +
                            std::to_string(last) + ", ascending, got " + std::to_string(outputs[head]));
    const Node& node = nodes_[outputs[head]];
    if (node.consumers > 0) reject(node, "expected an output that no other node reads");
  }
}

int Network::headOf(int node) const {
  const auto at = std::find(config_.outputs.begin(), config_.outputs.end(), node);
  return at == config_.outputs.end() ? -1 : static_cast<int>(at - config_.outputs.begin());
}

NodeShape Network::gradientInput() const {
  for (const Node& node : nodes_)
    if (std::holds_alternative<EmbeddingNode>(node.config.kind)) return node.out;
  return shapeOf(kNetworkInput);
}

NodeShape Network::shapeOf(int node) const {
  if (node != kNetworkInput) return nodes_[node].out;
  return {true, config_.input == InputKind::kTokens ? 1 : config_.inputSize};
}

void Network::resolveTie(const Node& node, int tiedTo) const {
  const int index = static_cast<int>(nodes_.size()) - 1;
  const auto* embedding = tiedTo < index ? std::get_if<EmbeddingNode>(&nodes_[tiedTo].config.kind) : nullptr;
  if (!embedding) reject(node, "tiedTo: expected an embedding before it, got node " + std::to_string(tiedTo));
  const int units = std::get<DenseNode>(node.config.kind).units;
  if (embedding->vocabSize != units || embedding->size != node.in.channels)
    reject(node, "tiedTo: expected a table [" + std::to_string(units) + ", " +
                     std::to_string(node.in.channels) + "], got [" + std::to_string(embedding->vocabSize) +
                     ", " + std::to_string(embedding->size) + "]");
}

void Network::resolve(Node& node) {
  const int index = static_cast<int>(nodes_.size()) - 1;
  const int input = node.config.input;
  if (input < kNetworkInput || input >= index)
    reject(node,
           "expected an input from -1 to " + std::to_string(index - 1) + ", got " + std::to_string(input));
  const auto* embedding = std::get_if<EmbeddingNode>(&node.config.kind);
  const bool readsTokens = input == kNetworkInput && config_.input == InputKind::kTokens;
  if (readsTokens != (embedding != nullptr))
    reject(node, embedding ? "an embedding reads the network's token input and nothing else"
                           : "tokens can be read by an embedding alone");
  if (embedding && embedding->vocabSize != config_.inputSize)
    reject(node, "expected vocabSize " + std::to_string(config_.inputSize) + " as the network's input, got " +
                     std::to_string(embedding->vocabSize));
  if (input != kNetworkInput) ++nodes_[input].consumers;
  node.in = shapeOf(input);
  const auto* dense = std::get_if<DenseNode>(&node.config.kind);
  const bool isTied = dense && dense->tiedTo >= 0;
  if (isTied) resolveTie(node, dense->tiedTo);
  if (dense || embedding || std::holds_alternative<LstmNode>(node.config.kind))
    layout_.skipTo(alignWeightSpace(layout_.size()));
  node.paramOffset = layout_.size();
  if (dense) {
    node.weightOffset = isTied ? nodes_[dense->tiedTo].paramOffset : node.paramOffset;
    node.biasOffset = node.paramOffset + (isTied ? 0 : int64_t{1} * dense->units * node.in.channels);
  }
  node.firstParameter = static_cast<int>(layout_.parameters().size());
  node.out = std::visit([&](const auto& kind) { return resolveKind(node, kind, layout_); }, node.config.kind);
  node.paramSize = layout_.size() - node.paramOffset;
  if (const auto* lstm = std::get_if<LstmNode>(&node.config.kind))
    stateSize_ += static_cast<int64_t>(lstm->lstm.numLayers) * lstm->lstm.directions() *
                  (lstm->lstm.outputSize() + lstm->lstm.hiddenSize);
}

}  // namespace lstm
