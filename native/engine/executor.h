#pragma once

#include <memory>
#include <vector>

#include "engine/cancel.h"
#include "engine/device_buffer.h"
#include "engine/network.h"

namespace lstm {

// What a batch needs beside its shape; decides which buffers exist.
struct PassOptions {
  bool training = false;                         // dropout acts, backward will follow
  bool inputGradient = false;                    // d(loss)/d(features), or at the embedding's output
  uint32_t logits = 0;                           // bit i: output i leaves its activation to the loss
  WeightForm weightForm = WeightForm::kFloat32;  // not training

  bool operator==(const PassOptions&) const = default;
};

// Views into the activation arena for one node; null where not needed. Rows and N as in the current BatchShape.
struct NodeBuffers {
  float* y = nullptr;         // [rows or N, channels]
  float* dy = nullptr;        // like y; training only
  float* sequence = nullptr;  // lstm without returnSequences: its [rows, D*P]
  float* reserve = nullptr;   // lstm
  float* h0 = nullptr;        // lstm: h, dh [L*D, N, P] and c, dc [L*D, N, H]
  float* c0 = nullptr;
  float* hn = nullptr;
  float* cn = nullptr;
  float* dhn = nullptr;  // training only: gradients at the final states
  float* dcn = nullptr;
  float* dh0 = nullptr;  // training only: gradients at the initial states
  float* dc0 = nullptr;
  int32_t* argmax = nullptr;  // max pooling, [N, channels]
  float* dropped = nullptr;   // embedding with dropout: dy of the rows that stayed, [rows, size]
  float* weights = nullptr;   // lstm with weightDropout: its block with some of R dropped
  float* dWeights = nullptr;  // and the gradient of that
};

struct LstmWeights {
  const float* block;
  uint64_t version;
};

// Runs a network's nodes forward and backward on a device. Activations live in one allocation that is laid out
// once per batch shape and only ever grows, so a step allocates nothing.
class Executor {
 public:
  Executor(const Network& network, Device& device);

  // Lays out the activations; the batch is then written into input*(), states into buffers(i).h0/c0.
  void plan(const BatchShape& shape, const PassOptions& options);

  // `params` is the arena; `version` changes whenever it does. Final states land in buffers(i).hn/cn.
  // `scalars` holds drawStep in device memory, until the backward pass too.
  void forward(const float* params, uint64_t version, uint32_t drawStep, const StepScalars* scalars,
               bool initialStates, const CancelCheck& cancel);
  // From every outputGradient() (and, with `stateGradients`, from buffers(i).dhn/dcn), adding into `grads`.
  // The loss's gradient was scaled by `fixedScale`, or where that is 0 by the scalars' lossScale.
  void backward(const float* params, uint64_t version, float* grads, bool stateGradients,
                const CancelCheck& cancel, float fixedScale = 0);

  const BatchShape& shape() const { return shape_; }
  const NodeBuffers& buffers(int node) const { return buffers_[node]; }
  float* inputFeatures() const { return features_; }  // [rows, C]
  int32_t* inputTokens() const { return tokens_; }    // [rows]
  // Of the network's outputs, by their place in Network::outputs().
  float* output(int head = 0) const { return buffers_[network_.outputs()[head]].y; }
  float* outputGradient(int head = 0) const { return buffers_[network_.outputs()[head]].dy; }
  int64_t outputRows(int head = 0) const { return rowsOf(network_.output(head).out); }
  // [rows, C] at the features or at the embedding's output; planned with inputGradient.
  float* inputGradient() const;
  // Activations, scratch, and what ops hold beside them.
  size_t activationBytes() const;
  // Where a training pass leaves the sum of its activation regularizers; device memory, starts with 0.
  void setActivationPenalty(double* sum) { activationPenalty_ = sum; }

 private:
  int64_t rowsOf(const NodeShape& shape) const { return shape.sequence ? shape_.rows : shape_.batchSize; }
  size_t layOut(float* base);
  void layOutNode(int index, class Bump& bump);
  void layOutDroppedWeights();
  // Whether its activation is the loss's to compute.
  bool leavesLogits(int node) const;
  // Whether anything needs d(loss)/d(this node's output).
  bool wantsGradient(int node) const { return options_.inputGradient || learns_[node]; }
  const float* inputOf(const Node& node) const;
  // Where a node writes d(loss)/d(its input): the producer's dy, scratch to be added to it, or null.
  float* gradientTarget(const Node& node);
  void finishGradient(const Node& node, float* written);
  void forwardNode(int index, const float* params, uint64_t version);
  void backwardNode(int index, const float* params, uint64_t version, float* grads, bool stateGradients);
  void forwardLstm(int index, const float* params, uint64_t version);
  void backwardLstm(int index, const float* params, uint64_t version, float* grads, float* dx,
                    bool stateGradients);
  void backwardEmbedding(int index, float* dBlock);
  void backwardActivationRegularizer(int index, float* dx);
  // What the LSTM op reads: the block in `params`, or with weightDropout its copy in buffers(index).weights.
  LstmWeights lstmWeights(int index, const float* params, uint64_t version);
  // Drops the same elements of every R in a block: of the weights, and of their gradient.
  void dropRecurrentWeights(int index, float* block);
  RandomKey dropoutKey(int index) const { return {network_.seed(), dropoutStream(index), drawStep_}; }

  const Network& network_;
  Device& device_;
  std::vector<std::unique_ptr<LstmOp>> lstms_;  // by node, null for other kinds
  std::vector<std::unique_ptr<DenseOp>> denses_;
  bool regularizes_ = false;  // some node is an activation regularizer
  std::vector<bool> learns_;  // by node: it or something before it has parameters
  DeviceBuffer<float> arena_;
  DeviceBuffer<float> droppedWeights_;  // blocks of the lstm nodes with weightDropout; planned for training
  BatchShape shape_;
  PassOptions options_;
  bool planned_ = false;
  uint32_t drawStep_ = 0;
  const StepScalars* scalars_ = nullptr;
  bool initialStates_ = false;
  std::vector<NodeBuffers> buffers_;
  std::vector<bool> hasGradient_;  // by node, during backward: its dy has been written
  bool inputHasGradient_ = false;
  float* features_ = nullptr;
  int32_t* tokens_ = nullptr;
  float* dFeatures_ = nullptr;
  float* workspace_ = nullptr;
  float fixedScale_ = 0;
  double* activationPenalty_ = nullptr;
  float* addend_ = nullptr;  // scratch where a producer has several consumers
};

}  // namespace lstm
