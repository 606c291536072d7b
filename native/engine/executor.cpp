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
    : network_(network), device_(device), arena_(device) {
  const auto& nodes = network.nodes();
  lstms_.resize(nodes.size());
  denses_.resize(nodes.size());
  buffers_.resize(nodes.size());
  hasGradient_.resize(nodes.size());
  learns_.resize(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    const int input = node.config.input;
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

void Executor::layOutNode(int index, Bump& bump) {
  const Node& node = network_.nodes()[index];
  NodeBuffers& at = buffers_[index];
  at = {};
  const size_t outSize = rowsOf(node.out) * node.out.channels;
  at.y = bump.take(outSize);
  if (options_.training) at.dy = bump.take(outSize);
  if (const auto* lstm = std::get_if<LstmNode>(&node.config.kind)) {
    const LstmConfig& config = lstm->lstm;
    const size_t stacks = static_cast<size_t>(config.numLayers) * config.directions() * shape_.batchSize;
    const size_t h = stacks * config.outputSize();
    const size_t c = stacks * config.hiddenSize;
    at.reserve = bump.take(lstms_[index]->reserveFloats(shape_, options_.training));
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
}

const float* Executor::inputOf(const Node& node) const {
  return node.config.input == kNetworkInput ? features_ : buffers_[node.config.input].y;
}

float* Executor::inputGradient() const {
  if (network_.input() == InputKind::kFeatures) return dFeatures_;
  for (size_t i = 0; i < buffers_.size(); ++i)
    if (std::holds_alternative<EmbeddingNode>(network_.nodes()[i].config.kind)) return buffers_[i].dy;
  return nullptr;
}

void Executor::forward(const float* params, uint64_t version, uint32_t drawStep, bool initialStates,
                       const CancelCheck& cancel) {
  drawStep_ = drawStep;
  initialStates_ = initialStates;
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
  } else if (const auto* dense = std::get_if<DenseNode>(&node.config.kind)) {
    const float* bias = dense->useBias ? block + int64_t{1} * dense->units * node.in.channels : nullptr;
    const bool logits = options_.logits && index + 1 == static_cast<int>(buffers_.size());
    denses_[index]->forward({rows, block, bias, version, x, y, logits});
  } else if (const auto* dropout = std::get_if<DropoutNode>(&node.config.kind)) {
    const float rate = options_.training ? dropout->rate : 0;
    const BatchShape* shared = dropout->sharedOverTime && node.in.sequence ? &shape_ : nullptr;
    device_.dropout({rows, node.out.channels, rate, dropoutKey(index), shared, x, y});
  } else if (const auto* pool = std::get_if<PoolNode>(&node.config.kind)) {
    device_.poolForward({pool->mode, shape_, node.out.channels}, x, y, buffers_[index].argmax);
  } else {
    forwardLstm(index, params, version);
  }
}

void Executor::forwardLstm(int index, const float* params, uint64_t version) {
  const Node& node = network_.nodes()[index];
  const auto& lstm = std::get<LstmNode>(node.config.kind);
  const NodeBuffers& at = buffers_[index];
  lstms_[index]->forward({shape_, params + node.paramOffset, version, inputOf(node),
                          initialStates_ ? at.h0 : nullptr, initialStates_ ? at.c0 : nullptr,
                          at.sequence ? at.sequence : at.y, at.hn, at.cn, at.reserve, workspace_,
                          options_.training, dropoutKey(index)});
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
                        const CancelCheck& cancel) {
  std::fill(hasGradient_.begin(), hasGradient_.end(), false);
  inputHasGradient_ = false;
  hasGradient_.back() = true;
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
  const float* block = params + node.paramOffset;
  float* dBlock = grads + node.paramOffset;
  const int64_t rows = rowsOf(node.out);
  float* dx = gradientTarget(node);
  if (const auto* embedding = std::get_if<EmbeddingNode>(&node.config.kind)) {
    device_.embeddingBackward(rows, embedding->vocabSize, embedding->size, tokens_, at.dy, dBlock);
    return;
  }
  if (const auto* dense = std::get_if<DenseNode>(&node.config.kind)) {
    float* dBias = dense->useBias ? dBlock + int64_t{1} * dense->units * node.in.channels : nullptr;
    const bool logits = options_.logits && index + 1 == static_cast<int>(buffers_.size());
    denses_[index]->backward({rows, block, version, inputOf(node), at.y, at.dy, logits, dx, dBlock, dBias});
  } else if (const auto* dropout = std::get_if<DropoutNode>(&node.config.kind)) {
    const BatchShape* shared = dropout->sharedOverTime && node.in.sequence ? &shape_ : nullptr;
    if (dx) device_.dropout({rows, node.out.channels, dropout->rate, dropoutKey(index), shared, at.dy, dx});
  } else if (const auto* pool = std::get_if<PoolNode>(&node.config.kind)) {
    if (dx) device_.poolBackward({pool->mode, shape_, node.out.channels}, at.dy, at.argmax, dx);
  } else {
    backwardLstm(index, params, version, grads, dx, stateGradients);
  }
  finishGradient(node, dx);
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
  lstms_[index]->backward({shape_, params + node.paramOffset, version, inputOf(node),
                           at.sequence ? at.sequence : at.y, last ? nullptr : at.dy,
                           last || stateGradients ? at.dhn : nullptr, stateGradients ? at.dcn : nullptr, dx,
                           stateGradients ? at.dh0 : nullptr, stateGradients ? at.dc0 : nullptr,
                           grads + node.paramOffset, at.reserve, workspace_, dropoutKey(index)});
}

}  // namespace lstm
