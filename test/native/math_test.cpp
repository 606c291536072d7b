#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstdio>
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

// Floats by their bits.
struct Sweep {
  uint64_t begin = 0;
  uint64_t end = uint64_t{1} << 32;
  uint32_t stride =
      harness::kSanitized ? 30011 : 1009;  // a prime visits all exponents and spreads over the mantissas
};

// LSTM_ALL_FLOATS=1 takes every float, LSTM_ALL_FLOATS=3/16 every one of the third sixteenth.
Sweep sweep() {
  const char* all = std::getenv("LSTM_ALL_FLOATS");
  if (!all) return {};
  uint64_t part = 1, parts = 1;
  std::sscanf(all, "%" SCNu64 "/%" SCNu64, &part, &parts);
  const uint64_t floats = uint64_t{1} << 32;
  return {floats * (part - 1) / parts, floats * part / parts, 1};
}

void include(double& worst, float actual, float x, double expected) {
  // exp beyond float: the right answer is Inf.
  if (std::isinf(static_cast<float>(expected))) {
    if (!std::isinf(actual) || actual < 0) throw harness::Failure{"expected Inf at " + std::to_string(x)};
    return;
  }
  const double error = ulps(actual, expected);
  if (std::isnan(error)) throw harness::Failure{"NaN at " + std::to_string(x)};
  worst = std::max(worst, error);
}

// Of every instruction set; NaNs are left out.
std::vector<double> worstUlps(int function, double (*exact)(double), const Sweep& floats) {
  constexpr int kBatch = 4096;
  static float in[kBatch], out[kBatch];
  static double expected[kBatch];
  const std::vector<const Kernels*> all = harness::allKernels();
  std::vector<double> worst(all.size(), 0);
  uint64_t bits = floats.begin;
  while (bits < floats.end) {
    int count = 0;
    for (; count < kBatch && bits < floats.end; bits += floats.stride) {
      const float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
      if (!std::isnan(x)) in[count++] = x;
    }
    for (int i = 0; i < count; ++i) expected[i] = exact(in[i]);
    for (size_t set = 0; set < all.size(); ++set) {
      std::copy(in, in + count, out);
      apply(*all[set], function, out, count);
      for (int i = 0; i < count; ++i) include(worst[set], out[i], in[i], expected[i]);
    }
  }
  return worst;
}

void requireWithin(int function, double (*exact)(double), double limit) {
  const Sweep floats = sweep();
  const std::vector<double> worst = worstUlps(function, exact, floats);
  for (size_t set = 0; set < worst.size(); ++set) {
    const char* name = harness::allKernels()[set]->name;
    if (floats.stride == 1) std::printf("      %s: %.4f ulp\n", name, worst[set]);
    harness::require(worst[set] <= limit, std::string(name) + ": " + std::to_string(worst[set]) + " ulp");
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
