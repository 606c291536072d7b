#include "cpu/cpu_device.h"
#include "engine/errors.h"
#include "harness.h"
#include "shapes.h"

using namespace lstm;

namespace {

double activated(Activation activation, double z) {
  switch (activation) {
    case Activation::kRelu:
      return z > 0 ? z : 0;
    case Activation::kTanh:
      return std::tanh(z);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-z));
    default:
      return z;
  }
}

double slope(Activation activation, double y) {
  switch (activation) {
    case Activation::kRelu:
      return y > 0;
    case Activation::kTanh:
      return 1 - y * y;
    case Activation::kSigmoid:
      return y * (1 - y);
    default:
      return 1;
  }
}

void checkDense(Device& device, Activation activation, bool logits, int rows, int in, int units) {
  harness::Random random(rows * 100 + units);
  const std::vector<float> x = random.floats(rows * in), w = random.floats(units * in),
                           b = random.floats(units);
  const std::vector<float> dy = random.floats(rows * units), dwStart = random.floats(units * in);
  std::vector<double> y(rows * units), dz(rows * units), dx(rows * in), dw(dwStart.begin(), dwStart.end()),
      db(units);
  for (int r = 0; r < rows; ++r) {
    double* row = &y[r * units];
    for (int u = 0; u < units; ++u) {
      double z = b[u];
      for (int i = 0; i < in; ++i) z += static_cast<double>(x[r * in + i]) * w[u * in + i];
      row[u] = logits ? z : activated(activation, z);
    }
    if (activation == Activation::kSoftmax && !logits) {
      double sum = 0;
      for (int u = 0; u < units; ++u) sum += row[u] = std::exp(row[u]);
      for (int u = 0; u < units; ++u) row[u] /= sum;
    }
    double dot = 0;
    for (int u = 0; u < units; ++u) dot += row[u] * dy[r * units + u];
    for (int u = 0; u < units; ++u) {
      const double d = dy[r * units + u];
      dz[r * units + u] = logits                               ? d
                          : activation == Activation::kSoftmax ? row[u] * (d - dot)
                                                               : d * slope(activation, row[u]);
      db[u] += dz[r * units + u];
      for (int i = 0; i < in; ++i) {
        dx[r * in + i] += dz[r * units + u] * w[u * in + i];
        dw[u * in + i] += dz[r * units + u] * x[r * in + i];
      }
    }
  }
  const auto op = device.makeDense({in, units, activation});
  std::vector<float> yGot(rows * units), dyGot = dy, dxGot(rows * in), dwGot = dwStart, dbGot(units);
  op->forward({rows, w.data(), b.data(), 1, x.data(), yGot.data(), logits});
  harness::requireClose(yGot.data(), y, 1e-5, "y");
  op->backward({rows, w.data(), 1, x.data(), yGot.data(), dyGot.data(), logits, dxGot.data(), dwGot.data(),
                dbGot.data()});
  harness::requireClose(dyGot.data(), dz, 1e-5, "dz");
  harness::requireClose(dxGot.data(), dx, 1e-5, "dx");
  harness::requireClose(dwGot.data(), dw, 1e-5, "dWeight");
  harness::requireClose(dbGot.data(), db, 1e-5, "dBias");
}

}  // namespace

TEST("dense layers agree with double loops, forward and backward, for every activation") {
  for (const cpu::Kernels* kernels : harness::allKernels())
    for (int threads : {1, 2}) {
      const auto device = cpu::makeDeviceOn(*kernels, threads);
      for (Activation activation : {Activation::kLinear, Activation::kRelu, Activation::kTanh,
                                    Activation::kSigmoid, Activation::kSoftmax})
        for (bool logits : {false, true}) {
          checkDense(*device, activation, logits, 1, 3, 2);
          checkDense(*device, activation, logits, 37, 19, 33);
        }
      checkDense(*device, Activation::kTanh, false, 300, 130, 50);
    }
}

TEST("a dense layer sees new weights when their version changes") {
  const auto device = makeCpuDevice({1, ""});
  const auto op = device->makeDense({1, 1, Activation::kLinear});
  float w = 2, x = 3, y = 0;
  op->forward({1, &w, nullptr, 1, &x, &y, false});
  CHECK(y == 6);
  w = 5;
  op->forward({1, &w, nullptr, 2, &x, &y, false});
  CHECK(y == 15);
}

TEST("softmax of huge logits is finite and sums to 1") {
  const auto device = makeCpuDevice({1, ""});
  const auto op = device->makeDense({1, 3, Activation::kSoftmax});
  const float w[3] = {1e4f, -1e4f, 1e4f}, x = 100;
  float y[3];
  op->forward({1, w, nullptr, 1, &x, y, false});
  CHECK(y[0] == 0.5f && y[1] == 0 && y[2] == 0.5f);
}

TEST("an embedding copies table rows, and its gradient adds them up with the same bits on any threads") {
  const int rows = 200, vocab = 11, size = 37;
  harness::Random random(1);
  const std::vector<float> table = random.floats(vocab * size), dy = random.floats(rows * size);
  std::vector<int32_t> tokens(rows);
  for (int32_t& token : tokens) token = random.below(vocab);
  std::vector<float> first;
  for (int threads : {1, 2, 3}) {
    const auto device = makeCpuDevice({threads, ""});
    std::vector<float> y(rows * size), d(vocab * size, 1.0f);
    std::vector<float> expected(vocab * size, 1.0f);
    device->embeddingForward(rows, size, tokens.data(), table.data(), y.data());
    device->embeddingBackward(rows, vocab, size, tokens.data(), dy.data(), d.data());
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < size; ++c) {
        CHECK(y[r * size + c] == table[tokens[r] * size + c]);
        expected[tokens[r] * size + c] += dy[r * size + c];
      }
    CHECK(d == expected);
  }
}

TEST("pooling takes each sequence's own last, mean and greatest step, and sends gradients back there") {
  const BatchShape shape = shapeOf(4, 6, {2, 6, 1, 4});
  const int channels = 5;
  harness::Random random(8);
  const std::vector<float> x = random.floats(shape.rows * channels), dy = random.floats(4 * channels);
  for (int threads : {1, 2}) {
    const auto device = makeCpuDevice({threads, ""});
    for (PoolMode mode : {PoolMode::kLast, PoolMode::kMean, PoolMode::kMax}) {
      std::vector<float> y(4 * channels), dx(x.size(), 99.0f);
      std::vector<int32_t> argmax(4 * channels);
      const PoolArgs args = {mode, shape, channels};
      device->poolForward(args, x.data(), y.data(), argmax.data());
      device->poolBackward(args, dy.data(), argmax.data(), dx.data());
      for (int n = 0; n < 4; ++n)
        for (int c = 0; c < channels; ++c) {
          const int length = shape.lengths[n];
          int best = 0;
          double mean = 0;
          const auto at = [&](int t) { return (shape.rowOffset[t] + n) * channels + c; };
          for (int t = 0; t < length; ++t) {
            mean += x[at(t)] / static_cast<double>(length);
            if (x[at(t)] > x[at(best)]) best = t;
          }
          const double expected =
              mode == PoolMode::kMean ? mean : x[at(mode == PoolMode::kLast ? length - 1 : best)];
          CHECK(std::fabs(y[n * channels + c] - expected) < 1e-6);
          for (int t = 0; t < length; ++t) {
            const bool here = t == (mode == PoolMode::kLast ? length - 1 : best);
            const double d = dy[n * channels + c];
            CHECK(std::fabs(dx[at(t)] - (mode == PoolMode::kMean ? d / length : here ? d : 0)) < 1e-6);
          }
        }
    }
  }
}

TEST("of equal maxima the earliest step is taken") {
  const BatchShape shape = shapeOf(1, 3);
  const float x[3] = {2, 2, 1};
  float y;
  int32_t argmax;
  makeCpuDevice({1, ""})->poolForward({PoolMode::kMax, shape, 1}, x, &y, &argmax);
  CHECK(y == 2 && argmax == 0);
}

TEST("a device refuses unknown instruction sets and thread counts outside 1..256") {
  for (const CpuDeviceOptions& options :
       {CpuDeviceOptions{0, ""}, CpuDeviceOptions{257, ""}, CpuDeviceOptions{1, "mmx"}}) {
    bool refused = false;
    try {
      makeCpuDevice(options);
    } catch (const InvalidArgument&) {
      refused = true;
    }
    CHECK(refused);
  }
  CHECK(cpuInstructionSets().back() == "baseline");
}

TEST("memory is aligned to 64 bytes and zero, and a request beyond the address space is a typed error") {
  const auto device = makeCpuDevice({1, ""});
  float* memory = static_cast<float*>(device->allocate(1000));
  CHECK(reinterpret_cast<uintptr_t>(memory) % 64 == 0);
  for (int i = 0; i < 250; ++i) CHECK(memory[i] == 0);
  device->release(memory);
  device->release(nullptr);
  bool refused = false;
  try {
    device->allocate(~size_t{0} / 2);
  } catch (const OutOfMemory& error) {
    refused = error.details().count("requestedBytes") == 1;
  }
  CHECK(refused);
}
