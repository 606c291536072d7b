#include <cmath>

#include "cuda_support.h"
#include "shapes.h"

using namespace lstm;

// Sizes around what a GPU's kernels divide their work by: 16-byte vectors, warps of 32, blocks of up to 1,024, grids
// that wrap around. On the stand-in they are only larger loops.
namespace {

constexpr int kRows[] = {1, 31, 33, 700};
constexpr int kChannels[] = {1, 3, 4, 33, 1025};

std::string idOf(int rows, int channels) {
  return std::to_string(rows) + " x " + std::to_string(channels);
}

}  // namespace

TEST_ON_CUDA("activations and dense layers of every size agree with the CPU device") {
  for (const Activation activation : {Activation::kTanh, Activation::kRelu, Activation::kSoftmax})
    for (const int rows : kRows)
      for (const int units : {1, 3, 33, 257})
        compare(3e-5, "dense " + idOf(rows, units), [&](Device& device) {
          harness::Random random(11);
          const int in = 9;
          const On<float> x(device, random.floats(rows * in)), w(device, random.floats(units * in));
          const On<float> b(device, random.floats(units)), y(device, std::vector<float>(rows * units, NAN));
          const On<float> dy(device, random.floats(rows * units)), dw(device, random.floats(units * in));
          const On<float> db(device, random.floats(units)), dx(device, std::vector<float>(rows * in, NAN));
          const auto op = device.makeDense({in, units, activation});
          op->forward({rows, w.data(), b.data(), 1, x.data(), y.data(), false});
          op->backward(
              {rows, w.data(), 1, x.data(), y.data(), dy.data(), false, dx.data(), dw.data(), db.data()});
          return std::vector{y.get(), dy.get(), dw.get(), db.get(), dx.get()};
        });
}

TEST_ON_CUDA(
    "embeddings of every size, with one token in every row too, agree with the CPU device to the bit") {
  for (const int vocab : {1, 40})
    for (const int rows : kRows)
      for (const int size : kChannels)
        compare(0, "embedding " + idOf(rows, size), [&](Device& device) {
          harness::Random random(12);
          std::vector<int32_t> ids(rows);
          for (int32_t& id : ids) id = random.below(vocab);
          const On<int32_t> tokens(device, ids);
          const On<float> table(device, random.floats(vocab * size)), dTable(device, table.get());
          const On<float> y(device, std::vector<float>(rows * size, NAN)),
              dy(device, random.floats(rows * size));
          device.embeddingForward(rows, size, tokens.data(), table.data(), y.data());
          device.embeddingBackward(rows, vocab, size, tokens.data(), dy.data(), dTable.data());
          return std::vector{y.get(), dTable.get()};
        });
}

TEST_ON_CUDA(
    "dropout and sums of every size agree with the CPU device to the bit, also off 16-byte addresses") {
  for (const int rows : kRows)
    for (const int channels : kChannels)
      for (const int shift : {0, 1})
        compare(0, "dropout " + idOf(rows, channels), [&](Device& device) {
          harness::Random random(13);
          const int64_t size = int64_t{rows} * channels;
          const On<float> x(device, random.floats(size + shift)),
              y(device, std::vector<float>(size + shift, 2));
          device.dropout({rows, channels, 0.4f, {1, 2, 3}, nullptr, x.data() + shift, y.data() + shift});
          const std::vector<float> dropped = y.get();
          device.add(y.data() + shift, x.data() + shift, size);
          return std::vector{dropped, y.get()};
        });
}

TEST_ON_CUDA("pooling of every size agrees with the CPU device") {
  for (const PoolMode mode : {PoolMode::kLast, PoolMode::kMean, PoolMode::kMax})
    for (const int channels : kChannels)
      for (const BatchShape& shape : {shapeOf(1, 40), shapeOf(33, 6)})
        compare(1e-5, "pool " + idOf(shape.batchSize, channels), [&](Device& device) {
          harness::Random random(14);
          const int64_t pooled = int64_t{shape.batchSize} * channels;
          const On<float> x(device, random.floats(shape.rows * channels)), dx(device, x.get());
          const On<float> y(device, std::vector<float>(pooled, NAN)), dy(device, random.floats(pooled));
          const On<int32_t> argmax(device, std::vector<int32_t>(pooled, 0));
          device.poolForward({mode, shape, channels}, x.data(), y.data(), argmax.data());
          device.poolBackward({mode, shape, channels}, dy.data(), argmax.data(), dx.data());
          return std::vector{y.get(), dx.get()};
        });
}

TEST_ON_CUDA("rows dropped whole, of every size, agree with the CPU device to the bit") {
  for (const int rows : kRows)
    for (const int channels : kChannels)
      compare(0, "rows " + idOf(rows, channels), [&](Device& device) {
        harness::Random random(16);
        std::vector<int32_t> keys(rows);
        for (int32_t& key : keys) key = random.below(50);
        const On<int32_t> rowKeys(device, keys);
        const On<float> x(device, random.floats(rows * channels)),
            y(device, std::vector<float>(x.get().size(), NAN));
        device.dropout(
            {rows, channels, 0.5f, {1, 2, 3}, nullptr, x.data(), y.data(), nullptr, rowKeys.data()});
        return std::vector<std::vector<float>>{y.get()};
      });
}

TEST_ON_CUDA(
    "activation regularizers of every size, of sequences and of vectors, agree with the CPU device") {
  for (const int channels : kChannels)
    for (const BatchShape& shape : {shapeOf(1, 1), shapeOf(4, 9, {1, 9, 3, 3}), shapeOf(33, 12)})
      for (const bool vectors : {false, true})
        compare(1e-6, "regularizer " + idOf(shape.batchSize, channels), [&](Device& device) {
          harness::Random random(17);
          const int64_t size = shape.rows * channels;
          const On<float> y(device, random.floats(size)), dy(device, random.floats(size));
          const On<double> sum(device, {0.25});
          const On<StepScalars> scalars(device, {{0, 0, 0, 1, 0}});
          const float tar = vectors ? 0 : 0.7f;
          device.activationRegularizer({vectors ? nullptr : &shape, shape.rows, channels, 0.3f, tar, y.data(),
                                        dy.data(), sum.data(), 1, scalars.data()});
          return std::vector<std::vector<float>>{dy.get(), {static_cast<float>(sum.get()[0])}};
        });
}

TEST_ON_CUDA("updates of every size, with tensors off 16-byte places, agree with the CPU device") {
  const std::vector<TensorRow> rows = {
      {0, 1, true, 0, 0}, {3, 33, true, 0.01f, 0}, {37, 1025, true, 0, 0.1f}, {1063, 70001, true, 0, 0}};
  const int64_t size = 1063 + 70001;
  for (const UpdateKind kind : {UpdateKind::kAdam, UpdateKind::kSgd})
    for (const ClipKind clip : {ClipKind::kGlobalNorm, ClipKind::kTensorNorm})
      compare(1e-5, "update " + std::to_string(static_cast<int>(kind)), [&](Device& device) {
        harness::Random random(18);
        std::vector<float> gaps(size, 0.0f);  // what lies between tensors is 0
        const auto drawn = [&](double scale) {
          std::vector<float> values = random.floats(size, scale);
          for (const int64_t at : {1, 2, 36, 1062}) values[at] = 0;
          return values;
        };
        const On<float> params(device, drawn(1)), grads(device, drawn(0.1)), m(device, gaps), v(device, gaps);
        const On<UpdateSums> sums(device, {{-1, -1, -1, -1, -1}});
        const On<StepScalars> scalars(device, {{0, 0.01f, 0, 1, 0, 0}});
        UpdateArgs args{};
        args.config.kind = kind;
        args.config.clip = clip;
        args.config.clipLimit = 0.5f;
        args.config.beta1 = 0.9f;
        args.config.beta2 = 0.99f;
        args.config.epsilon = 1e-3f;  // so that no near-zero gradient moves its weight by a whole step
        args.config.momentum = 0.9f;
        args.scalars = scalars.data();
        args.rows = rows;
        args.params = params.data();
        args.grads = grads.data();
        args.m = m.data();
        args.v = kind == UpdateKind::kAdam ? v.data() : nullptr;
        args.sums = sums.data();
        device.update(args);
        const UpdateSums got = sums.get()[0];
        return std::vector<std::vector<float>>{
            params.get(),
            grads.get(),
            m.get(),
            v.get(),
            {static_cast<float>(got.squaredNorm), static_cast<float>(got.penalty)}};
      });
}

TEST_ON_CUDA("crossEntropy of few and of many classes agrees with the CPU device") {
  for (const int classes : {2, 33, 1000, 5000})
    for (const int rows : {1, 33, 70})
      compare(1e-5, "classes " + idOf(rows, classes), [&](Device& device) {
        harness::Random random(19);
        std::vector<int32_t> ids(rows);
        for (int32_t& id : ids) id = random.below(classes);
        const On<int32_t> onIds(device, ids);
        const On<float> logits(device, random.floats(rows * classes, 5)), gradient(device, logits.get());
        const On<LossSums> sums(device, {{-1, -1, -1, -1, -1, -1}});
        LossArgs args{};
        args.kind = LossKind::kCrossEntropy;
        args.rows = rows;
        args.classes = classes;
        args.predictions = logits.data();
        args.ids = onIds.data();
        args.dPredictions = gradient.data();
        args.sums = sums.data();
        device.loss(args);
        const LossSums got = sums.get()[0];
        return std::vector<std::vector<float>>{
            gradient.get(), {static_cast<float>(got.loss), static_cast<float>(got.correct)}};
      });
}
