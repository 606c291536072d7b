#include <bit>
#include <cstdlib>
#include <limits>

#include "harness.h"

namespace {

using lstm::cpu::Kernels;
using lstm::cpu::Pointwise;

// Distance in units of the last place of the exact result, the denormals' spacing included.
double ulps(float actual, double exact) {
  const float nearest = static_cast<float>(exact);
  if (std::isinf(nearest) && actual == nearest) return 0;
  int exponent;
  std::frexp(exact, &exponent);
  const double unit = std::ldexp(1.0, std::max(exponent - 24, -149));
  return std::fabs(static_cast<double>(actual) - exact) / unit;
}

double exactExp(double x) {
  return std::exp(x);
}
double exactTanh(double x) {
  return std::tanh(x);
}
double exactSigmoid(double x) {
  const double e = std::exp(-std::fabs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

void apply(const Kernels& kernels, int function, float* values, int64_t count) {
  if (function == 0) kernels.exponential(values, values, count);
  if (function == 1) kernels.activate(Pointwise::kSigmoid, values, count);
  if (function == 2) kernels.activate(Pointwise::kTanh, values, count);
}

// Every `stride`-th float by its bits, NaNs left out.
double worstUlps(const Kernels& kernels, int function, double (*exact)(double), uint32_t stride) {
  constexpr int kBatch = 4096;
  static float in[kBatch], out[kBatch];
  double worst = 0;
  uint64_t bits = 0;
  while (bits < (uint64_t{1} << 32)) {
    int count = 0;
    for (; count < kBatch && bits < (uint64_t{1} << 32); bits += stride) {
      const float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
      if (!std::isnan(x)) in[count++] = x;
    }
    for (int i = 0; i < count; ++i) out[i] = in[i];
    apply(kernels, function, out, count);
    for (int i = 0; i < count; ++i) {
      const double expected = exact(in[i]);
      // exp beyond float: the right answer is Inf.
      if (std::isinf(static_cast<float>(expected))) {
        harness::require(std::isinf(out[i]) && out[i] > 0, "expected Inf at " + std::to_string(in[i]));
        continue;
      }
      const double error = ulps(out[i], expected);
      if (!(error <= worst)) worst = error;
      if (std::isnan(error)) throw harness::Failure{"NaN at " + std::to_string(in[i])};
    }
  }
  return worst;
}

// A prime stride visits all exponents and spreads over the mantissas; LSTM_ALL_FLOATS=1 takes every float.
uint32_t stride() {
  return std::getenv("LSTM_ALL_FLOATS") ? 1 : harness::kSanitized ? 30011 : 1009;
}

void requireWithin(int function, double (*exact)(double), double limit) {
  for (const Kernels* kernels : harness::allKernels()) {
    const double worst = worstUlps(*kernels, function, exact, stride());
    if (stride() == 1) std::printf("      %s: %.4f ulp\n", kernels->name, worst);
    harness::require(worst <= limit, std::string(kernels->name) + ": " + std::to_string(worst) + " ulp");
  }
}

}  // namespace

// The limits are what kernels/math.h states.
TEST("exp is within 1.1 ulp over the floats") {
  requireWithin(0, exactExp, 1.1);
}
TEST("sigmoid is within 2.5 ulp over the floats") {
  requireWithin(1, exactSigmoid, 2.5);
}
TEST("tanh is within 2.6 ulp over the floats") {
  requireWithin(2, exactTanh, 2.6);
}

TEST("exp, sigmoid and tanh keep NaN and have their limits at infinity") {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Kernels* kernels : harness::allKernels()) {
    for (int function = 0; function < 3; ++function) {
      float v[7] = {nan, inf, -inf, -0.0f, 1e30f, -1e30f, -nan};
      apply(*kernels, function, v, 7);
      CHECK(std::isnan(v[0]) && std::isnan(v[6]));
      const float high = function == 0 ? inf : 1.0f;
      const float low = function == 2 ? -1.0f : 0.0f;
      CHECK(v[1] == high && v[4] == high && v[2] == low && v[5] == low);
      CHECK(function == 2 ? v[3] == 0 && std::signbit(v[3]) : v[3] == (function == 0 ? 1.0f : 0.5f));
    }
  }
}
