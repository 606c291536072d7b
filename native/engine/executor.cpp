#include "engine/executor.h"

#include <algorithm>

namespace lstm {

// Hands out views one after the other, 256 bytes apart as CUDA's own allocations are; with a null base it only counts.
class Bump {
 public:
  explicit Bump(float* base) : base_(base) {}
  float* take(size_t floats) {
    float* view = base_ ? base_ + used_ : nullptr;
    used_ += (floats + 63) / 64 * 64;
    return view;
  }
  int32_t* takeInts(size_t count) { return reinterpret_cast<int32_t*>(take(count)); }
  size_t used() const { return used_; }

 private:
  float* base_;
  size_t used_ = 0;
};

Executor::Executor(const Network& network, Device& device)
    : network_(network), device_(device), arena_(device), droppedWeights_(device) {
  const auto& nodes = network.nodes();
  lstms_.resize(nodes.size());
  denses_.resize(nodes.size());
  buffers_.resize(nodes.size());
  hasGradient_.resize(nodes.size());
  learns_.resize(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    const int input = node.config.input;
    if (std::holds_alternative<ActivationRegularizerNode>(node.config.kind)) regularizes_ = true;
    learns_[i] = node.paramSize > 0 || (input != kNetworkInput && learns_[input]);
    if (const auto* lstm = std::get_if<LstmNode>(&node.config.kind)) lstms_[i] = device.makeLstm(lstm->lstm);
    if (const auto* dense = std::get_if<DenseNode>(&node.config.kind))
      denses_[i] = device.makeDense({node.in.channels, dense->units, dense->activation});
  }
}

void Executor::plan(const BatchShape& shape, const PassOptions& options) {
  const bool same = planned_ && options == options_ && shape.batchSize == shape_.batchSize &&
                    shape.lengths == shape_.lengths;
  shape_ = shape;
  options_ = options;
  if (same) return;
  planned_ = false;
  arena_.reserve(layOut(nullptr));
  layOut(arena_.data());
  layOutDroppedWeights();
  planned_ = true;
}

size_t Executor::layOut(float* base) {
  Bump bump(base);
  features_ = nullptr;
  tokens_ = nullptr;
  if (network_.input() == InputKind::kTokens)
    tokens_ = bump.takeInts(shape_.rows);
  else
    features_ = bump.take(shape_.rows * network_.inputSize());
  const bool featureGradient = options_.inputGradient && network_.input() == InputKind::kFeatures;
  dFeatures_ = featureGradient ? bump.take(shape_.rows * network_.inputSize()) : nullptr;
  size_t workspace = 0;
  size_t addend = 0;
  for (size_t i = 0; i < buffers_.size(); ++i) {
    layOutNode(static_cast<int>(i), bump);
    const Node& node = network_.nodes()[i];
    if (lstms_[i]) workspace = std::max(workspace, lstms_[i]->workspaceFloats(shape_, options_.training));
    if (node.consumers > 1) addend = std::max<size_t>(addend, rowsOf(node.out) * node.out.channels);
  }
  workspace_ = bump.take(workspace);
  if (options_.training && featureGradient)
    addend = std::max<size_t>(addend, shape_.rows * network_.inputSize());
  addend_ = options_.training ? bump.take(addend) : nullptr;
  return bump.used();
}

void Executor::layOutDroppedWeights() {
  const auto layOutIn = [&](Bump bump) {
    for (size_t i = 0; i < buffers_.size(); ++i)
      if (buffers_[i].dWeights) buffers_[i].weights = bump.take(network_.nodes()[i].paramSize);
    return bump.used();
  };
  const size_t size = layOutIn(Bump(nullptr));
  if (size == 0) return;
  droppedWeights_.reserve(size);
  layOutIn(Bump(droppedWeights_.data()));
}

void Executor::layOutNode(int index, Bump& bump) {
  const Node& node = network_.nodes()[index];
  NodeBuffers& at = buffers_[index];
  at = {};
  const size_t outSize = rowsOf(node.out) * node.out.channels;
  const bool passesOn = std::holds_alternative<ActivationRegularizerNode>(node.config.kind);
  at.y = passesOn ? const_cast<float*>(inputOf(node)) : bump.take(outSize);
  if (options_.training) at.dy = bump.take(outSize);
  if (const auto* lstm = std::get_if<LstmNode>(&node.config.kind)) {
    const LstmConfig& config = lstm->lstm;
    const size_t stacks = static_cast<size_t>(config.numLayers) * config.directions() * shape_.batchSize;
    const size_t h = stacks * config.outputSize();
    const size_t c = stacks * config.hiddenSize;
    at.reserve = bump.take(lstms_[index]->reserveFloats(shape_, options_.training));
    if (options_.training && lstm->weightDropout > 0) at.dWeights = bump.take(node.paramSize);
    if (!lstm->returnSequences) at.sequence = bump.take(shape_.rows * node.out.channels);
    for (float** state : {&at.h0, &at.hn}) *state = bump.take(h);
    for (float** state : {&at.c0, &at.cn}) *state = bump.take(c);
    if (options_.training) {
      for (float** state : {&at.dhn, &at.dh0}) *state = bump.take(h);
      for (float** state : {&at.dcn, &at.dc0}) *state = bump.take(c);
    }
  }
  if (const auto* pool = std::get_if<PoolNode>(&node.config.kind); pool && pool->mode == PoolMode::kMax)
    at.argmax = bump.takeInts(outSize);
  if (const auto* embedding = std::get_if<EmbeddingNode>(&node.config.kind);
      embedding && embedding->dropout > 0 && options_.training)
    at.dropped = bump.take(outSize);
}

const float* Executor::inputOf(const Node& node) const {
  return node.config.input == kNetworkInput ? features_ : buffers_[node.config.input].y;
}

bool Executor::leavesLogits(int node) const {
  const int head = network_.headOf(node);
  return head >= 0 && (options_.logits >> head & 1) != 0;
}

size_t Executor::activationBytes() const {
  size_t bytes = arena_.sizeBytes() + droppedWeights_.sizeBytes();
  for (const auto& lstm : lstms_) bytes += lstm ? lstm->heldBytes() : 0;
  for (const auto& dense : denses_) bytes += dense ? dense->heldBytes() : 0;
  return bytes;
}

float* Executor::inputGradient() const {
  if (network_.input() == InputKind::kFeatures) return dFeatures_;
  for (size_t i = 0; i < buffers_.size(); ++i)
    if (std::holds_alternative<EmbeddingNode>(network_.nodes()[i].config.kind)) return buffers_[i].dy;
  return nullptr;
}

void Executor::forward(const float* params, uint64_t version, uint32_t drawStep, const StepScalars* scalars,
                       bool initialStates, const CancelCheck& cancel) {
  drawStep_ = drawStep;
  scalars_ = scalars;
  initialStates_ = initialStates;
  if (regularizes_ && options_.training) device_.zero(activationPenalty_, sizeof(double));
  for (size_t i = 0; i < buffers_.size(); ++i) {
    cancel.throwIfCancelled();
    forwardNode(static_cast<int>(i), params, version);
  }
}

void Executor::forwardNode(int index, const float* params, uint64_t version) {
  const Node& node = network_.nodes()[index];
  const float* x = inputOf(node);
  float* y = buffers_[index].y;
  const float* block = params + node.paramOffset;
  const int64_t rows = rowsOf(node.out);
  if (const auto* embedding = std::get_if<EmbeddingNode>(&node.config.kind)) {
    device_.embeddingForward(rows, embedding->size, tokens_, block, y);
    if (buffers_[index].dropped)
      device_.dropout(
          {rows, embedding->size, embedding->dropout, dropoutKey(index), nullptr, y, y, scalars_, tokens_});
  } else if (const auto* dense = std::get_if<DenseNode>(&node.config.kind)) {
    const float* weight = params + node.weightOffset;
    const float* bias = dense->useBias ? params + node.biasOffset : nullptr;
    denses_[index]->forward({rows, weight, bias, version, x, y, leavesLogits(index)});
  } else if (const auto* dropout = std::get_if<DropoutNode>(&node.config.kind)) {
    const float rate = options_.training ? dropout->rate : 0;
    const BatchShape* shared = dropout->sharedOverTime && node.in.sequence ? &shape_ : nullptr;
    device_.dropout({rows, node.out.channels, rate, dropoutKey(index), shared, x, y, scalars_});
  } else if (const auto* pool = std::get_if<PoolNode>(&node.config.kind)) {
    device_.poolForward({pool->mode, shape_, node.out.channels}, x, y, buffers_[index].argmax);
  } else if (std::holds_alternative<LstmNode>(node.config.kind)) {
    forwardLstm(index, params, version);
  }
}

// Packed copies of the weights are keyed by version: one of a draw is no version of the parameters themselves.
LstmWeights Executor::lstmWeights(int index, const float* params, uint64_t version) {
  if (!buffers_[index].weights) return {params + network_.nodes()[index].paramOffset, version};
  return {buffers_[index].weights, uint64_t{1} << 63 | version << 32 | drawStep_};
}

void Executor::dropRecurrentWeights(int index, float* block) {
  const auto& lstm = std::get<LstmNode>(network_.nodes()[index].config.kind);
  const LstmLayout layout = lstmLayout(lstm.lstm);
  for (size_t k = 0; k < layout.tensors.size(); ++k) {
    float* r = block + layout.tensors[k].weightHh;
    const RandomKey key = {network_.seed(), weightDropoutStream(index, static_cast<int>(k)), drawStep_};
    device_.dropout({int64_t{4} * lstm.lstm.hiddenSize, lstm.lstm.outputSize(), lstm.weightDropout, key,
                     nullptr, r, r, scalars_});
  }
}

void Executor::forwardLstm(int index, const float* params, uint64_t version) {
  const Node& node = network_.nodes()[index];
  const auto& lstm = std::get<LstmNode>(node.config.kind);
  const NodeBuffers& at = buffers_[index];
  if (at.weights) {
    device_.copyWithin(at.weights, params + node.paramOffset, node.paramSize * sizeof(float));
    dropRecurrentWeights(index, at.weights);
  }
  const LstmWeights weights = lstmWeights(index, params, version);
  lstms_[index]->forward({shape_, weights.block, weights.version, inputOf(node),
                          initialStates_ ? at.h0 : nullptr, initialStates_ ? at.c0 : nullptr,
                          at.sequence ? at.sequence : at.y, at.hn, at.cn, at.reserve, workspace_,
                          options_.training, dropoutKey(index), scalars_, options_.weightForm});
  if (lstm.returnSequences) return;
  const int directions = lstm.lstm.directions();
  const int64_t width = lstm.lstm.outputSize();
  const int64_t stateSize = shape_.batchSize * width;
  for (int d = 0; d < directions; ++d)
    device_.copyRows(at.y + d * width, directions * width,
                     at.hn + ((lstm.lstm.numLayers - 1) * directions + d) * stateSize, width, width,
                     shape_.batchSize);
}

void Executor::backward(const float* params, uint64_t version, float* grads, bool stateGradients,
                        const CancelCheck& cancel, float fixedScale) {
  fixedScale_ = fixedScale;
  std::fill(hasGradient_.begin(), hasGradient_.end(), false);
  inputHasGradient_ = false;
  for (const int output : network_.outputs()) hasGradient_[output] = true;
  for (int i = static_cast<int>(buffers_.size()) - 1; i >= 0; --i) {
    if (!hasGradient_[i] || !wantsGradient(i)) continue;
    cancel.throwIfCancelled();
    backwardNode(i, params, version, grads, stateGradients);
  }
}

float* Executor::gradientTarget(const Node& node) {
  const int input = node.config.input;
  if (input == kNetworkInput) return !dFeatures_ ? nullptr : inputHasGradient_ ? addend_ : dFeatures_;
  if (!wantsGradient(input)) return nullptr;
  return hasGradient_[input] ? addend_ : buffers_[input].dy;
}

void Executor::finishGradient(const Node& node, float* written) {
  if (!written) return;
  const int input = node.config.input;
  if (written == addend_) {
    float* sum = input == kNetworkInput ? dFeatures_ : buffers_[input].dy;
    device_.add(sum, written, rowsOf(node.in) * node.in.channels);
  }
  if (input == kNetworkInput)
    inputHasGradient_ = true;
  else
    hasGradient_[input] = true;
}

void Executor::backwardNode(int index, const float* params, uint64_t version, float* grads,
                            bool stateGradients) {
  const Node& node = network_.nodes()[index];
  const NodeBuffers& at = buffers_[index];
  const int64_t rows = rowsOf(node.out);
  if (std::holds_alternative<EmbeddingNode>(node.config.kind))
    return backwardEmbedding(index, grads + node.paramOffset);
  float* dx = gradientTarget(node);
  if (const auto* dense = std::get_if<DenseNode>(&node.config.kind)) {
    const float* weight = params + node.weightOffset;
    float* dWeight = grads + node.weightOffset;
    float* dBias = dense->useBias ? grads + node.biasOffset : nullptr;
    denses_[index]->backward(
        {rows, weight, version, inputOf(node), at.y, at.dy, leavesLogits(index), dx, dWeight, dBias});
  } else if (const auto* dropout = std::get_if<DropoutNode>(&node.config.kind)) {
    const BatchShape* shared = dropout->sharedOverTime && node.in.sequence ? &shape_ : nullptr;
    if (dx)
      device_.dropout(
          {rows, node.out.channels, dropout->rate, dropoutKey(index), shared, at.dy, dx, scalars_});
  } else if (const auto* pool = std::get_if<PoolNode>(&node.config.kind)) {
    if (dx) device_.poolBackward({pool->mode, shape_, node.out.channels}, at.dy, at.argmax, dx);
  } else if (std::holds_alternative<ActivationRegularizerNode>(node.config.kind)) {
    if (dx) backwardActivationRegularizer(index, dx);
  } else {
    backwardLstm(index, params, version, grads, dx, stateGradients);
  }
  finishGradient(node, dx);
}

void Executor::backwardEmbedding(int index, float* dBlock) {
  const NodeBuffers& at = buffers_[index];
  const auto& embedding = std::get<EmbeddingNode>(network_.nodes()[index].config.kind);
  const int64_t rows = shape_.rows;
  const float* dy = at.dy;
  if (at.dropped) {
    device_.dropout({rows, embedding.size, embedding.dropout, dropoutKey(index), nullptr, at.dy, at.dropped,
                     scalars_, tokens_});
    dy = at.dropped;
  }
  device_.embeddingBackward(rows, embedding.vocabSize, embedding.size, tokens_, dy, dBlock);
}

void Executor::backwardActivationRegularizer(int index, float* dx) {
  const Node& node = network_.nodes()[index];
  const auto& regularizer = std::get<ActivationRegularizerNode>(node.config.kind);
  const NodeBuffers& at = buffers_[index];
  const int64_t rows = rowsOf(node.out);
  device_.copyWithin(dx, at.dy, rows * node.out.channels * sizeof(float));
  device_.activationRegularizer({node.out.sequence ? &shape_ : nullptr, rows, node.out.channels,
                                 regularizer.ar, regularizer.tar, at.y, dx, activationPenalty_,
                                 fixedScale_ > 0 ? fixedScale_ : 1, fixedScale_ > 0 ? nullptr : scalars_});
}

void Executor::backwardLstm(int index, const float* params, uint64_t version, float* grads, float* dx,
                            bool stateGradients) {
  const Node& node = network_.nodes()[index];
  const auto& lstm = std::get<LstmNode>(node.config.kind);
  const NodeBuffers& at = buffers_[index];
  const int directions = lstm.lstm.directions();
  const int64_t width = lstm.lstm.outputSize();
  const int64_t stateSize = shape_.batchSize * width;
  const bool last = !lstm.returnSequences;
  if (last) {
    const int64_t top = static_cast<int64_t>(lstm.lstm.numLayers - 1) * directions * stateSize;
    if (!stateGradients) device_.zero(at.dhn, (top + directions * stateSize) * sizeof(float));
    for (int d = 0; d < directions; ++d) {
      float* to = at.dhn + top + d * stateSize;
      const float* from = at.dy + d * width;
      if (!stateGradients) {
        device_.copyRows(to, width, from, directions * width, width, shape_.batchSize);
      } else {
        for (int n = 0; n < shape_.batchSize; ++n)
          device_.add(to + n * width, from + n * directions * width, width);
      }
    }
  }
  const LstmWeights weights = lstmWeights(index, params, version);
  float* dBlock = grads + node.paramOffset;
  if (at.dWeights) device_.zero(at.dWeights, node.paramSize * sizeof(float));
  lstms_[index]->backward(
      {shape_, weights.block, weights.version, inputOf(node), at.sequence ? at.sequence : at.y,
       last ? nullptr : at.dy, last || stateGradients ? at.dhn : nullptr, stateGradients ? at.dcn : nullptr,
       dx, stateGradients ? at.dh0 : nullptr, stateGradients ? at.dc0 : nullptr,
       at.dWeights ? at.dWeights : dBlock, at.reserve, workspace_, dropoutKey(index), scalars_});
  if (!at.dWeights) return;
  dropRecurrentWeights(index, at.dWeights);
  device_.add(dBlock, at.dWeights, node.paramSize);
}

}  // namespace lstm
