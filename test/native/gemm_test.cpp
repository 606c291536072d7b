#include "cpu/gemm.h"

#include "harness.h"

namespace {

using namespace lstm::cpu;

struct Case {
  int m, n, k;
  int extraA, extraB, extraC;  // row strides beyond the width
  bool transposedA, transposedB;
  Start start;
  int threads;
};

std::string idOf(const Kernels& kernels, const Case& c) {
  return std::string(kernels.name) + " m" + std::to_string(c.m) + "n" + std::to_string(c.n) + "k" +
         std::to_string(c.k) + (c.transposedA ? " A^T" : "") + (c.transposedB ? " B^T" : "") + " start" +
         std::to_string(static_cast<int>(c.start)) + " threads" + std::to_string(c.threads);
}

std::vector<float> run(const Kernels& kernels, const Case& c, const std::vector<float>& a, int64_t lda,
                       const std::vector<float>& b, int64_t ldb, const std::vector<float>& start, int64_t ldc,
                       const std::vector<float>& bias) {
  std::vector<float> result = start;
  AlignedBuffer panels, scratch;
  panels.reserve(packedFloats(kernels, c.k, c.n));
  scratch.reserve(transposedScratchFloats(kernels) * c.threads);
  const PackedB packed =
      packedView(kernels, panels.data(), c.k, c.n, choosePanelVectors(kernels, c.n, c.threads));
  ThreadPool pool(c.threads);
  pool.run(c.threads, [&](const Team& team) {
    if (c.transposedB) {
      packTransposed(team, kernels, packed, b.data(), ldb);
    } else {
      packRows(team, kernels, packed, b.data(), ldb);
    }
    team.wait();
    if (c.transposedA) {
      const TransposedProduct product = {packed, result.data(), ldc};
      multiplyTransposed(team, kernels, c.m, a.data(), lda, {&product, 1},
                         scratch.data() + transposedScratchFloats(kernels) * team.index());
    } else {
      multiply(team, kernels, c.m, a.data(), lda, packed, result.data(), ldc, c.start, bias.data());
    }
  });
  return result;
}

void check(const Kernels& kernels, const Case& c) {
  harness::Random random(c.m * 7919 + c.n * 104729 + c.k);
  const int64_t lda = (c.transposedA ? c.m : c.k) + c.extraA;
  const int64_t ldb = (c.transposedB ? c.k : c.n) + c.extraB;
  const int64_t ldc = c.n + c.extraC;
  const std::vector<float> a = random.floats((c.transposedA ? c.k : c.m) * lda);
  const std::vector<float> b = random.floats((c.transposedB ? c.n : c.k) * ldb);
  const std::vector<float> start = random.floats(c.m * ldc);
  const std::vector<float> bias = random.floats(c.n);
  std::vector<double> expected(start.begin(), start.end());  // what lies between rows must stay
  for (int i = 0; i < c.m; ++i)
    for (int j = 0; j < c.n; ++j) {
      const bool accumulates = c.transposedA || c.start == Start::kAccumulate;
      double sum = accumulates ? start[i * ldc + j] : c.start == Start::kBias ? bias[j] : 0;
      for (int k = 0; k < c.k; ++k)
        sum += static_cast<double>(c.transposedA ? a[k * lda + i] : a[i * lda + k]) *
               (c.transposedB ? b[j * ldb + k] : b[k * ldb + j]);
      expected[i * ldc + j] = sum;
    }
  const std::vector<float> result = run(kernels, c, a, lda, b, ldb, start, ldc, bias);
  // float32 sums of k products of size 1: a random walk of rounding errors, 6e-8 sqrt(k) each way.
  harness::requireClose(result.data(), expected, 4e-7 * std::sqrt(c.k) + 1e-6, idOf(kernels, c));
  Case more = c;
  more.threads = c.threads + 1;
  CHECK(run(kernels, more, a, lda, b, ldb, start, ldc, bias) == result);
}

}  // namespace

TEST(
    "products agree with a double loop at odd sizes, strides and starts, with the same bits on any threads") {
  harness::Random random(3);
  const int sizes[] = {1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 48, 49, 64, 97, 130};
  for (const Kernels* kernels : harness::allKernels()) {
    for (int round = 0; round < 120; ++round) {
      Case c{};
      c.m = sizes[random.below(15)];
      c.n = sizes[random.below(15)];
      c.k = sizes[random.below(15)];
      c.extraA = random.below(5);
      c.extraB = random.below(5);
      c.extraC = random.below(5);
      c.transposedA = round % 3 == 0;
      c.transposedB = random.below(2);
      c.start = static_cast<Start>(random.below(3));
      c.threads = 1 + random.below(3);
      check(*kernels, c);
    }
    check(*kernels, {401, 33, 19, 0, 0, 0, false, true, Start::kBias, 2});
    check(*kernels, {37, 50, 700, 1, 2, 3, false, true, Start::kZero, 2});
    check(*kernels, {200, 65, 1111, 0, 0, 0, true, false, Start::kAccumulate, 3});
  }
}

TEST(
    "products with a B that outgrows the second-level cache are the same, though one thread fetches it "
    "ahead") {
  for (const Kernels* kernels : harness::allKernels()) {
    check(*kernels, {7, 301, 700, 1, 0, 2, false, true, Start::kBias, 1});
    check(*kernels, {13, 301, 700, 0, 1, 3, true, false, Start::kAccumulate, 1});
  }
}
