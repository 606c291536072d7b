#pragma once

#include "cpu/kernels/vec.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// Products of int8 weights and int16 inputs, exact in int32.
namespace lstm::cpu::LSTM_ARCH {

LSTM_INLINE Vec toFloat(IntVec v) {
  return __builtin_convertvector(v, Vec);
}

// sum[u] += w[2u] * low half of pair + w[2u+1] * high half, u < W
LSTM_INLINE IntVec addPairs(IntVec sum, const int8_t* w, int32_t pair) {
#if LSTM_VECTOR_WIDTH == 16 && defined(__AVX512BW__)
  const __m512i wide = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)));
  return sum + (IntVec)_mm512_madd_epi16(wide, _mm512_set1_epi32(pair));
#elif LSTM_VECTOR_WIDTH == 8 && defined(__AVX2__)
  const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
  return sum + (IntVec)_mm256_madd_epi16(wide, _mm256_set1_epi32(pair));
#elif LSTM_VECTOR_WIDTH == 4 && defined(__SSE2__)
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(w));
  const __m128i wide = _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
  return sum + (IntVec)_mm_madd_epi16(wide, _mm_set1_epi32(pair));
#elif LSTM_VECTOR_WIDTH == 4 && defined(__aarch64__)
  const int16x8_t wide = vmovl_s8(vld1_s8(w));
  const int16x8_t x = vreinterpretq_s16_s32(vdupq_n_s32(pair));
  const int32x4_t low = vmull_s16(vget_low_s16(wide), vget_low_s16(x));
  return sum + (IntVec)vpaddq_s32(low, vmull_high_s16(wide, x));
#else
  const int32_t low = static_cast<int16_t>(pair);
  const int32_t high = pair >> 16;
  for (int u = 0; u < W; ++u) sum[u] += w[2 * u] * low + w[2 * u + 1] * high;
  return sum;
#endif
}

}  // namespace lstm::cpu::LSTM_ARCH
