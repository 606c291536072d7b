#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/batch_shape.h"
#include "engine/lstm_layout.h"
#include "engine/philox.h"
#include "engine/update_rule.h"

// What a device can do. Ops get views and own no tensor; every pointer is the device's memory unless it says
// otherwise. Symbols as in docs/notation.md: T, N, C, H, L, D; rows = live (t, n) pairs, see BatchShape.
// Buffers of one call never overlap unless a comment allows it. All calls come from the device's one thread.
namespace lstm {

enum class Activation { kLinear, kRelu, kTanh, kSigmoid, kSoftmax };
enum class PoolMode { kLast, kMean, kMax };
enum class LossKind {
  kMse,
  kCrossEntropy,
  kBinaryCrossEntropy,
  kMae,
  kHuber,
  kLogCosh,
  kQuantile,
  kGaussianNll
};
enum class ClipKind { kNone, kGlobalNorm, kTensorNorm, kValue, kAdaptive };
enum class UpdateKind { kAdam, kSgd, kRmsprop, kAdagrad };
enum class AverageKind { kNone, kMean, kEma };
enum class ConstraintKind { kNone, kNonNegative, kMaxNorm };

// What changes from step to step, in device memory, one for each session: ops read it there, so a recorded step takes
// no new arguments, and the update counts without the host.
struct StepScalars {
  uint32_t drawStep;  // Philox step of dropout
  float learningRate;
  int64_t step;       // updates applied
  float lossScale;    // the gradients are those of lossScale * loss; 1 but for fp16
  int32_t goodSteps;  // updates applied since lossScale last changed
  int64_t averaged;   // updates that the average of the weights holds
};

// How an LSTM's input and recurrent weights are kept for a forward pass that is not training: as they are, rounded to
// bfloat16, or as int8 with a scale for each row. A device may know float32 alone (Device::hasNarrowWeights).
enum class WeightForm { kFloat32, kBfloat16, kInt8 };

struct LstmForward {
  const BatchShape& shape;
  const float* weights;     // the node's block, laid out by lstmLayout(config)
  uint64_t weightsVersion;  // changes whenever the parameters do; packed copies are keyed by it
  const float* x;           // [rows, inputSize]
  const float* h0;          // [L*D, N, P] or null = zeros
  const float* c0;          // [L*D, N, H] or null = zeros
  float* y;                 // [rows, D*P] of the last layer
  float* hn;             // [L*D, N, P] or null; h at each sequence's last live step (reverse: at its first)
  float* cn;             // [L*D, N, H] or null
  float* reserve;        // reserveFloats(), kept untouched until backward when training
  float* workspace;      // workspaceFloats(), scratch
  bool training;         // dropout acts, reserve is filled for backward
  RandomKey dropoutKey;  // layer k's input mask (k >= 1) uses stream + k - 1, element = row*D*P + channel
  const StepScalars* scalars = nullptr;  // where dropoutKey.step stands too; null: nowhere
  WeightForm weightForm = WeightForm::kFloat32;
};

// Of the last training forward, whose inputs, h0 and c0 included, are where and what they were.
struct LstmBackward {
  const BatchShape& shape;
  const float* weights;
  uint64_t weightsVersion;
  const float* x;
  const float* y;
  const float* dy;   // [rows, D*P] or null = zeros
  const float* dhn;  // [L*D, N, P] or null = zeros
  const float* dcn;  // [L*D, N, H] or null = zeros
  float* dx;         // [rows, inputSize], overwritten; null = not wanted
  float* dh0;        // [L*D, N, P], overwritten; null = not wanted
  float* dc0;        // [L*D, N, H], overwritten; null = not wanted
  float* dWeights;   // laid out as weights, ADDED to
  float* reserve;    // of the forward; may be overwritten
  float* workspace;
  RandomKey dropoutKey;  // the forward's
  const StepScalars* scalars = nullptr;
};

// A stack of LSTM layers (Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000), gates i f g o:
//   i,f,o = sigmoid, g = tanh of W x_t + bW + R h_{t-1} + bR;  c_t = f c_{t-1} + i g;  h_t = o tanh(c_t)
// With projection (Sak, Senior & Beaufays 2014) h_t = W_hr (o tanh(c_t)) has P = outputSize() channels, else P = H.
// With cellClip c_t = min(max(f c_{t-1} + i g, -clip), clip), with the derivative 1 from -clip to clip and 0 outside.
class LstmOp {
 public:
  virtual ~LstmOp() = default;
  virtual size_t reserveFloats(const BatchShape& shape, bool training) const = 0;
  virtual size_t workspaceFloats(const BatchShape& shape, bool training) const = 0;
  virtual void forward(const LstmForward& args) = 0;
  virtual void backward(const LstmBackward& args) = 0;
  // Memory of its own beside what it is handed, as of now: packed weights.
  virtual size_t heldBytes() const { return 0; }
};

struct DenseConfig {
  int inputSize;
  int units;
  Activation activation;
};

struct DenseForward {
  int64_t rows;
  const float* weight;  // [units, inputSize]
  const float* bias;    // [units] or null
  uint64_t weightsVersion;
  const float* x;  // [rows, inputSize]
  float* y;        // [rows, units]
  bool logits;     // leave out the activation: the loss takes logits
};

struct DenseBackward {
  int64_t rows;
  const float* weight;
  uint64_t weightsVersion;
  const float* x;
  const float* y;  // as the forward left it
  float* dy;       // [rows, units]; overwritten by the gradient before the activation
  bool logits;     // as in the forward: dy already is that gradient
  float* dx;       // [rows, inputSize], overwritten; null = not wanted
  float* dWeight;  // ADDED to; null = not wanted
  float* dBias;    // ADDED to; null = no bias
};

// y = activation(x weight^T + bias)
class DenseOp {
 public:
  virtual ~DenseOp() = default;
  virtual void forward(const DenseForward& args) = 0;
  virtual void backward(const DenseBackward& args) = 0;
  virtual size_t heldBytes() const { return 0; }  // as LstmOp's
};

// Inverted dropout (Srivastava et al. 2014): y = keep ? x * (1.0f / (1.0f - rate)) : 0, in float32.
// The backward pass is the same call on dy.
struct DropoutArgs {
  int64_t rows;
  int channels;
  float rate;
  RandomKey key;  // element = row*channels + channel; shared over time: n*channels + channel
  const BatchShape*
      shape;  // null: element-wise (Gal & Ghahramani 2016 otherwise: one mask for a sequence's every step)
  const float* x;                        // [rows, channels]
  float* y;                              // may be x
  const StepScalars* scalars = nullptr;  // where key.step stands too; null: nowhere
  // [rows], device memory; not null: a row is kept or dropped whole, element = rowKeys[row].
  const int32_t* rowKeys = nullptr;
};

// Activation and temporal activation regularisation (Merity, McCann & Socher 2017) of y [rows, channels]:
//   ar * mean over elements of y^2  +  tar * mean over steps t >= 1 and channels of (y_t - y_(t-1))^2
struct ActivationRegularizerArgs {
  const BatchShape* shape;  // null: vectors, one row for each sequence; tar is 0 then
  int64_t rows;
  int channels;
  float ar;
  float tar;
  const float* y;
  float* dy;                             // its gradient is ADDED to, scaled as LossArgs scales
  double* sum;                           // the penalty is ADDED to, unscaled; device memory
  float gradientScale = 1;               // CUDA alone, as the one below
  const StepScalars* scalars = nullptr;  // its lossScale multiplies the gradient too; null: it does not
};

// Pooling over time: [rows, channels] -> [N, channels], each sequence over its own live steps.
struct PoolArgs {
  PoolMode mode;
  const BatchShape& shape;
  int channels;
};

// Sums over a batch, in device memory (host memory for the CPU device). Row weights weigh `loss` alone, or with
// weighMetrics every sum; `count` is what the others but loss are to be divided by.
struct LossSums {
  double loss;  // sum of weight * loss over live elements, before the mean
  double
      correct;  // crossEntropy: rows whose argmax is the target's; binaryCrossEntropy: elements on the right side
  double absoluteError;  // sum over live elements of |prediction - target|; crossEntropy by ids, quantile: 0
  double squaredError;   // sum of its square; crossEntropy by ids, quantile: 0
  double
      logLikelihood;  // crossEntropy: sum of log p of the target, classes neither weighed nor smoothed; else 0
  double count;       // crossEntropy: rows that count; else rows * targets
};

// A loss and its settings; symbols as in LossArgs.
struct LossConfig {
  LossKind kind = LossKind::kMse;
  float delta = 1;           // huber
  bool full = false;         // gaussianNll: with the constant log(2 pi) / 2
  float labelSmoothing = 0;  // crossEntropy
  bool ignores = false;      // crossEntropy by ids: a row whose id is ignoreIndex does not count
  int32_t ignoreIndex = 0;
  std::vector<float> classWeights;  // crossEntropy: [classes], or empty = 1
  std::vector<float> quantiles;     // quantile: each in (0, 1)

  // Channels of the predictions that one target has.
  int channelsPerTarget() const {
    if (kind == LossKind::kQuantile) return static_cast<int>(quantiles.size());
    return kind == LossKind::kGaussianNll ? 2 : 1;
  }
  bool operator==(const LossConfig&) const = default;
};

// What the mean of a loss divides by where every row counts alike.
inline double liveElements(LossKind kind, int64_t rows, int classes) {
  if (kind == LossKind::kCrossEntropy) return static_cast<double>(rows);
  return static_cast<double>(rows) * (kind == LossKind::kGaussianNll ? classes / 2 : classes);
}

// Loss, gradient and sums in one pass. p prediction, t target, d = p - t, z logit. Mean over live elements: rows for
// crossEntropy, rows * targets for gaussianNll, else rows * classes.
//   mse: d^2     mae: |d|, its derivative 0 at d = 0     logCosh: log cosh d
//   huber (Huber 1964): d^2 / 2 where |d| < delta, else delta (|d| - delta / 2)
//   quantile (Koenker & Bassett 1978): max(q (t - p), (q - 1)(t - p)), its derivative 0 at d = 0;
//     channel = target * quantiles + quantile
//   gaussianNll (Nix & Weigend 1994): (log v + d^2 / v) / 2, v = max(exp s, 1e-6); channel = 2 target + (0: mean p,
//     1: s = log variance). The derivative goes through the maximum as if it were not there (PyTorch GaussianNLLLoss).
//   binaryCrossEntropy: -(t log p + (1 - t) log(1 - p)), p = sigmoid(z)
//   crossEntropy: -sum_k a_k log p_k, p = softmax(z), a_k = w_k ((1 - e) t_k + e / classes), w class weights, e
//     labelSmoothing (Szegedy et al. 2016). By ids t is one-hot and the mean divides by sum w_id (PyTorch).
struct LossArgs {
  LossKind kind;
  int64_t rows;
  int classes;               // channels of the predictions
  const float* predictions;  // [rows, classes]; logits for crossEntropy and binaryCrossEntropy
  const int32_t* ids;        // [rows] or null; crossEntropy only; below 0: the row does not count
  const float* values;       // [rows, classes / channelsPerTarget] or null
  const float* rowWeights;   // [rows] or null = 1
  float*
      dPredictions;  // [rows, classes], overwritten by weight * dloss / elements; null = not wanted; may be predictions
  LossSums* sums;                        // overwritten
  float gradientScale = 1;               // multiplies dPredictions
  const StepScalars* scalars = nullptr;  // its lossScale does too, CUDA alone; null: it does not
  const double* elements =
      nullptr;  // [1] what the mean divides by, 0 gives gradients of 0; null: live elements
  const float* classWeights = nullptr;  // [classes] or null = 1
  const float* quantiles = nullptr;     // [quantileCount]
  int quantileCount = 0;
  float delta = 1;
  float labelSmoothing = 0;
  bool full = false;
  bool weighMetrics = false;
};

constexpr int kTargetSums = 8;

// What a batch is counted into beside LossSums, in double and in one order whatever the thread count. Every count is
// the sum of the rows' weights. A null output is not wanted. Of crossEntropy and binaryCrossEntropy:
//   classCounts [classes, 3]: right, predicted, actual. A row's class is its argmax, or, of a binary channel, whether
//     z > 0 and t > 1/2; each binary channel is counted alone.
//   confusion [K, K], [actual, predicted]: K = classes, or 2 for one binary channel.
//   ranked [1]: rows whose target is among the topK greatest logits; of equal ones the later stands first.
// Of the other losses, p being a target's forecast (quantile: channel `point`, gaussianNll: the mean):
//   targetSums [targets, kTargetSums]: 1, |p - t|, (p - t)^2, t, t^2, |p - t| / max(|t|, 2^-52),
//     2 |p - t| / (|p| + |t|) (0 / 0 = 0), whether t is in the interval, ends included.
struct MetricArgs {
  LossKind kind;
  int64_t rows;
  int classes;  // channels of the predictions
  int channelsPerTarget;
  const float* predictions;  // these four as in LossArgs
  const int32_t* ids;
  const float* values;
  const float* rowWeights;
  double* classCounts;
  double* confusion;
  double* ranked;
  int topK;
  double* targetSums;
  int point;
  int lower;  // channels of the interval's ends, -1 = none
  int upper;
  float halfWidth;  // gaussianNll: in standard deviations
};

// What a tensor is held to after each update. kMaxNorm: Keras' MaxNorm, w * min(norm, limit) / (1e-7 + norm), of every
// row (the weights into one unit), or of every column.
struct Constraint {
  ConstraintKind kind = ConstraintKind::kNone;
  float limit = 0;
  bool byColumn = false;

  bool operator==(const Constraint&) const = default;
};

// A tensor's place in the flat arenas, and what the update must know of it.
struct TensorRow {
  int64_t offset;
  int64_t size;
  bool trainable;
  float l1;
  float l2;
  int64_t rowSize = 0;  // numbers of a row [rows, rowSize]; 0: the tensor is one row
  Constraint constraint = {};
  float rateScale = 1;  // times the learning rate
  float weightDecay = 0;

  bool operator==(const TensorRow&) const = default;
};

// A parameter's own share of an update.
struct ParameterGroup {
  float rateScale = 1;
  float weightDecay = 0;

  bool operator==(const ParameterGroup&) const = default;
};

struct UpdateConfig {
  UpdateKind kind = UpdateKind::kSgd;
  ClipKind clip = ClipKind::kNone;
  bool keras = false;      // conventions of Keras instead of PyTorch's
  float learningRate = 0;  // the session's to put into StepScalars, where the update reads it
  float clipLimit = 0;
  float clipEpsilon = 0;
  float beta1 = 0;  // adam
  float beta2 = 0;  // adam; rmsprop's rho
  float epsilon = 0;
  bool amsgrad = false;          // adam
  float momentum = 0;            // sgd, rmsprop
  bool nesterov = false;         // sgd
  bool centered = false;         // rmsprop
  float initialAccumulator = 0;  // adagrad
  float weightDecay = 0;         // of parameters without a group
  bool coupledDecay = false;
  float noiseEta = 0;  // 0: no noise
  float noiseGamma = 0;
  AverageKind average = AverageKind::kNone;
  float averageDecay = 0;              // ema
  int accumulate = 1;                  // passes whose gradients make one update
  bool accumulateMean = true;          // or their sum
  std::vector<ParameterGroup> groups;  // by parameter; empty: all alike

  bool operator==(const UpdateConfig&) const = default;
};

// The arenas of state that an optimiser keeps.
struct UpdateState {
  bool m;
  bool v;
  bool aux;
};
inline UpdateState stateOf(const UpdateConfig& config) {
  switch (config.kind) {
    case UpdateKind::kAdam:
      return {true, true, config.amsgrad};
    case UpdateKind::kSgd:
      return {config.momentum != 0, false, false};
    case UpdateKind::kRmsprop:
      return {config.momentum != 0, true, config.centered};
    default:
      return {false, true, false};
  }
}

inline UpdateRule ruleOf(const UpdateConfig& config) {
  return {static_cast<int>(config.kind),
          static_cast<int>(config.clip),
          static_cast<int>(config.average),
          config.keras,
          config.nesterov,
          config.coupledDecay,
          config.clipLimit,
          config.clipEpsilon,
          config.beta1,
          config.beta2,
          config.epsilon,
          config.momentum,
          config.initialAccumulator,
          config.noiseEta,
          config.noiseGamma,
          config.averageDecay};
}

struct UpdateSums {
  double penalty;      // sum l1|p| + l2 p^2 over trainable tensors, of the parameters before the update
  double squaredNorm;  // of all trainable gradients with penalties, before clipping
  int64_t step;        // scalars->step after the update
  float lossScale;     // of these gradients
  int32_t
      applied;  // 0: loss not finite or squaredNorm beyond float32; nothing changed but the gradients, which are cleared
};

// A copy of the parameters in half precision, rounded to nearest even, at the same offsets in elements.
enum class HalfKind { kNone, kFp16, kBf16 };

// One update over the flat arenas: a norm pass, then one pass that reads g, p and the optimiser's state and writes p,
// state and g = 0. d is the gradient that the optimiser sees, lr = scalars->learningRate * rateScale,
// decay = weightDecay:
//   g' = gradScale / lossScale * g + l1 sign(p) + 2 l2 p, clipped:
//     globalNorm: g' * min(1, limit / (norm + epsilon))  (PyTorch's clip_grad_norm_ has epsilon 1e-6; 0 is TensorFlow's
//                 clip_by_global_norm)
//     tensorNorm: the same of each tensor by itself       (TensorFlow's clip_by_norm)
//     value:      min(max(g', -limit), limit)
//     adaptive:   each row by min(1, limit max(|p row|, epsilon) / |g' row|)  (Brock et al. 2021; costs one pass more)
//   d = g' + noise + decay p (coupled decay alone)
//     noise: N(0, eta / (1 + t)^gamma) with t updates applied before (Neelakantan et al. 2015); element i of the arena
//     is normal i of the Philox draw (seed, kNoiseStream, t)
//   p = p - lr decay p where the decay is decoupled (Loshchilov & Hutter 2019), and then, with PyTorch's conventions:
//   adam (Kingma & Ba 2015, Algorithm 1), t = scalars->step + 1:
//     m = beta1 m + (1 - beta1) d;  v = beta2 v + (1 - beta2) d^2
//     p -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)
//     Keras: epsilon stands beside sqrt(v) itself.  amsgrad (Reddi et al. 2018): the largest v so far, aux, for v
//   sgd: m = momentum m + d; p -= lr (nesterov ? d + momentum m : m)   (Sutskever et al. 2013, dampening 0)
//     Keras: m = momentum m + lr d; p -= nesterov ? lr d + momentum m : m
//   rmsprop (Tieleman & Hinton 2012): v = beta2 v + (1 - beta2) d^2; move = d / (sqrt(v) + epsilon)
//     centered (Graves 2013): aux = beta2 aux + (1 - beta2) d, and v - aux^2 stands for v;
//     momentum: m = momentum m + move stands for move;  p -= lr move
//     Keras: move = lr d / sqrt(v + epsilon), and p -= move
//   adagrad (Duchi et al. 2011): v = v + d^2; p -= lr d / (sqrt(v + initial) + epsilon);  Keras: epsilon in the root
//   average += w (p - average): w = 1 for the first, then 1 / count (mean) or 1 - decay (ema, Polyak & Juditsky 1992)
//   The constraint comes last.
// When it applies, scalars->step grows by 1 and the half copy of what learns is written.
// Dynamic loss scaling (Micikevicius et al. 2018; the rule of PyTorch's GradScaler): a norm that is not finite halves
// lossScale, 2000 updates applied in a row double it while it stays finite.
struct UpdateArgs {
  UpdateConfig config;
  StepScalars* scalars;             // learningRate and lossScale are read, the rest is counted on
  std::span<const TensorRow> rows;  // host memory, ascending; what lies between is 0 in every arena
  float* params;
  float* grads;
  float* m;  // stateOf(config) says which are not null
  float* v;
  const LossSums* loss;                 // [lossCount] or null: checked for finite losses
  UpdateSums* sums;                     // overwritten
  HalfKind halfKind = HalfKind::kNone;  // CUDA alone, as the two below
  void* halfParams = nullptr;           // laid out as params
  bool dynamicLossScale = false;
  bool unscaled = false;  // the gradients are the loss's own, and lossScale stays as it is
  float* aux = nullptr;
  float* average = nullptr;  // where config.average is not kNone
  float gradScale = 1;
  uint64_t seed = 0;  // of the noise
  int lossCount = 1;
};

inline bool lossesAreFinite(const LossSums* losses, size_t count) {
  bool finite = true;
  for (size_t i = 0; i < count; ++i) finite = std::isfinite(losses[i].loss) && finite;
  return finite;
}

class RunAhead;

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;
  // What it can do because its calls come back before their work is done; null: a call ends with its work.
  virtual RunAhead* ahead() { return nullptr; }

  // 64-byte aligned, zero-filled. Throws OutOfMemory.
  virtual void* allocate(size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  // Device memory can be read and written by the host: no staging copy is needed.
  virtual bool sharesHostMemory() const = 0;
  // Where lossScale starts; beyond 1 the session's updates scale it dynamically.
  virtual float initialLossScale() const { return 1; }
  // The device's library drops between the layers of a stack: LstmConfig::librarySeed is wanted.
  virtual bool dropsBetweenLayers() const { return false; }
  // Inference knows weight forms beside float32.
  virtual bool hasNarrowWeights() const { return false; }
  virtual void copyIn(void* device, const void* host, size_t bytes) = 0;
  virtual void copyOut(void* host, const void* device, size_t bytes) = 0;  // waits for the work before it
  virtual void copyWithin(void* to, const void* from, size_t bytes) = 0;
  virtual void zero(void* device, size_t bytes) = 0;
  // Copies `rows` rows of `width` floats; strides in floats.
  virtual void copyRows(float* to, int64_t toStride, const float* from, int64_t fromStride, int64_t width,
                        int64_t rows) {
    for (int64_t r = 0; r < rows; ++r)
      copyWithin(to + r * toStride, from + r * fromStride, width * sizeof(float));
  }
  // to[i] += from[i]
  virtual void add(float* to, const float* from, int64_t count) = 0;

  // Ops end before their device does.
  virtual std::unique_ptr<LstmOp> makeLstm(const LstmConfig& config) = 0;
  virtual std::unique_ptr<DenseOp> makeDense(const DenseConfig& config) = 0;

  // y[row] = table[tokens[row]];  tokens [rows], table [vocabSize, size], y [rows, size]
  virtual void embeddingForward(int64_t rows, int size, const int32_t* tokens, const float* table,
                                float* y) = 0;
  // dTable[tokens[row]] += dy[row], in row order whatever the thread count
  virtual void embeddingBackward(int64_t rows, int vocabSize, int size, const int32_t* tokens,
                                 const float* dy, float* dTable) = 0;

  virtual void dropout(const DropoutArgs& args) = 0;

  // y [N, channels]; argmax [N, channels] int32 row numbers, written for kMax only
  virtual void poolForward(const PoolArgs& args, const float* x, float* y, int32_t* argmax) = 0;
  // dx [rows, channels] overwritten
  virtual void poolBackward(const PoolArgs& args, const float* dy, const int32_t* argmax, float* dx) = 0;

  virtual void activationRegularizer(const ActivationRegularizerArgs& args) = 0;

  virtual void loss(const LossArgs& args) = 0;
  virtual void metrics(const MetricArgs& args) = 0;

  virtual void update(const UpdateArgs& args) = 0;
  // sum l1|p| + l2 p^2 over trainable tensors; waits
  virtual double penalty(std::span<const TensorRow> rows, const float* params) = 0;
};

}  // namespace lstm
