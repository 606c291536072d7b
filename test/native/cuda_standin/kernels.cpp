#include "cuda_standin/kernels.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "cuda/elements/activation.h"
#include "cuda/elements/activation_regularizer.h"
#include "cuda/elements/dropout.h"
#include "cuda/elements/embedding.h"
#include "cuda/elements/half.h"
#include "cuda/elements/loss.h"
#include "cuda/elements/metrics.h"
#include "cuda/elements/pool.h"
#include "cuda/elements/softmax.h"
#include "cuda/elements/update.h"
#include "cuda_standin/context.h"

namespace standin {

namespace elements = lstm::elements;
using lstm::philoxWord;
namespace {

// Elements from the first to the last that a row-major matrix with this row length touches.
int64_t extent(int64_t rows, int64_t columns, int64_t ld) {
  return rows == 0 || columns == 0 ? 0 : (rows - 1) * ld + columns;
}

int halfKindOf(int precision) {
  if (precision == kPrecisionFp16) return kHalfFp16;
  return precision == kPrecisionBf16 ? kHalfBf16 : kHalfNone;
}

// A product's operand, of float32 or of halves.
struct Operand {
  Operand(const Memory& memory, const void* device, int64_t count, int precision, const char* name)
      : kind(halfKindOf(precision)) {
    if (kind == kHalfNone)
      floats = memory.at(static_cast<const float*>(device), count, name);
    else
      halves = memory.at(static_cast<const uint16_t*>(device), count, name);
  }
  double operator[](int64_t i) const { return floats ? floats[i] : elements::floatOfHalf(kind, halves[i]); }

  int kind;
  const float* floats = nullptr;
  const uint16_t* halves = nullptr;
};

void poison(double* scratch, int64_t count) {
  std::fill(scratch, scratch + count, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

RuntimeStatus gemm(RuntimeContext* context, const RuntimeGemm* given, RuntimeError* error) {
  const RuntimeGemm g = *given;
  return submit(context, "gemm", error, [context, g] {
    const Memory& memory = context->memory;
    if (g.lda < (g.transposeA ? g.m : g.k) || g.ldb < (g.transposeB ? g.k : g.n) || g.ldc < g.n)
      throw Refused{kRuntimeInvalid, "a row is longer than its leading dimension"};
    const int64_t aCount = g.transposeA ? extent(g.k, g.m, g.lda) : extent(g.m, g.k, g.lda);
    const int64_t bCount = g.transposeB ? extent(g.n, g.k, g.ldb) : extent(g.k, g.n, g.ldb);
    const Operand a(memory, g.dA, aCount, g.precision, "gemm.dA");
    const Operand b(memory, g.dB, bCount, g.precision, "gemm.dB");
    float* c = memory.at(g.dC, extent(g.m, g.n, g.ldc), "gemm.dC");
    const float* bias = g.epilogue == kEpilogueNone ? nullptr : memory.at(g.dBias, g.n, "gemm.dBias");
    for (int64_t i = 0; i < g.m; ++i)
      for (int64_t j = 0; j < g.n; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < g.k; ++k)
          sum += (g.transposeA ? a[k * g.lda + i] : a[i * g.lda + k]) *
                 (g.transposeB ? b[j * g.ldb + k] : b[k * g.ldb + j]);
        float& at = c[i * g.ldc + j];
        double value = g.alpha * sum + (g.beta == 0 ? 0.0 : static_cast<double>(g.beta) * at);
        if (bias) value += bias[j];
        at = static_cast<float>(value);
        if (g.epilogue == kEpilogueBiasRelu && at < 0) at = 0;
      }
  });
}

RuntimeStatus activationForward(RuntimeContext* context, int activation, int64_t rows, int channels,
                                float* dY, RuntimeError* error) {
  return submit(context, "activationForward", error, [=] {
    float* y = context->memory.at(dY, rows * channels, "dY");
    elements::LoneTeam team;
    for (int64_t row = 0; row < rows; ++row, y += channels) {
      if (activation == elements::kSoftmax)
        elements::softmaxRow(team, channels, y);
      else
        for (int c = 0; c < channels; ++c) y[c] = elements::activate(activation, y[c]);
    }
  });
}

RuntimeStatus activationBackward(RuntimeContext* context, int activation, int64_t rows, int channels,
                                 const float* dY, float* dGradY, RuntimeError* error) {
  return submit(context, "activationBackward", error, [=] {
    const float* y = context->memory.at(dY, rows * channels, "dY");
    float* dy = context->memory.at(dGradY, rows * channels, "dGradY");
    elements::LoneTeam team;
    for (int64_t row = 0; row < rows; ++row, y += channels, dy += channels) {
      if (activation == elements::kSoftmax)
        elements::softmaxGradientRow(team, channels, y, dy);
      else
        for (int c = 0; c < channels; ++c) dy[c] = elements::activationGradient(activation, y[c], dy[c]);
    }
  });
}

RuntimeStatus columnSums(RuntimeContext* context, int64_t rows, int channels, const float* dX, float* dSums,
                         RuntimeError* error) {
  return submit(context, "columnSums", error, [=] {
    const float* x = context->memory.at(dX, rows * channels, "dX");
    float* sums = context->memory.at(dSums, channels, "dSums");
    for (int c = 0; c < channels; ++c) {
      float sum = 0;
      for (int64_t row = 0; row < rows; ++row) sum += x[row * channels + c];
      sums[c] += sum;
    }
  });
}

RuntimeStatus add(RuntimeContext* context, float* to, const float* from, int64_t count, RuntimeError* error) {
  return submit(context, "add", error, [=] {
    float* sum = context->memory.at(to, count, "to");
    const float* x = context->memory.at(from, count, "from");
    for (int64_t i = 0; i < count; ++i) sum[i] += x[i];
  });
}

RuntimeStatus toHalf(RuntimeContext* context, int halfKind, void* to, const float* from, int64_t count,
                     RuntimeError* error) {
  return submit(context, "toHalf", error, [=] {
    if (halfKind != kHalfFp16 && halfKind != kHalfBf16) throw Refused{kRuntimeInvalid, "no such kind"};
    auto* halves = context->memory.at(static_cast<uint16_t*>(to), count, "to");
    const float* x = context->memory.at(from, count, "from");
    for (int64_t i = 0; i < count; ++i) halves[i] = elements::halfBits(halfKind, x[i]);
  });
}

RuntimeStatus fromHalf(RuntimeContext* context, int halfKind, float* to, const void* from, int64_t count,
                       int sum, RuntimeError* error) {
  return submit(context, "fromHalf", error, [=] {
    if (halfKind != kHalfFp16 && halfKind != kHalfBf16) throw Refused{kRuntimeInvalid, "no such kind"};
    float* x = context->memory.at(to, count, "to");
    const auto* halves = context->memory.at(static_cast<const uint16_t*>(from), count, "from");
    for (int64_t i = 0; i < count; ++i)
      x[i] = (sum ? x[i] : 0.0f) + elements::floatOfHalf(halfKind, halves[i]);
  });
}

RuntimeStatus copyIf(RuntimeContext* context, float* to, const float* from, int64_t count,
                     const int32_t* dFlag, RuntimeError* error) {
  return submit(context, "copyIf", error, [=] {
    const Memory& memory = context->memory;
    const bool isSet = *memory.at(dFlag, 1, "dFlag") != 0;
    const float* source = memory.at(from, count, "from");
    float* target = memory.at(to, count, "to");
    if (isSet) std::copy(source, source + count, target);
  });
}

RuntimeStatus embeddingForward(RuntimeContext* context, int64_t rows, int size, const int32_t* dTokens,
                               const float* dTable, float* dY, RuntimeError* error) {
  return submit(context, "embeddingForward", error, [=] {
    const int32_t* tokens = context->memory.at(dTokens, rows, "dTokens");
    float* y = context->memory.at(dY, rows * size, "dY");
    for (int64_t row = 0; row < rows; ++row)
      std::memcpy(y + row * size, context->memory.at(dTable + int64_t{tokens[row]} * size, size, "dTable"),
                  size * sizeof(float));
  });
}

RuntimeStatus embeddingBackward(RuntimeContext* context, int64_t rows, int size, const int32_t* dTokens,
                                const int32_t* dOrder, const float* dGradY, float* dGradTable,
                                RuntimeError* error) {
  return submit(context, "embeddingBackward", error, [=] {
    const int32_t* tokens = context->memory.at(dTokens, rows, "dTokens");
    const int32_t* order = context->memory.at(dOrder, rows, "dOrder");
    const float* dy = context->memory.at(dGradY, rows * size, "dGradY");
    for (int64_t at = 0; at < rows; ++at) {
      if (order[at] < 0 || order[at] >= rows) throw Violation{"dOrder: not a row"};
      if (at == 0) continue;
      const int32_t before = tokens[order[at - 1]], here = tokens[order[at]];
      if (before > here || (before == here && order[at - 1] >= order[at]))
        throw Violation{"dOrder: not sorted by token, then by row"};
    }
    for (int64_t begin = 0; begin < rows;) {
      const int64_t end = elements::runEnd(rows, tokens, order, begin);
      float* d = context->memory.at(dGradTable + int64_t{tokens[order[begin]]} * size, size, "dGradTable");
      for (int c = 0; c < size; ++c) d[c] = elements::addRun(d[c], size, order, begin, end, c, dy);
      begin = end;
    }
  });
}

RuntimeStatus dropout(RuntimeContext* context, const RuntimeDropout* given, RuntimeError* error) {
  const RuntimeDropout d = *given;
  return submit(context, "dropout", error, [context, d] {
    const Memory& memory = context->memory;
    const RuntimeScalars* scalars = memory.at(d.dScalars, 1, "dropout.dScalars");
    const int32_t* sequence = memory.atOrNull(d.dRowToSequence, d.rows, "dropout.dRowToSequence");
    const int32_t* keys = memory.atOrNull(d.dRowKeys, d.rows, "dropout.dRowKeys");
    const float* x = memory.at(d.dX, d.rows * d.channels, "dropout.dX");
    float* y = memory.at(d.dY, d.rows * d.channels, "dropout.dY");
    const elements::DropoutDraw draw = elements::dropoutDraw(d.seed, d.stream, scalars->drawStep, d.rate);
    for (int64_t row = 0; row < d.rows; ++row)
      for (int c = 0; c < d.channels; ++c) {
        const uint64_t element = static_cast<uint64_t>(sequence ? sequence[row] : row) * d.channels + c;
        const int64_t i = row * d.channels + c;
        y[i] = keys ? elements::droppedByRow(draw, keys[row], x[i])
                    : elements::dropped(draw, philoxWord(draw.key, element), x[i]);
      }
  });
}

int64_t activationPartials(int64_t, int) {
  return 3;
}

RuntimeStatus activationRegularizer(RuntimeContext* context, const RuntimeActivationRegularizer* given,
                                    RuntimeError* error) {
  const RuntimeActivationRegularizer a = *given;
  return submit(context, "activationRegularizer", error, [context, a] {
    const Memory& memory = context->memory;
    const int32_t* lengths = memory.atOrNull(a.dLengths, a.batchSize, "activationRegularizer.dLengths");
    const int64_t* rowOffset =
        memory.atOrNull(a.dRowOffset, a.timeSteps + 1, "activationRegularizer.dRowOffset");
    const int32_t* sequence =
        memory.atOrNull(a.dRowToSequence, a.rows, "activationRegularizer.dRowToSequence");
    const RuntimeScalars* scalars = memory.atOrNull(a.dScalars, 1, "activationRegularizer.dScalars");
    const float* y = memory.at(a.dY, a.rows * a.channels, "activationRegularizer.dY");
    float* dy = memory.at(a.dGradY, a.rows * a.channels, "activationRegularizer.dGradY");
    double* sum = memory.at(a.dSum, 1, "activationRegularizer.dSum");
    poison(memory.at(a.dPartials, activationPartials(a.rows, a.channels), "activationRegularizer.dPartials"),
           activationPartials(a.rows, a.channels));
    const elements::ActivationFactors factors =
        elements::activationFactors(a.ar, a.tar, a.rows, a.batchSize, a.channels);
    const float scale = a.gradientScale * (scalars ? scalars->lossScale : 1.0f);
    int t = 0;
    for (int64_t row = 0; row < a.rows; ++row) {
      while (lengths && row >= rowOffset[t + 1]) ++t;
      const int n = lengths ? sequence[row] : 0;
      for (int c = 0; c < a.channels; ++c) {
        const int64_t i = row * a.channels + c;
        elements::ActivationNeighbours at = {nullptr, nullptr};
        if (lengths && t > 0) at.before = y + (rowOffset[t - 1] + n) * a.channels + c;
        if (lengths && t + 1 < lengths[n]) at.behind = y + (rowOffset[t + 1] + n) * a.channels + c;
        *sum += elements::activationPenalty(factors, y[i], at);
        dy[i] += scale * elements::activationPenaltyGradient(factors, y[i], at);
      }
    }
  });
}

RuntimeStatus poolForward(RuntimeContext* context, const RuntimePool* given, const float* dX, float* dY,
                          int32_t* dArgmax, RuntimeError* error) {
  const RuntimePool p = *given;
  return submit(context, "poolForward", error, [=] {
    const Memory& memory = context->memory;
    const int32_t* lengths = memory.at(p.dLengths, p.batchSize, "pool.dLengths");
    const int64_t* rowOffset = memory.at(p.dRowOffset, p.timeSteps + 1, "pool.dRowOffset");
    const float* x = memory.at(dX, rowOffset[p.timeSteps] * p.channels, "dX");
    float* y = memory.at(dY, int64_t{p.batchSize} * p.channels, "dY");
    int32_t* argmax = p.mode == elements::kPoolMax
                          ? memory.at(dArgmax, int64_t{p.batchSize} * p.channels, "dArgmax")
                          : nullptr;
    for (int n = 0; n < p.batchSize; ++n)
      for (int c = 0; c < p.channels; ++c) {
        const int64_t i = int64_t{n} * p.channels + c;
        y[i] = elements::poolElement(p.mode, n, c, lengths[n], rowOffset, p.channels, x,
                                     argmax ? argmax + i : nullptr);
      }
  });
}

RuntimeStatus poolBackward(RuntimeContext* context, const RuntimePool* given, const float* dGradY,
                           const int32_t* dArgmax, float* dGradX, RuntimeError* error) {
  const RuntimePool p = *given;
  return submit(context, "poolBackward", error, [=] {
    const Memory& memory = context->memory;
    const int32_t* lengths = memory.at(p.dLengths, p.batchSize, "pool.dLengths");
    const int64_t* rowOffset = memory.at(p.dRowOffset, p.timeSteps + 1, "pool.dRowOffset");
    const float* dy = memory.at(dGradY, int64_t{p.batchSize} * p.channels, "dGradY");
    const int32_t* argmax = p.mode == elements::kPoolMax
                                ? memory.at(dArgmax, int64_t{p.batchSize} * p.channels, "dArgmax")
                                : nullptr;
    float* dx = memory.at(dGradX, rowOffset[p.timeSteps] * p.channels, "dGradX");
    for (int n = 0; n < p.batchSize; ++n)
      for (int t = 0; t < lengths[n]; ++t)
        for (int c = 0; c < p.channels; ++c) {
          const int64_t i = int64_t{n} * p.channels + c;
          const int64_t row = rowOffset[t] + n;
          dx[row * p.channels + c] =
              elements::poolGradientElement(p.mode, t, row, lengths[n], dy[i], argmax ? argmax[i] : 0);
        }
  });
}

int64_t lossPartials(int64_t rows) {
  return 6 * rows;
}

RuntimeStatus loss(RuntimeContext* context, const RuntimeLoss* given, RuntimeError* error) {
  const RuntimeLoss l = *given;
  return submit(context, "loss", error, [context, l] {
    const Memory& memory = context->memory;
    const int64_t count = l.rows * l.classes;
    elements::LossSettings with{l.kind,          l.classes, nullptr,          nullptr,
                                l.quantileCount, l.delta,   l.labelSmoothing, l.full != 0};
    if (l.kind == elements::kQuantile && (l.quantileCount < 1 || l.classes % l.quantileCount != 0))
      throw Refused{kRuntimeInvalid, "quantiles do not divide the channels"};
    with.classWeights = memory.atOrNull(l.dClassWeights, l.classes, "loss.dClassWeights");
    with.quantiles = memory.atOrNull(l.dQuantiles, l.quantileCount, "loss.dQuantiles");
    const float* z = memory.at(l.dPredictions, count, "loss.dPredictions");
    const int32_t* ids = memory.atOrNull(l.dIds, l.rows, "loss.dIds");
    const float* values = ids ? nullptr : memory.at(l.dValues, l.rows * with.targets(), "loss.dValues");
    const float* weights = memory.atOrNull(l.dRowWeights, l.rows, "loss.dRowWeights");
    float* d = memory.atOrNull(l.dGradient, count, "loss.dGradient");
    poison(memory.at(l.dPartials, lossPartials(l.rows), "loss.dPartials"), lossPartials(l.rows));
    RuntimeLossSums* sums = memory.at(l.dSums, 1, "loss.dSums");
    const RuntimeScalars* scalars = memory.atOrNull(l.dScalars, 1, "loss.dScalars");
    const double inverse =
        elements::inverseCount(l.kind, l.rows, l.classes, memory.atOrNull(l.dElements, 1, "loss.dElements")) *
        l.gradientScale * (scalars ? scalars->lossScale : 1.0f);
    elements::LossPart total = elements::LossPart::none();
    elements::LoneTeam team;
    for (int64_t row = 0; row < l.rows; ++row) {
      const int64_t at = row * l.classes;
      elements::lossRow(team, with, z + at, values ? values + row * with.targets() : nullptr,
                        ids ? ids[row] : 0,
                        elements::rowScale(weights ? weights[row] : 1.0, l.weighMetrics != 0, inverse),
                        d ? d + at : nullptr, &total);
    }
    *sums = {total.loss,         total.correct,       total.absoluteError,
             total.squaredError, total.logLikelihood, total.count};
  });
}

RuntimeStatus metrics(RuntimeContext* context, const RuntimeMetrics* given, RuntimeError* error) {
  const RuntimeMetrics m = *given;
  return submit(context, "metrics", error, [context, m] {
    const Memory& memory = context->memory;
    const int64_t targets = m.classes / m.channelsPerTarget;
    const int side = m.kind == elements::kBinaryCrossEntropy ? 2 : m.classes;
    const elements::MetricRows rows{m.kind,
                                    m.rows,
                                    m.classes,
                                    m.channelsPerTarget,
                                    memory.at(m.dPredictions, m.rows * m.classes, "metrics.dPredictions"),
                                    memory.atOrNull(m.dIds, m.rows, "metrics.dIds"),
                                    memory.atOrNull(m.dValues, m.rows * targets, "metrics.dValues"),
                                    memory.atOrNull(m.dRowWeights, m.rows, "metrics.dRowWeights"),
                                    m.topK,
                                    m.point,
                                    m.lower,
                                    m.upper,
                                    m.halfWidth};
    auto* of = reinterpret_cast<elements::RowClasses*>(memory.at(m.dScratch, 3 * m.rows, "metrics.dScratch"));
    double* classes = memory.atOrNull(m.dClassCounts, 3 * m.classes, "metrics.dClassCounts");
    double* confusion = memory.atOrNull(m.dConfusion, int64_t{side} * side, "metrics.dConfusion");
    double* ranked = memory.atOrNull(m.dRanked, 1, "metrics.dRanked");
    double* sums = memory.atOrNull(m.dTargetSums, 8 * targets, "metrics.dTargetSums");
    elements::LoneTeam team;
    if (confusion || ranked || (classes && m.kind == elements::kCrossEntropy))
      for (int64_t row = 0; row < m.rows; ++row) of[row] = elements::rowClasses(team, rows, row);
    for (int k = 0; classes && k < m.classes; ++k) {
      const elements::ClassCounts counts = elements::classCounts(team, rows, of, k);
      std::memcpy(classes + 3 * k, &counts, sizeof counts);
    }
    for (int cell = 0; confusion && cell < side * side; ++cell)
      confusion[cell] = elements::confusionCell(team, rows, of, cell / side, cell % side);
    if (ranked) *ranked = elements::rankedCount(team, rows, of);
    for (int target = 0; sums && target < targets; ++target) {
      const elements::TargetSums of8 = elements::targetSums(team, rows, target);
      std::memcpy(sums + 8 * target, &of8, sizeof of8);
    }
  });
}

int64_t updatePartials(int64_t size, int rowCount) {
  return 2 * (size / 4096 + rowCount) + 2;
}

namespace {

struct UpdateViews {
  float *p, *g, *m, *v, *aux, *average;
  uint16_t* half;
};

UpdateViews viewsOf(const Memory& memory, const RuntimeUpdate& u) {
  UpdateViews at = {memory.at(u.dParams, u.size, "update.dParams"),
                    memory.at(u.dGrads, u.size, "update.dGrads"),
                    memory.atOrNull(u.dM, u.size, "update.dM"),
                    memory.atOrNull(u.dV, u.size, "update.dV"),
                    memory.atOrNull(u.dAux, u.size, "update.dAux"),
                    memory.atOrNull(u.dAverage, u.size, "update.dAverage"),
                    memory.atOrNull(static_cast<uint16_t*>(u.dHalfParams), u.size, "update.dHalfParams")};
  if (u.rule.kind == lstm::kAdamRule && !at.m) throw Violation{"update.dM: null for adam"};
  if (u.rule.kind != lstm::kSgdRule && !at.v) throw Violation{"update.dV: null"};
  if (u.rule.average != lstm::kNoAverage && !at.average) throw Violation{"update.dAverage: null"};
  return at;
}

// Calls function(first, count, stride) for each row of a tensor, or each column.
template <typename Function>
void forLines(const RuntimeTensorRow& row, bool byColumn, Function function) {
  const int64_t rows = row.size / row.rowSize;
  if (byColumn)
    for (int64_t c = 0; c < row.rowSize; ++c) function(row.offset + c, rows, row.rowSize);
  else
    for (int64_t r = 0; r < rows; ++r) function(row.offset + r * row.rowSize, row.rowSize, int64_t{1});
}

void clipAdaptively(const RuntimeUpdate& u, UpdateViews& at, const RuntimeTensorRow& row, float gradScale) {
  forLines(row, false, [&](int64_t first, int64_t count, int64_t stride) {
    double squaredNorm = 0, squaredWeights = 0;
    for (int64_t k = first; k < first + count * stride; k += stride) {
      at.g[k] = elements::penalised(at.g[k] * gradScale, at.p[k], row.l1, row.l2);
      squaredNorm += static_cast<double>(at.g[k]) * at.g[k];
      squaredWeights += static_cast<double>(at.p[k]) * at.p[k];
    }
    const float clip = lstm::adaptiveClip(u.rule.clipLimit, u.rule.clipEpsilon, squaredNorm, squaredWeights);
    for (int64_t k = first; k < first + count * stride; k += stride) at.g[k] *= clip;
  });
}

void holdMaxNorm(UpdateViews& at, const RuntimeTensorRow& row) {
  forLines(row, row.byColumn != 0, [&](int64_t first, int64_t count, int64_t stride) {
    double squaredNorm = 0;
    for (int64_t k = first; k < first + count * stride; k += stride)
      squaredNorm += static_cast<double>(at.p[k]) * at.p[k];
    const float scale = lstm::maxNormScale(row.maxNorm, squaredNorm);
    for (int64_t k = first; k < first + count * stride; k += stride) at.p[k] *= scale;
  });
}

void updateTensor(const RuntimeUpdate& u, UpdateViews& at, const RuntimeTensorRow& row,
                  const lstm::StepFactors& step, double squaredNorm, double tensorSquaredNorm) {
  if (u.rule.clip == lstm::kAdaptiveClip) clipAdaptively(u, at, row, step.gradScale);
  const lstm::ElementFactors f =
      lstm::elementFactors(u.rule, step, {row.l1, row.l2, row.rateScale, row.weightDecay, row.constraint},
                           squaredNorm, tensorSquaredNorm);
  const lstm::RandomKey noise = {u.seed, lstm::kNoiseStream, step.noiseStep};
  for (int64_t k = row.offset; k < row.offset + row.size; ++k) {
    elements::ElementState s = {at.p[k], at.m ? at.m[k] : 0, at.v ? at.v[k] : 0, at.aux ? at.aux[k] : 0};
    const float d = elements::finalGradient(f, at.g[k], s.p, f.noise > 0 ? lstm::noiseOf(noise, k) : 0);
    elements::optimizeElement(u.rule.kind, f, d, at.m != nullptr, at.aux != nullptr, s);
    if (at.m) at.m[k] = s.m;
    if (at.v) at.v[k] = s.v;
    if (at.aux) at.aux[k] = s.aux;
    if (at.average) at.average[k] = elements::averaged(f, at.average[k], s.p);
    at.p[k] = elements::constrained(f, s.p);
  }
  if (row.constraint == lstm::kMaxNormConstraint) {
    if (!u.hasMaxNorm) throw Violation{"update.hasMaxNorm: not set"};
    holdMaxNorm(at, row);
  }
  for (int64_t k = row.offset; at.half && k < row.offset + row.size; ++k)
    at.half[k] = elements::halfBits(u.halfKind, at.p[k]);
}

}  // namespace

RuntimeStatus update(RuntimeContext* context, const RuntimeUpdate* given, int penaltyOnly,
                     RuntimeError* error) {
  const RuntimeUpdate u = *given;
  return submit(context, "update", error, [context, u, penaltyOnly] {
    const Memory& memory = context->memory;
    const RuntimeTensorRow* rows = memory.at(u.dRows, u.rowCount, "update.dRows");
    float* p = memory.at(u.dParams, u.size, "update.dParams");
    RuntimeUpdateSums* sums = memory.at(u.dSums, 1, "update.dSums");
    const int64_t partials = updatePartials(u.size, u.rowCount);
    poison(memory.at(u.dPartials, partials, "update.dPartials"), partials);
    double penalty = 0;
    for (int i = 0; i < u.rowCount; ++i) {
      const RuntimeTensorRow& row = rows[i];
      if (row.offset < 0 || row.offset + row.size > u.size) throw Violation{"update.dRows: beyond the arena"};
      for (int64_t k = row.offset; row.trainable && k < row.offset + row.size; ++k)
        penalty += elements::penaltyOf(p[k], row.l1, row.l2);
    }
    if (penaltyOnly) {
      sums->penalty = penalty;
      return;
    }
    UpdateViews at = viewsOf(memory, u);
    const RuntimeLossSums* losses = memory.atOrNull(u.dLosses, u.lossCount, "update.dLosses");
    RuntimeScalars* scalars = memory.at(u.dScalars, 1, "update.dScalars");
    double* tensorNorms = memory.at(u.dTensorNorms, u.rowCount, "update.dTensorNorms");
    const float gradScale = u.unscaled ? u.gradScale : u.gradScale / scalars->lossScale;
    double squaredNorm = 0;
    for (int i = 0; i < u.rowCount; ++i) {
      const RuntimeTensorRow& row = rows[i];
      tensorNorms[i] = 0;
      for (int64_t k = row.offset; row.trainable && k < row.offset + row.size; ++k)
        tensorNorms[i] += elements::squaredGradient(at.g[k] * gradScale, at.p[k], row.l1, row.l2);
      squaredNorm += tensorNorms[i];
    }
    const bool applies = elements::updateApplies(squaredNorm, losses, u.lossCount);
    const lstm::StepFactors step =
        lstm::stepFactors(u.rule, scalars->learningRate, gradScale, scalars->step, scalars->averaged);
    for (int i = 0; i < u.rowCount; ++i) {
      const RuntimeTensorRow& row = rows[i];
      if (applies && row.trainable) updateTensor(u, at, row, step, squaredNorm, tensorNorms[i]);
      std::fill(at.g + row.offset, at.g + row.offset + row.size, 0.0f);
    }
    scalars->step += applies;
    scalars->averaged += applies && u.rule.average != lstm::kNoAverage;
    *sums = {penalty, squaredNorm, scalars->step, u.unscaled ? 1 : scalars->lossScale, applies};
    const bool finite = elements::normIsFinite(squaredNorm);
    if (!u.dynamicLossScale || (finite && !applies)) return;
    const elements::LossScale next =
        elements::nextLossScale({scalars->lossScale, scalars->goodSteps}, finite);
    scalars->lossScale = next.scale;
    scalars->goodSteps = next.goodSteps;
  });
}

}  // namespace standin
