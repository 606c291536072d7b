#include <cmath>

#include "cpu/cpu_device.h"
#include "cuda/token_order.h"
#include "cuda_support.h"
#include "engine/errors.h"
#include "shapes.h"

using namespace lstm;

// Every op of the CUDA device's host side on the stand-in, held to the CPU device: same calls, same inputs.
namespace {

std::vector<float> asFloats(const std::vector<int32_t>& values) {
  return {values.begin(), values.end()};
}

constexpr Activation kActivations[] = {Activation::kLinear, Activation::kRelu, Activation::kTanh,
                                       Activation::kSigmoid, Activation::kSoftmax};

}  // namespace

TEST_ON_CUDA("the CUDA host's dense layers agree with the CPU device, with and without bias, logits and dx") {
  const int rows = 7, in = 5, units = 3;
  for (const Activation activation : kActivations)
    for (const bool logits : {false, true})
      for (const bool bias : {false, true})
        compare(1e-5, "activation " + std::to_string(static_cast<int>(activation)), [&](Device& device) {
          harness::Random random(3);
          const On<float> x(device, random.floats(rows * in)), w(device, random.floats(units * in));
          const On<float> b(device, random.floats(bias ? units : 0)),
              y(device, std::vector<float>(rows * units, NAN));
          const On<float> dy(device, random.floats(rows * units)), dw(device, random.floats(units * in));
          const On<float> db(device, random.floats(bias ? units : 0)),
              dx(device, std::vector<float>(rows * in, NAN));
          const auto op = device.makeDense({in, units, activation});
          op->forward({rows, w.data(), b.data(), 1, x.data(), y.data(), logits});
          op->backward({rows, w.data(), 1, x.data(), y.data(), dy.data(), logits, bias ? dx.data() : nullptr,
                        dw.data(), db.data()});
          return std::vector{y.get(), dy.get(), dw.get(), db.get(), bias ? dx.get() : std::vector<float>{}};
        });
}

TEST_ON_CUDA(
    "the CUDA host's embedding agrees with the CPU device to the bit, and again for new tokens in the same "
    "place") {
  const int rows = 50, vocab = 11, size = 3;
  compare(0, "embedding", [&](Device& device) {
    harness::Random random(4);
    const On<float> table(device, random.floats(vocab * size)),
        y(device, std::vector<float>(rows * size, NAN));
    const On<float> dy(device, random.floats(rows * size)), dTable(device, random.floats(vocab * size));
    On<int32_t> tokens(device, std::vector<int32_t>(rows));
    std::vector<std::vector<float>> results;
    for (int batch = 0; batch < 3; ++batch) {
      std::vector<int32_t> ids(rows);
      for (int32_t& id : ids) id = random.below(vocab);
      tokens.set(ids);
      if (batch == 2) {  // what a copy on the device brought is seen too
        const On<int32_t> elsewhere(device, std::vector<int32_t>(rows, 7));
        device.copyWithin(tokens.data(), elsewhere.data(), rows * sizeof(int32_t));
      }
      device.embeddingForward(rows, size, tokens.data(), table.data(), y.data());
      device.embeddingBackward(rows, vocab, size, tokens.data(), dy.data(), dTable.data());
      results.push_back(y.get());
      results.push_back(dTable.get());
    }
    return results;
  });
}

TEST("an embedding's gradient makes the device wait for its tokens once, not in every step") {
  onStandIn({}, [](Device& device) {
    On<int32_t> tokens(device, {2, 0, 1});
    const On<float> dy(device, {1, 2, 3}), dTable(device, {0, 0, 0});
    for (int step = 0; step < 4; ++step) {
      tokens.set({step % 3, 1, 0});
      device.embeddingBackward(3, 3, 1, tokens.data(), dy.data(), dTable.data());
    }
    CHECK(standIn().calls("copyOut") == 1);
  });
}

TEST("sorting by token is stable, for small and large vocabularies") {
  harness::Random random(6);
  for (const int vocab : {1, 2, 2048, 2049, 5000000}) {
    std::vector<int32_t> tokens(3000), order, scratch;
    for (int32_t& token : tokens) token = random.below(vocab);
    tokens[5] = vocab - 1;
    cuda::sortByToken(tokens, vocab, order, scratch);
    std::vector<bool> seen(tokens.size());
    for (size_t i = 0; i < order.size(); ++i) {
      seen[order[i]] = true;
      if (i == 0) continue;
      const int32_t before = tokens[order[i - 1]], here = tokens[order[i]];
      CHECK(before < here || (before == here && order[i - 1] < order[i]));
    }
    for (const bool there : seen) CHECK(there);
  }
}

TEST_ON_CUDA(
    "the CUDA host's dropout drops the CPU device's elements to the bit, also shared over time and at rate "
    "0") {
  const BatchShape shape = shapeOf(3, 5, {5, 2, 4});
  const int channels = 7;
  for (const float rate : {0.0f, 0.3f, 0.9f})
    for (const bool shared : {false, true})
      for (const bool inPlace : {false, true})
        compare(0, "rate " + std::to_string(rate), [&](Device& device) {
          harness::Random random(5);
          const On<float> x(device, random.floats(shape.rows * channels));
          const On<float> y(device, std::vector<float>(shape.rows * channels, NAN));
          std::vector<std::vector<float>> results;
          for (const uint32_t step : {0u, 7u, 7u, 8u}) {
            float* to = inPlace ? x.data() : y.data();
            device.dropout(
                {shape.rows, channels, rate, {99, 3, step}, shared ? &shape : nullptr, x.data(), to});
            results.push_back(inPlace ? x.get() : y.get());
          }
          return results;
        });
}

TEST_ON_CUDA(
    "the CUDA host's pooling agrees with the CPU device, also when the next batch has other lengths") {
  const int channels = 4;
  for (const PoolMode mode : {PoolMode::kLast, PoolMode::kMean, PoolMode::kMax})
    compare(1e-6, "mode " + std::to_string(static_cast<int>(mode)), [&](Device& device) {
      std::vector<std::vector<float>> results;
      for (const BatchShape& shape : {shapeOf(3, 5, {5, 2, 4}), shapeOf(3, 5, {5, 5, 1}), shapeOf(1, 1)}) {
        harness::Random random(7);
        const On<float> x(device, random.floats(shape.rows * channels)), dx(device, x.get());
        const On<float> y(device, std::vector<float>(shape.batchSize * channels, NAN));
        const On<float> dy(device, random.floats(shape.batchSize * channels));
        const On<int32_t> argmax(device, std::vector<int32_t>(shape.batchSize * channels, 0));
        const PoolArgs args = {mode, shape, channels};
        device.poolForward(args, x.data(), y.data(), argmax.data());
        device.poolBackward(args, dy.data(), argmax.data(), dx.data());
        results.insert(results.end(), {y.get(), dx.get(), asFloats(argmax.get())});
      }
      return results;
    });
}

namespace {

constexpr LossKind kLosses[] = {LossKind::kMse,
                                LossKind::kMae,
                                LossKind::kHuber,
                                LossKind::kLogCosh,
                                LossKind::kQuantile,
                                LossKind::kGaussianNll,
                                LossKind::kBinaryCrossEntropy,
                                LossKind::kCrossEntropy};

// Predictions and targets of one loss on a device.
struct LossCase {
  int rows, classes;
  On<float> predictions, values, weights, classWeights, quantiles, gradient;
  On<int32_t> ids;
  On<double> elements;
  On<LossSums> sums;
  LossConfig config;

  LossCase(Device& device, LossKind kind, bool byIds, bool weighed, int rows = 9, int classes = 6)
      : LossCase(device, kind, byIds, weighed, rows, classes, harness::Random(8)) {}

  LossArgs args(float* d) {
    LossArgs a{config.kind,   rows,           classes, predictions.data(), ids.data(),
               values.data(), weights.data(), d,       sums.data()};
    a.elements = elements.data();
    a.classWeights = classWeights.data();
    a.quantiles = quantiles.data();
    a.quantileCount = config.kind == LossKind::kQuantile ? 3 : 0;
    a.delta = 0.7f;
    a.labelSmoothing = weights.data() ? 0.2f : 0;
    a.full = weights.data() != nullptr;
    a.weighMetrics = a.full;
    return a;
  }

 private:
  static std::vector<int32_t> idsFrom(harness::Random& random, int rows, int classes) {
    std::vector<int32_t> ids(rows);
    for (int32_t& id : ids) id = random.below(classes + 1) - 1;  // some do not count
    return ids;
  }
  static std::vector<float> positive(harness::Random& random, int count) {
    std::vector<float> values = random.floats(count);
    for (float& value : values) value = std::fabs(value);
    return values;
  }
  LossCase(Device& device, LossKind kind, bool byIds, bool weighed, int theRows, int theClasses,
           harness::Random random)
      : rows(theRows),
        classes(theClasses),
        predictions(device, random.floats(rows * classes, 4)),
        values(device, byIds ? std::vector<float>{} : positive(random, rows * classes)),
        weights(device, weighed ? positive(random, rows) : std::vector<float>{}),
        classWeights(device, weighed ? positive(random, classes) : std::vector<float>{}),
        quantiles(device, {0.1f, 0.5f, 0.9f}),
        gradient(device, std::vector<float>(rows * classes, 5)),
        ids(device, idsFrom(random, byIds ? rows : 0, classes)),
        elements(device, byIds ? std::vector<double>{6.5} : std::vector<double>{}),
        sums(device, {{-1, -1, -1, -1, -1, -1}}) {
    config.kind = kind;
    if (kind == LossKind::kQuantile) config.quantiles = {0.1f, 0.5f, 0.9f};
  }
};

std::vector<float> asFloats(const LossSums& s) {
  std::vector<float> all;
  for (const double sum : {s.loss, s.correct, s.absoluteError, s.squaredError, s.logLikelihood, s.count})
    all.push_back(static_cast<float>(sum));
  return all;
}

std::vector<float> asFloats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

}  // namespace

TEST_ON_CUDA(
    "the CUDA host's losses agree with the CPU device, with weights, without a gradient, and in place") {
  for (const LossKind kind : kLosses)
    for (const bool ids : {false, true})
      for (const bool weighed : {false, true})
        for (const int variant : {0, 1, 2, 3}) {
          if (ids && kind != LossKind::kCrossEntropy) continue;
          compare(1e-5, "loss " + std::to_string(static_cast<int>(kind)), [&](Device& device) {
            const bool large = variant == 3;  // more than a block of rows, and of a row
            LossCase with(device, kind, ids, weighed, large ? 70 : 9, large ? 1230 : 6);
            float* d = variant == 2       ? with.predictions.data()
                       : variant % 2 == 1 ? with.gradient.data()
                                          : nullptr;
            device.loss(with.args(d));
            return std::vector{with.predictions.get(), with.gradient.get(), asFloats(with.sums.get()[0])};
          });
        }
}

TEST_ON_CUDA("the CUDA host's metric counts agree with the CPU device") {
  for (const LossKind kind : kLosses)
    for (const bool ids : {false, true})
      for (const bool weighed : {false, true})
        for (const int classes : {1, 6, 60}) {
          const bool numbers = kind != LossKind::kCrossEntropy && kind != LossKind::kBinaryCrossEntropy;
          if ((ids && kind != LossKind::kCrossEntropy) ||
              (classes == 1 && kind != LossKind::kBinaryCrossEntropy))
            continue;
          compare(1e-6, "metrics of loss " + std::to_string(static_cast<int>(kind)), [&](Device& device) {
            LossCase with(device, kind, ids, weighed, 40 * classes, classes);
            const int side = kind == LossKind::kBinaryCrossEntropy ? 2 : classes;
            const bool table = !numbers && (kind == LossKind::kCrossEntropy || classes == 1);
            const On<double> counts(device, std::vector<double>(numbers ? 0 : 3 * classes, -1)),
                confusion(device, std::vector<double>(table ? side * side : 0, -1)),
                ranked(device, std::vector<double>(kind == LossKind::kCrossEntropy ? 1 : 0, -1)),
                sums(device,
                     std::vector<double>(numbers ? 8 * classes / with.config.channelsPerTarget() : 0, -1));
            device.metrics({kind, with.rows, classes, with.config.channelsPerTarget(),
                            with.predictions.data(), with.ids.data(), with.values.data(), with.weights.data(),
                            counts.data(), confusion.data(), ranked.data(), 2, sums.data(), 0,
                            kind == LossKind::kQuantile ? 0 : -1, kind == LossKind::kQuantile ? 2 : -1,
                            1.5f});
            return std::vector{asFloats(counts.get()), asFloats(confusion.get()), asFloats(ranked.get()),
                               asFloats(sums.get())};
          });
        }
}

TEST_ON_CUDA(
    "the CUDA host's updates agree with the CPU device: optimizers, clips, penalties, frozen tensors, "
    "skipped steps") {
  const std::vector<TensorRow> rows = {
      {0, 5, true, 0, 0}, {8, 3, false, 0.1f, 0.1f}, {11, 6, true, 0.01f, 0.02f}};
  const int size = 17;
  for (const UpdateKind kind : {UpdateKind::kAdam, UpdateKind::kSgd})
    for (const ClipKind clip :
         {ClipKind::kNone, ClipKind::kGlobalNorm, ClipKind::kTensorNorm, ClipKind::kValue})
      for (const bool momentum : {false, true})
        compare(1e-6,
                "update " + std::to_string(static_cast<int>(kind)) + ", clip " +
                    std::to_string(static_cast<int>(clip)),
                [&](Device& device) {
                  harness::Random random(9);
                  std::vector<float> gap = random.floats(size);
                  for (int i = 5; i < 8; ++i) gap[i] = 0;
                  const On<float> params(device, gap), m(device, std::vector<float>(size)),
                      v(device, std::vector<float>(size));
                  On<float> grads(device, gap);
                  const On<UpdateSums> sums(device, {{-1, -1, -1, -1, -1}});
                  const On<StepScalars> scalars(device, {{0, 0.1f, 0, 1, 0, 0}});
                  UpdateConfig config;
                  config.kind = kind;
                  config.clip = clip;
                  config.clipLimit = 0.3f;
                  config.beta1 = 0.9f;
                  config.beta2 = 0.99f;
                  config.epsilon = 1e-7f;
                  config.momentum = momentum ? 0.8f : 0;
                  config.nesterov = momentum;
                  const bool adam = kind == UpdateKind::kAdam;
                  std::vector<std::vector<float>> results;
                  for (int step = 1; step <= 4; ++step) {
                    gap = random.floats(size);
                    for (int i = 5; i < 8; ++i) gap[i] = 0;
                    if (step == 3) gap[12] = INFINITY;  // a step that does not happen
                    grads.set(gap);
                    device.update({config, scalars.data(), rows, params.data(), grads.data(),
                                   adam || momentum ? m.data() : nullptr, adam ? v.data() : nullptr, nullptr,
                                   sums.data()});
                    const UpdateSums got = sums.get()[0];
                    results.insert(results.end(),
                                   {params.get(),
                                    grads.get(),
                                    m.get(),
                                    v.get(),
                                    {static_cast<float>(got.penalty), static_cast<float>(got.applied),
                                     static_cast<float>(got.step),
                                     step == 3 ? 0 : static_cast<float>(got.squaredNorm)}});
                  }
                  CHECK(scalars.get()[0].step == 3);
                  results.push_back({static_cast<float>(device.penalty(rows, params.data()))});
                  return results;
                });
}

TEST_ON_CUDA("a loss that is not finite keeps the CUDA host's update from happening") {
  onCuda([](Device& device) {
    const On<float> params(device, {1, 2}), grads(device, {3, 4});
    const On<LossSums> loss(device, {{NAN, 0, 0, 0, 0, 0}});
    const On<UpdateSums> sums(device, {{-1, -1, -1, -1, -1}});
    const On<StepScalars> scalars(device, {{0, 1, 7, 1, 0, 0}});
    const std::vector<TensorRow> rows = {{0, 2, true, 0, 0}};
    device.update(
        {{}, scalars.data(), rows, params.data(), grads.data(), nullptr, nullptr, loss.data(), sums.data()});
    CHECK(sums.get()[0].applied == 0 && sums.get()[0].step == 7 && scalars.get()[0].step == 7);
    CHECK((params.get() == std::vector<float>{1, 2}) && (grads.get() == std::vector<float>{0, 0}));
  });
}

TEST_ON_CUDA(
    "on the CUDA host a scaled gradient updates as the plain one, and a norm that is not finite halves the "
    "scale") {
  const std::vector<TensorRow> rows = {{0, 3, true, 0.01f, 0.1f}};
  UpdateConfig config;
  config.kind = UpdateKind::kAdam;
  config.clip = ClipKind::kGlobalNorm;
  config.clipLimit = 1;
  config.beta1 = 0.9f;
  config.beta2 = 0.999f;
  config.epsilon = 1e-8f;
  onCuda([&](Device& device) {
    std::vector<std::vector<float>> results;
    for (const float scale : {1.0f, 65536.0f}) {
      const On<float> params(device, {1, -2, 3}), m(device, {0, 0, 0}), v(device, {0, 0, 0});
      const On<float> grads(device, {0.5f * scale, 0.25f * scale, -4 * scale});
      const On<UpdateSums> sums(device, {{-1, -1, -1, -1, -1}});
      const On<StepScalars> scalars(device, {{0, 0.1f, 0, scale, 1998, 0}});
      UpdateArgs args{config,   scalars.data(), rows,    params.data(), grads.data(),
                      m.data(), v.data(),       nullptr, sums.data()};
      args.dynamicLossScale = scale != 1;
      device.update(args);
      const UpdateSums got = sums.get()[0];
      CHECK(got.applied == 1 && got.lossScale == scale);
      results.push_back(params.get());
      results.push_back(m.get());
      results.push_back(v.get());
      results.push_back({static_cast<float>(got.squaredNorm), static_cast<float>(got.penalty)});
      if (scale == 1) continue;
      CHECK(scalars.get()[0].lossScale == scale && scalars.get()[0].goodSteps == 1999);
      device.update(args);
      CHECK(scalars.get()[0].lossScale == 2 * scale && scalars.get()[0].goodSteps == 0);
      const std::vector<float> before = params.get();
      On<float> bad(device, {INFINITY, 0, 0});
      args.grads = bad.data();
      device.update(args);
      const StepScalars after = scalars.get()[0];
      CHECK(after.lossScale == scale && after.goodSteps == 0 && after.step == 2);
      CHECK(params.get() == before && (bad.get() == std::vector<float>{0, 0, 0}));
      const On<LossSums> loss(device, {{NAN, 0, 0, 0, 0, 0}});  // not the scale's doing
      args.loss = loss.data();
      device.update(args);
      CHECK(scalars.get()[0].lossScale == scale && scalars.get()[0].step == 2 && params.get() == before);
    }
    for (int i = 0; i < 4; ++i) CHECK(results[i] == results[i + 4]);
  });
}

TEST_ON_CUDA("the CUDA host's update writes the half copy of what learns") {
  const std::vector<TensorRow> rows = {{0, 2, true, 0, 0}, {2, 1, false, 0, 0}, {4, 1, true, 0, 0}};
  onCuda([&](Device& device) {
    for (const HalfKind kind : {HalfKind::kFp16, HalfKind::kBf16}) {
      const On<float> params(device, {1, 2, 3, 0, 4}), grads(device, {1, 1, 1, 0, 2});
      const On<UpdateSums> sums(device, {{-1, -1, -1, -1, -1}});
      const On<StepScalars> scalars(device, {{0, 0.5f, 0, 1, 0, 0}});
      const On<uint16_t> half(device, {7, 7, 7, 7, 7});
      UpdateArgs args{{},      scalars.data(), rows,    params.data(), grads.data(),
                      nullptr, nullptr,        nullptr, sums.data()};
      args.halfKind = kind;
      args.halfParams = half.data();
      device.update(args);
      CHECK((params.get() == std::vector<float>{0.5f, 1.5f, 3, 0, 3}));
      const bool fp16 = kind == HalfKind::kFp16;
      CHECK((half.get() == (fp16 ? std::vector<uint16_t>{0x3800, 0x3e00, 7, 7, 0x4200}
                                 : std::vector<uint16_t>{0x3f00, 0x3fc0, 7, 7, 0x4040})));
    }
  });
}

TEST_ON_CUDA("an update of no tensors counts on the CUDA host while the loss is finite") {
  onCuda([](Device& device) {
    On<LossSums> loss(device, {{1, 0, 0, 0, 0, 0}});
    const On<UpdateSums> sums(device, {{-1, -1, -1, -1, -1}});
    const On<StepScalars> scalars(device, {{0, 1, 7, 1, 0, 0}});
    for (const bool finite : {true, false}) {
      if (!finite) loss.set({{NAN, 0, 0, 0, 0, 0}});
      device.update({{}, scalars.data(), {}, nullptr, nullptr, nullptr, nullptr, loss.data(), sums.data()});
      const UpdateSums got = sums.get()[0];
      CHECK(got.applied == finite && got.squaredNorm == 0 && got.penalty == 0 && got.step == 8);
    }
    CHECK(device.penalty({}, nullptr) == 0);
  });
}

TEST_ON_CUDA(
    "the CUDA host copies rows with strides, adds, clears, and hands out zero memory aligned to 256 bytes") {
  onCuda([](Device& device) {
    const On<float> from(device, {1, 2, 3, 4, 5, 6}), to(device, std::vector<float>(8, 9));
    device.copyRows(to.data(), 4, from.data(), 3, 2, 2);
    CHECK((to.get() == std::vector<float>{1, 2, 9, 9, 4, 5, 9, 9}));
    device.add(to.data(), from.data(), 6);
    CHECK((to.get() == std::vector<float>{2, 4, 12, 13, 9, 11, 9, 9}));
    device.zero(to.data() + 1, 2 * sizeof(float));
    CHECK((to.get() == std::vector<float>{2, 0, 0, 13, 9, 11, 9, 9}));
    device.copyIn(to.data(), nullptr, 0);
    device.copyOut(nullptr, to.data(), 0);
    DeviceBuffer<float> fresh(device);
    fresh.reserve(1000);
    CHECK(reinterpret_cast<uintptr_t>(fresh.data()) % 256 == 0);
    std::vector<float> seen(1000, 1);
    device.copyOut(seen.data(), fresh.data(), 4000);
    for (const float value : seen) CHECK(value == 0);
    device.release(nullptr);
  });
}
