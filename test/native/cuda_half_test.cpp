#include <cmath>
#include <limits>

#include "cpu/cpu_device.h"
#include "cuda/elements/half.h"
#include "cuda_networks.h"
#include "cuda_support.h"
#include "engine/errors.h"
#include "engine/session.h"

using namespace lstm;

// fp16 and bf16 on the stand-in, which rounds whatever is half on the card.
namespace {

const CancelCheck kNever;

struct Half {
  const char* name;
  RuntimePrecision precision;
  int kind;
  double unit;  // half the distance from 1 to the next number
};
constexpr Half kHalves[] = {{"fp16: ", kPrecisionFp16, kHalfFp16, 0x1p-11},
                            {"bf16: ", kPrecisionBf16, kHalfBf16, 0x1p-8}};

cuda::CudaDeviceOptions in(const Half& half) {
  cuda::CudaDeviceOptions options;
  options.precision = half.precision;
  options.rnnAlgorithm = "standard";  // the fastest may be another one the second time
  return options;
}

// What the bits mean, by the formats' definition: sign, exponent, mantissa.
double meaningOf(int kind, uint16_t bits) {
  const int mantissaBits = kind == kHalfFp16 ? 10 : 7;
  const int bias = kind == kHalfFp16 ? 15 : 127;
  const int exponent = (bits & 0x7fff) >> mantissaBits;
  const int mantissa = bits & ((1 << mantissaBits) - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 2 * bias + 1) return mantissa ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissaBits);
  return sign * std::ldexp((1 << mantissaBits) + mantissa, exponent - bias - mantissaBits);
}

double greatestDifference(const std::vector<float>& a, const std::vector<float>& b) {
  double greatest = 0;
  for (size_t i = 0; i < a.size(); ++i) greatest = std::fmax(greatest, std::fabs(double{a[i]} - b[i]));
  return greatest;
}

struct Trace {
  std::vector<double> losses;
  std::vector<float> params;
};

// Two LSTM stacks with dropout of both kinds between an embedding and a dense head.
Trace train(Device& device, int steps) {
  Trace trace;
  Session session(tokenNetwork(), device);
  session.initialize();
  for (int step = 0; step < steps; ++step) {
    const auto [loss, update] = session.trainStep(tokenBatch(step), idTargets(step), adamUpdate(), kNever);
    trace.losses.push_back(loss.loss);
    harness::require(update.applied && update.step == step + 1, "the step counts");
  }
  session.read(ArenaKind::kParams, trace.params);
  return trace;
}

}  // namespace

TEST("every half means what IEEE 754 and bfloat16 define, and comes back from float32 as it was") {
  for (const Half& half : kHalves)
    for (int bits = 0; bits < 65536; ++bits) {
      const auto given = static_cast<uint16_t>(bits);
      const float value = elements::floatOfHalf(half.kind, given);
      const double expected = meaningOf(half.kind, given);
      if (std::isnan(expected)) {
        CHECK(std::isnan(value) && std::isnan(elements::throughHalf(half.kind, value)));
        continue;
      }
      CHECK(value == expected && std::signbit(value) == std::signbit(expected));
      CHECK(elements::halfBits(half.kind, value) == given);
    }
}

TEST("float32 is rounded to the nearer half, and from the middle to the even one") {
  for (const Half& half : kHalves) {
    const int infinite = half.kind == kHalfFp16 ? 0x7c00 : 0x7f80;
    for (int bits = 0; bits + 1 < infinite; ++bits) {
      const double low = meaningOf(half.kind, static_cast<uint16_t>(bits));
      const double high = meaningOf(half.kind, static_cast<uint16_t>(bits + 1));
      const auto middle = static_cast<float>((low + high) / 2);
      const uint16_t even = static_cast<uint16_t>(bits + (bits & 1));
      CHECK(elements::halfBits(half.kind, middle) == even);
      CHECK(elements::halfBits(half.kind, std::nextafter(middle, 0.0f)) == (middle > 0x1p-149f ? bits : 0));
      CHECK(elements::halfBits(half.kind, std::nextafter(middle, INFINITY)) == bits + 1);
    }
  }
  CHECK(elements::halfBits(kHalfFp16, 65519.996f) == 0x7bff);
  CHECK(elements::halfBits(kHalfFp16, 65520.0f) == 0x7c00);
  CHECK(elements::halfBits(kHalfBf16, std::numeric_limits<float>::max()) == 0x7f80);
}

TEST_ON_CUDA("a dense layer in half precision reads rounded factors and adds in float32") {
  for (const Half& half : kHalves)
    onCuda(in(half), [&](Device& device) {
      // 1 + unit lies between two halves and goes to the even one, 1; 3 + unit likewise.
      const auto off = static_cast<float>(half.unit);
      const On<float> x(device, {1 + off, 1}), weight(device, {3 + off, 1}), bias(device, {off});
      const On<float> y(device, {0}), dy(device, {1 + off}), dx(device, {0, 0});
      const On<float> dWeight(device, {off, 0}), dBias(device, {0});
      const auto op = device.makeDense({2, 1, Activation::kLinear});
      op->forward({1, weight.data(), bias.data(), 1, x.data(), y.data(), false});
      op->backward({1, weight.data(), 1, x.data(), y.data(), dy.data(), false, dx.data(), dWeight.data(),
                    dBias.data()});
      CHECK(y.get() == std::vector<float>{4 + off});
      CHECK((dx.get() == std::vector<float>{3, 1}));
      CHECK((dWeight.get() == std::vector<float>{1 + off, 1}));
      CHECK(dBias.get() == std::vector<float>{1 + off});
    });
}

TEST_ON_CUDA("what is written into the parameters reaches the next pass in half precision") {
  for (const Half& half : kHalves)
    onCuda(in(half), [&](Device& device) {
      On<float> weights(device, {9, 9, 9, 2, 3, 9});
      const On<float> x(device, {1, 10}), y(device, {0});
      const auto op = device.makeDense({2, 1, Activation::kLinear});
      const auto result = [&] {
        op->forward({1, weights.data() + 3, nullptr, 1, x.data(), y.data(), false});
        return y.get()[0];
      };
      CHECK(result() == 32);
      const float one = 5;
      device.copyIn(weights.data() + 4, &one, sizeof one);
      CHECK(result() == 52);
      const On<float> others(device, {7, 8});
      device.copyWithin(weights.data() + 3, others.data(), 2 * sizeof(float));
      CHECK(result() == 87);
      device.zero(weights.data() + 3, sizeof(float));
      CHECK(result() == 80);
    });
}

TEST_ON_CUDA("training in half precision stays near float32 training, and not on it") {
  const auto cpu = makeCpuDevice({1, ""});
  const Trace expected = train(*cpu, 8);
  for (const Half& half : kHalves) {
    onCuda(in(half), [&](Device& device) {
      const Trace actual = train(device, 8);
      for (size_t i = 0; i < expected.losses.size(); ++i)
        harness::require(
            std::fabs(actual.losses[i] - expected.losses[i]) <= 4 * half.unit * expected.losses[i],
            std::string(half.name) + "loss " + std::to_string(i) + " is " + std::to_string(actual.losses[i]) +
                ", expected " + std::to_string(expected.losses[i]));
      const double difference = greatestDifference(actual.params, expected.params);
      CHECK(difference > 0);
      // Adam moves a parameter by up to its learning rate a step, whatever its gradient's size.
      CHECK(difference <= 2 * 8 * adamUpdate().learningRate);
      const Trace again = train(device, 8);
      CHECK(again.losses == actual.losses && again.params == actual.params);
    });
  }
}

TEST_ON_CUDA("fp16 starts at a loss scale of 65536, bf16 and float32 have none") {
  const auto scaleOf = [](const cuda::CudaDeviceOptions& options) {
    float scale = 0;
    onCuda(options, [&](Device& device) {
      Session session(tokenNetwork(), device);
      session.initialize();
      scale = session.trainStep(tokenBatch(0), idTargets(0), adamUpdate(), kNever).second.lossScale;
    });
    return scale;
  };
  CHECK(scaleOf(in(kHalves[0])) == 65536);
  CHECK(scaleOf(in(kHalves[1])) == 1);
  CHECK(scaleOf({}) == 1);
}

TEST_ON_CUDA("an overflow of fp16 skips the step, halves the loss scale and leaves parameters and moments") {
  onCuda(in(kHalves[0]), [](Device& device) {
    Session session(featureNetwork(), device);
    session.initialize();
    session.trainStep(featureBatch(0), valueTargets(0), adamUpdate(), kNever);
    std::vector<float> params, m, after;
    session.read(ArenaKind::kParams, params);
    session.read(ArenaKind::kM, m);
    TargetInput far = valueTargets(1);  // an error of 1e4, scaled by 65536 / elements, is beyond 65504
    for (float& value : far.values) value += 1e4f;
    float scale = 65536;
    for (int skipped = 0; skipped < 3; ++skipped, scale /= 2) {
      const auto [loss, update] = session.trainStep(featureBatch(1), far, adamUpdate(), kNever);
      CHECK(std::isfinite(loss.loss) && !update.applied && update.step == 1 && update.lossScale == scale);
      session.read(ArenaKind::kParams, after);
      CHECK(after == params);
      session.read(ArenaKind::kM, after);
      CHECK(after == m);
    }
    const auto [loss, update] = session.trainStep(featureBatch(2), valueTargets(2), adamUpdate(), kNever);
    CHECK(update.applied && update.step == 2 && update.lossScale == scale);
  });
}

TEST_ON_CUDA(
    "gradients of fp16 come back finite and unscaled, also where the loss scale would overflow them") {
  const auto cpu = makeCpuDevice({1, ""});
  for (const float shift : {0.0f, 1e4f}) {
    const auto gradientsOf = [&](Device& device) {
      Session session(featureNetwork(), device);
      session.initialize();
      TargetInput targets = valueTargets(1);
      for (float& value : targets.values) value += shift;
      std::vector<float> gradients, dx;
      session.gradients(featureBatch(1), targets, gradients, dx, kNever);
      gradients.insert(gradients.end(), dx.begin(), dx.end());
      return gradients;
    };
    const std::vector<float> expected = gradientsOf(*cpu);
    double greatest = 0;
    for (const float value : expected) greatest = std::fmax(greatest, std::fabs(double{value}));
    onCuda(in(kHalves[0]), [&](Device& device) {
      CHECK(greatestDifference(gradientsOf(device), expected) <= 16 * kHalves[0].unit * greatest);
    });
  }
}

TEST_ON_CUDA("fp16's loss scale multiplies every output's gradient, each with its own weight") {
  const auto cpu = makeCpuDevice({1, ""});
  const auto gradientsOf = [&](Device& device) {
    Session session(headsNetwork(), device);
    session.initialize();
    std::vector<float> gradients, dx;
    session.gradients(tokenBatch(1), headTargets(1), gradients, dx, kNever);
    gradients.insert(gradients.end(), dx.begin(), dx.end());
    return gradients;
  };
  const auto trained = [&](Device& device) {
    Session session(headsNetwork(), device);
    session.initialize();
    const auto [loss, update] = session.trainStep(tokenBatch(1), headTargets(1), sgdUpdate(), kNever);
    CHECK(update.applied);
    std::vector<float> params;
    session.read(ArenaKind::kParams, params);
    return params;
  };
  const std::vector<float> expected = gradientsOf(*cpu), params = trained(*cpu);
  double greatest = 0;
  for (const float value : expected) greatest = std::fmax(greatest, std::fabs(double{value}));
  onCuda(in(kHalves[0]), [&](Device& device) {
    CHECK(greatestDifference(gradientsOf(device), expected) <= 16 * kHalves[0].unit * greatest);
    CHECK(greatestDifference(trained(device), params) <= 16 * kHalves[0].unit * greatest);
  });
}

TEST_ON_CUDA(
    "the caller's own gradient is not scaled, and its update neither reads nor moves the loss scale") {
  const auto cpu = makeCpuDevice({1, ""});
  const auto trained = [&](Device& device) {
    Session session(featureNetwork(), device);
    session.initialize();
    std::vector<float> y, states, dx, dStates, params;
    session.forward(featureBatch(0), true, y, states, kNever);
    session.backward(std::vector<float>(y.size(), 0.5f), {}, dx, dStates, kNever);
    CHECK(session.applyUpdate(sgdUpdate()).lossScale == 1);
    session.read(ArenaKind::kParams, params);
    return params;
  };
  const std::vector<float> expected = trained(*cpu);
  onCuda(in(kHalves[0]), [&](Device& device) {
    CHECK(greatestDifference(trained(device), expected) <= 64 * kHalves[0].unit);
  });
}

TEST("half precision is refused where the card lacks it, with what it needs") {
  const auto refusal = [](RuntimePrecision precision, int computeMajor) {
    standIn().reset();
    standIn().setDevice(computeMajor, uint64_t{1} << 30);
    cuda::CudaDeviceOptions options;
    options.precision = precision;
    try {
      cuda::makeCudaDevice(standIn().runtime, options);
    } catch (const InvalidArgument& refused) {
      return std::string(refused.what());
    }
    return std::string();
  };
  CHECK(refusal(kPrecisionBf16, 7).find("bf16 needs compute capability 8.0") != std::string::npos);
  CHECK(refusal(kPrecisionFp16, 5).find("fp16 needs compute capability 5.3") != std::string::npos);
  CHECK(refusal(kPrecisionFp16, 7).empty());
  CHECK(refusal(kPrecisionBf16, 8).empty());
  requireClean("");
}
