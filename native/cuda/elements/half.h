#pragma once

#include <stdint.h>
#include <string.h>

#include "engine/philox.h"

// Half-precision numbers as their bits, rounded to nearest even (IEEE 754).
namespace lstm::elements {

constexpr int kFp16 = 1;
constexpr int kBf16 = 2;

LSTM_HOST_DEVICE inline uint32_t bitsOf(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// `value` without its lowest `count` bits, 1 to 24 of them, rounded to nearest even.
LSTM_HOST_DEVICE inline uint32_t shiftedToEven(uint32_t value, int count) {
  const uint32_t half = (1u << (count - 1)) - 1;
  return (value + half + ((value >> count) & 1)) >> count;
}

LSTM_HOST_DEVICE inline uint16_t bf16Bits(float x) {
  const uint32_t bits = bitsOf(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>((bits >> 16) | 0x40u);  // NaN stays NaN
  return static_cast<uint16_t>(shiftedToEven(bits, 16));
}

LSTM_HOST_DEVICE inline uint16_t fp16Bits(float x) {
#ifdef __CUDA_ARCH__
  uint16_t result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result) : "f"(x));
  return result;
#else
  const uint32_t bits = bitsOf(x);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7fffu;  // NaN
  } else if (magnitude >= 0x47800000u) {
    half = 0x7c00u;  // 2^16 and above
  } else if (magnitude >= 0x38800000u) {
    half = shiftedToEven(magnitude - 0x38000000u, 13);  // normal; rounding up may carry into infinity
  } else if (magnitude < 0x33000000u) {
    half = 0;  // below half of the smallest
  } else {
    const int exponent = static_cast<int>(magnitude >> 23);
    half = shiftedToEven((magnitude & 0x7fffffu) | 0x800000u, 126 - exponent);
  }
  return static_cast<uint16_t>(sign | half);
#endif
}

LSTM_HOST_DEVICE inline uint16_t halfBits(int kind, float x) {
  return kind == kBf16 ? bf16Bits(x) : fp16Bits(x);
}

LSTM_HOST_DEVICE inline float floatOfBits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// Every half is a float32.
LSTM_HOST_DEVICE inline float floatOfFp16(uint16_t half) {
#ifdef __CUDA_ARCH__
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
  return x;
#else
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {  // zero or subnormal, in units of 2^-24
    const float size = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -size : size;
  }
  if (exponent == 31) return floatOfBits(sign | 0x7f800000u | (mantissa << 13));
  return floatOfBits(sign | ((exponent + 112u) << 23) | (mantissa << 13));
#endif
}

LSTM_HOST_DEVICE inline float floatOfHalf(int kind, uint16_t half) {
  return kind == kBf16 ? floatOfBits(static_cast<uint32_t>(half) << 16) : floatOfFp16(half);
}

// What is left of x in half precision.
LSTM_HOST_DEVICE inline float throughHalf(int kind, float x) {
  return floatOfHalf(kind, halfBits(kind, x));
}

}  // namespace lstm::elements
