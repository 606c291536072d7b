#include "engine/initializer.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace lstm {
namespace {

// In (0, 1): never 0, so its logarithm is finite.
double uniform01(const RandomKey& key, uint64_t element) {
  return (static_cast<double>(philoxWord(key, element)) + 0.5) * 0x1p-32;
}

// Box & Muller 1958; elements 2k and 2k+1 share one pair of uniform draws.
double normal01(const RandomKey& key, uint64_t element) {
  const uint64_t pair = element & ~uint64_t{1};
  const double radius = std::sqrt(-2 * std::log(uniform01(key, pair)));
  const double angle = 2 * std::numbers::pi * uniform01(key, pair + 1);
  return radius * (element & 1 ? std::sin(angle) : std::cos(angle));
}

double dot(const double* a, const double* b, int64_t n) {
  double sum[4] = {0, 0, 0, 0};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; ++k) sum[k] += a[i + k] * b[i + k];
  for (; i < n; ++i) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// One pass of modified Gram-Schmidt of `vector` against the `count` orthonormal vectors before it.
void project(double* vector, const double* basis, int64_t count, int64_t n) {
  for (int64_t j = 0; j < count; ++j) {
    const double* q = basis + j * n;
    const double c = dot(vector, q, n);
    for (int64_t i = 0; i < n; ++i) vector[i] -= c * q[i];
  }
}

void orthogonal(double gain, const RandomKey& key, int64_t rows, int64_t columns, std::span<float> out) {
  const int64_t count = std::min(rows, columns);
  const int64_t n = std::max(rows, columns);
  std::vector<double> basis(count * n);
  for (int64_t i = 0; i < count * n; ++i) basis[i] = normal01(key, i);
  for (int64_t k = 0; k < count; ++k) {
    double* vector = basis.data() + k * n;
    const double before = std::sqrt(dot(vector, vector, n));
    project(vector, basis.data(), k, n);
    // A second pass only where cancellation cost digits (Daniel, Gragg, Kaufman & Stewart 1976).
    if (std::sqrt(dot(vector, vector, n)) < 0.5 * before) project(vector, basis.data(), k, n);
    const double scale = 1 / std::sqrt(dot(vector, vector, n));
    for (int64_t i = 0; i < n; ++i) vector[i] *= scale;
  }
  const bool byRows = rows <= columns;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      out[r * columns + c] = static_cast<float>(gain * (byRows ? basis[r * n + c] : basis[c * n + r]));
}

}  // namespace

void initialize(const Initializer& initializer, const RandomKey& key, int64_t rows, int64_t columns,
                std::span<float> out) {
  const double a = initializer.a;
  const double b = initializer.b;
  const auto fillUniform = [&](double low, double high) {
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<float>(low + (high - low) * uniform01(key, i));
  };
  switch (initializer.kind) {
    case InitializerKind::kXavier: {
      const double bound = std::sqrt(6.0 / static_cast<double>(rows + columns));
      return fillUniform(-bound, bound);
    }
    case InitializerKind::kOrthogonal:
      return orthogonal(a, key, rows, columns, out);
    case InitializerKind::kUniform:
      return fillUniform(a, b);
    case InitializerKind::kNormal:
      for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(a + b * normal01(key, i));
      return;
    case InitializerKind::kConstant:
      std::fill(out.begin(), out.end(), static_cast<float>(a));
      return;
  }
}

}  // namespace lstm
