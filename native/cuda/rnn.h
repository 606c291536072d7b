#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cuda/context.h"
#include "engine/batch_shape.h"
#include "engine/lstm_layout.h"

namespace lstm::cuda {

// Bytes of an element of an RNN's tensors.
inline size_t elementBytes(RuntimePrecision precision) {
  return precision == kPrecisionFp16 || precision == kPrecisionBf16 ? 2 : 4;
}

// One RNN object of the library: one configuration, one algorithm, the shape that was set last.
class Rnn {
 public:
  // Null where the library refuses the configuration with this algorithm.
  static std::unique_ptr<Rnn> make(Context& context, const RuntimeRnnConfig& config);
  ~Rnn();
  Rnn(const Rnn&) = delete;
  Rnn& operator=(const Rnn&) = delete;

  // False where the library refuses the shape with this algorithm.
  bool setShape(const BatchShape& shape);
  // Of the shape that was set.
  size_t workBytes() const { return workBytes_; }
  size_t reserveBytes() const { return reserveBytes_; }
  size_t weightBytes();

  // False for a refusal: nothing ran then. backward is the data call, then the weights call.
  bool forward(bool training, const RuntimeRnnBuffers& buffers);
  bool backward(const RuntimeRnnBuffers& buffers);
  RuntimeRnnAlgorithm algorithm() const { return static_cast<RuntimeRnnAlgorithm>(config_.algorithm); }

 private:
  Rnn(Context& context, const RuntimeRnnConfig& config)
      : context_(context), config_(config), dropoutState_(context) {}

  Context& context_;
  RuntimeRnnConfig config_;
  Buffer<char> dropoutState_;  // of the library's dropout between layers; outlives rnn_
  RuntimeRnn* rnn_ = nullptr;
  std::vector<int> lengths_;  // of the shape that was set; empty = none
  int batchSize_ = 0;         // of the shape that was asked for last
  size_t workBytes_ = 0;
  size_t reserveBytes_ = 0;
};

// The RNN that serves a batch shape, with the algorithm that serves it best.
//
// Legal for a shape: the standard algorithm always; the persistent ones and small-H with two biases, no projection,
// equal lengths and any precision but bf16. Where several are legal, each one's pass (forward, and in training both backward calls) is timed
// on scratch memory of zeros: no caller's buffer is touched. The fastest is kept by (N, T, equal lengths, training);
// what the library refuses is skipped; without the memory for a measurement the standard algorithm serves.
class RnnChooser {
 public:
  // `fixed`: no choice. Throws InvalidArgument for sizes beyond the library's, and where it refuses `fixed`.
  RnnChooser(Context& context, const LstmConfig& config, RuntimePrecision precision,
             std::optional<RuntimeRnnAlgorithm> fixed);

  // With the shape set. Throws InvalidArgument for more than 65,535 steps and where `fixed` is refused.
  Rnn& forShape(const BatchShape& shape, bool training);
  size_t weightBytes() const { return weightBytes_; }

 private:
  struct Key {
    int batchSize, timeSteps;
    bool equalLengths, training;
    auto operator<=>(const Key&) const = default;
  };

  std::vector<RuntimeRnnAlgorithm> candidates(bool equalLengths) const;
  RuntimeRnnAlgorithm choose(const BatchShape& shape, const Key& key);
  // Milliseconds of a pass; nothing where the library refuses it.
  std::optional<float> timed(RuntimeRnnAlgorithm algorithm, const BatchShape& shape, bool training);
  Rnn* rnn(RuntimeRnnAlgorithm algorithm);  // null: refused

  Context& context_;
  LstmConfig config_;
  RuntimePrecision precision_;
  std::optional<RuntimeRnnAlgorithm> fixed_;
  size_t weightBytes_ = 0;
  std::map<RuntimeRnnAlgorithm, std::unique_ptr<Rnn>> rnns_;
  std::map<Key, RuntimeRnnAlgorithm> chosen_;
};

// nullopt for "auto"; throws InvalidArgument for a name that is none.
std::optional<RuntimeRnnAlgorithm> rnnAlgorithmNamed(const std::string& name);

}  // namespace lstm::cuda
