#include <math.h>

#include "cpu/kernels/softmax.h"
#include "cpu/kernels/table.h"

// Sums in double; a row's gradient is written after its predictions were read, as both may be one buffer.
namespace lstm::cpu::LSTM_ARCH {
namespace {

LSTM_INLINE void addError(RowSums* sums, double difference) {
  sums->absoluteError += difference < 0 ? -difference : difference;
  sums->squaredError += difference * difference;
}

// (p - t)^2
void mseRow(const float* p, const float* t, int classes, double weight, float scale, float* d,
            RowSums* sums) {
  double loss = 0;
  for (int i = 0; i < classes; ++i) {
    const double difference = static_cast<double>(p[i]) - t[i];
    loss += difference * difference;
    addError(sums, difference);
    if (d) d[i] = 2 * scale * (p[i] - t[i]);
  }
  sums->loss += weight * loss;
}

// max(z, 0) - z t + log(1 + exp(-|z|)), stable on both sides; d = sigmoid(z) - t
void binaryRow(const float* z, const float* t, int classes, double weight, float scale, float* d,
               RowSums* sums) {
  double loss = 0;
  for (int i = 0; i < classes; i += W) {
    const int lanes = classes - i < W ? classes - i : W;
    const Vec logits = loadUpTo(z + i, lanes);
    const Vec targets = loadUpTo(t + i, lanes);
    const Vec p = vsigmoid(logits);
    const Vec e = vexp(-absolute(logits));
    for (int lane = 0; lane < lanes; ++lane) {
      const double logit = logits[lane];
      const double target = targets[lane];
      loss += (logit > 0 ? logit : 0) - logit * target + log1p(static_cast<double>(e[lane]));
      sums->correct += (logit > 0) == (target > 0.5);
      addError(sums, static_cast<double>(p[lane]) - target);
    }
    if (d) storeUpTo(d + i, (p - targets) * scale, lanes);
  }
  sums->loss += weight * loss;
}

// log sum exp(z) - z[id]; d = softmax(z) - onehot(id). scratch [classes] holds exp(z - max), may be z.
void idRow(const float* z, int id, int classes, double weight, float scale, float* d, float* scratch,
           RowSums* sums) {
  sums->correct += argmax(z, classes) == id;
  const float target = z[id];
  const SoftmaxRow s = exponentials(z, scratch, classes);
  sums->loss += weight * (log(s.sum) + s.max - target);
  if (!d) return;
  const float factor = static_cast<float>(scale / s.sum);
  for (int i = 0; i < classes; ++i) d[i] = scratch[i] * factor;
  d[id] -= scale;
}

// -sum t log p = (log sum exp z) (sum t) - sum t z; d = softmax(z) (sum t) - t
void distributionRow(const float* z, const float* t, int classes, double weight, float scale, float* d,
                     float* scratch, RowSums* sums) {
  sums->correct += argmax(z, classes) == argmax(t, classes);
  double mass = 0;
  double dot = 0;
  for (int i = 0; i < classes; ++i) {
    mass += t[i];
    if (t[i] != 0) dot += static_cast<double>(t[i]) * z[i];
  }
  const SoftmaxRow s = exponentials(z, scratch, classes);
  sums->loss += weight * ((log(s.sum) + s.max) * mass - dot);
  const double inverse = 1.0 / s.sum;
  for (int i = 0; i < classes; ++i) {
    const double p = scratch[i] * inverse;
    addError(sums, p - t[i]);
    if (d) d[i] = static_cast<float>(scale * (p * mass - t[i]));
  }
}

constexpr int kLocal = 4096;

}  // namespace

void lossRows(const LossRows& p, RowSums* sums) {
  float local[kLocal];
  // Without a gradient the exponentials have no place of their own; wide rows then need a heap row.
  float* spare = local;
  if (!p.dPredictions && p.classes > kLocal) spare = new float[p.classes];
  for (int64_t row = p.begin; row < p.end; ++row) {
    const int64_t at = row * p.classes;
    const float* z = p.predictions + at;
    float* d = p.dPredictions ? p.dPredictions + at : nullptr;
    float* scratch = d ? d : spare;
    const double weight = p.rowWeights ? p.rowWeights[row] : 1.0;
    const float scale = static_cast<float>(weight * p.inverseCount);
    switch (p.kind) {
      case RowLoss::kMse:
        mseRow(z, p.values + at, p.classes, weight, scale, d, sums);
        break;
      case RowLoss::kBinaryCrossEntropy:
        binaryRow(z, p.values + at, p.classes, weight, scale, d, sums);
        break;
      case RowLoss::kCrossEntropyIds:
        idRow(z, p.ids[row], p.classes, weight, scale, d, scratch, sums);
        break;
      case RowLoss::kCrossEntropyValues:
        distributionRow(z, p.values + at, p.classes, weight, scale, d, scratch, sums);
        break;
    }
  }
  if (spare != local) delete[] spare;
}

}  // namespace lstm::cpu::LSTM_ARCH
