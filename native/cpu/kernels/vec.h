#pragma once

#include <stdint.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

// Vectors by the compiler's vector types. The namespace carries the instruction set's name, and everything
// here is internal to its file, so that two builds of one source never meet in the linker.
#define LSTM_INLINE static inline __attribute__((always_inline, unused))

#if !defined(LSTM_VECTOR_WIDTH)
#if defined(__AVX512F__)
#define LSTM_VECTOR_WIDTH 16
#elif defined(__AVX2__)
#define LSTM_VECTOR_WIDTH 8
#else
#define LSTM_VECTOR_WIDTH 4
#endif
#endif

namespace lstm::cpu::LSTM_ARCH {

constexpr int W = LSTM_VECTOR_WIDTH;

typedef float Vec __attribute__((vector_size(W * 4)));
typedef int32_t IntVec __attribute__((vector_size(W * 4)));
typedef uint32_t UintVec __attribute__((vector_size(W * 4)));

LSTM_INLINE Vec splat(float x) {
  return x - Vec{};
}  // x - 0 is x for every x, and compiles to a broadcast

LSTM_INLINE Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

LSTM_INLINE void store(float* p, Vec v) {
  __builtin_memcpy(p, &v, sizeof v);
}

#if LSTM_VECTOR_WIDTH == 8 && defined(__AVX2__)
alignas(32) static const int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
LSTM_INLINE __m256i maskOf(int n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - n));
}
#endif

// The first n lanes, 1 <= n <= W; the others zero. Never touches memory behind them.
LSTM_INLINE Vec loadPartial(const float* p, int n) {
#if LSTM_VECTOR_WIDTH == 16 && defined(__AVX512F__)
  return (Vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif LSTM_VECTOR_WIDTH == 8 && defined(__AVX2__)
  return (Vec)_mm256_maskload_ps(p, maskOf(n));
#else
  Vec v = {};
  for (int i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}

LSTM_INLINE void storePartial(float* p, Vec v, int n) {
#if LSTM_VECTOR_WIDTH == 16 && defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif LSTM_VECTOR_WIDTH == 8 && defined(__AVX2__)
  // By halves: a masked store takes tens of cycles on AMD's cores.
  __m128 part = _mm256_castps256_ps128((__m256)v);
  if (n & 4) {
    _mm_storeu_ps(p, part);
    part = _mm256_extractf128_ps((__m256)v, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), part);
    part = _mm_movehl_ps(part, part);
    p += 2;
  }
  if (n & 1) _mm_store_ss(p, part);
#else
  for (int i = 0; i < n; ++i) p[i] = v[i];
#endif
}

LSTM_INLINE Vec loadUpTo(const float* p, int n) {
  return n >= W ? load(p) : loadPartial(p, n);
}

LSTM_INLINE void storeUpTo(float* p, Vec v, int n) {
  if (n >= W) {
    store(p, v);
  } else {
    storePartial(p, v, n);
  }
}

LSTM_INLINE Vec select(IntVec condition, Vec yes, Vec no) {
  return condition ? yes : no;
}

// x held to a limit; NaN passes both.
LSTM_INLINE Vec atMost(Vec x, float limit) {
#if LSTM_VECTOR_WIDTH == 8 && defined(__AVX2__)
  return (Vec)_mm256_min_ps((__m256)splat(limit), (__m256)x);
#else
  return select(x > limit, splat(limit), x);
#endif
}

LSTM_INLINE Vec atLeast(Vec x, float limit) {
#if LSTM_VECTOR_WIDTH == 8 && defined(__AVX2__)
  return (Vec)_mm256_max_ps((__m256)splat(limit), (__m256)x);
#else
  return select(x < limit, splat(limit), x);
#endif
}

LSTM_INLINE float sumLanes(Vec v) {
  float sum = 0;
  for (int i = 0; i < W; ++i) sum += v[i];
  return sum;
}

}  // namespace lstm::cpu::LSTM_ARCH
