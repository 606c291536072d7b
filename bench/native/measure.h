#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "cpu/kernels.h"

namespace bench {

inline double nowMs() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Milliseconds of each run after three to warm up, for about `seconds`.
template <typename Body>
std::vector<double> timesMs(double seconds, Body&& body) {
  std::vector<double> times;
  for (int warm = 0; warm < 3; ++warm) body();
  const double end = nowMs() + 1e3 * seconds;
  while (times.size() < 5 || nowMs() < end) {
    const double start = nowMs();
    body();
    times.push_back(nowMs() - start);
  }
  return times;
}

template <typename Body>
double minimumMs(double seconds, Body&& body) {
  const std::vector<double> times = timesMs(seconds, body);
  return *std::min_element(times.begin(), times.end());
}

// GFLOP/s of one full tile times one panel, both in L1: multiply-adds at the rate of the core's units, as a
// chain of 12 or 24 accumulators hides their latency and no load misses.
inline double tilePeakGflops(const lstm::cpu::Kernels& kernels) {
  const int n = kernels.panelVectors * kernels.width;
  const int k = kernels.blockK / 2;
  std::vector<float> a(kernels.tileRows * k, 0.5f), b(n * k, 0.5f), c(kernels.tileRows * n);
  lstm::cpu::PanelProduct p{};
  p.m = kernels.tileRows;
  p.k = k;
  p.a = a.data();
  p.lda = k;
  p.panel = b.data();
  p.vectors = kernels.panelVectors;
  p.columns = n;
  p.c = c.data();
  p.ldc = n;
  const double ms = minimumMs(0.3, [&] {
    for (int i = 0; i < 1000; ++i) kernels.productRows(p);
  });
  return 2e-6 * 1000 * kernels.tileRows * n * k / ms;
}

}  // namespace bench
