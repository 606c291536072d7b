#include "cuda/elements/half.h"

#include "cuda/library/kernels/launch.cuh"

// Conversions: 6 bytes of an element, 10 where it is added.
namespace lstm::gpu {
namespace {

// Whether groups of four can be read and written whole.
bool isWide(const float* floats, const void* halves) {
  return isAligned(floats) && reinterpret_cast<uintptr_t>(halves) % sizeof(ushort4) == 0;
}

template <bool kWide>
__global__ void toHalfKernel(int kind, int64_t count, uint16_t* __restrict__ to,
                             const float* __restrict__ from) {
  const int64_t wide = kWide ? count / 4 : 0;
  for (int64_t i = globalThread(); i < wide; i += gridThreads()) {
    const float4 x = reinterpret_cast<const float4*>(from)[i];
    reinterpret_cast<ushort4*>(to)[i] = ushort4{elements::halfBits(kind, x.x), elements::halfBits(kind, x.y),
                                                elements::halfBits(kind, x.z), elements::halfBits(kind, x.w)};
  }
  for (int64_t i = wide * 4 + globalThread(); i < count; i += gridThreads())
    to[i] = elements::halfBits(kind, from[i]);
}

template <bool kSum, bool kWide>
__global__ void fromHalfKernel(int kind, int64_t count, float* __restrict__ to,
                               const uint16_t* __restrict__ from) {
  const int64_t wide = kWide ? count / 4 : 0;
  for (int64_t i = globalThread(); i < wide; i += gridThreads()) {
    const ushort4 half = reinterpret_cast<const ushort4*>(from)[i];
    float4 x = kSum ? reinterpret_cast<const float4*>(to)[i] : float4{};
    x.x += elements::floatOfHalf(kind, half.x);
    x.y += elements::floatOfHalf(kind, half.y);
    x.z += elements::floatOfHalf(kind, half.z);
    x.w += elements::floatOfHalf(kind, half.w);
    reinterpret_cast<float4*>(to)[i] = x;
  }
  for (int64_t i = wide * 4 + globalThread(); i < count; i += gridThreads())
    to[i] = (kSum ? to[i] : 0.0f) + elements::floatOfHalf(kind, from[i]);
}

template <bool kSum>
void widen(const Launch& launch, int kind, float* to, const uint16_t* from, int64_t count) {
  if (isWide(to, from))
    fromHalfKernel<kSum, true>
        <<<gridFor(launch, (count + 3) / 4), kThreads, 0, launch.stream>>>(kind, count, to, from);
  else
    fromHalfKernel<kSum, false>
        <<<gridFor(launch, count), kThreads, 0, launch.stream>>>(kind, count, to, from);
  checkLaunch("fromHalfKernel");
}

void checkHalf(const char* call, int kind, const void* to, const void* from, int64_t count) {
  require(kind == elements::kFp16 || kind == elements::kBf16, call, "no such half precision");
  require(count >= 0 && (count == 0 || (to && from)), call, "expected two arrays");
}

}  // namespace

void toHalf(const Launch& launch, int kind, void* to, const float* from, int64_t count) {
  checkHalf("toHalf", kind, to, from, count);
  if (count == 0) return;
  auto* halves = static_cast<uint16_t*>(to);
  if (isWide(from, to))
    toHalfKernel<true>
        <<<gridFor(launch, (count + 3) / 4), kThreads, 0, launch.stream>>>(kind, count, halves, from);
  else
    toHalfKernel<false><<<gridFor(launch, count), kThreads, 0, launch.stream>>>(kind, count, halves, from);
  checkLaunch("toHalfKernel");
}

void fromHalf(const Launch& launch, int kind, float* to, const void* from, int64_t count, bool sum) {
  checkHalf("fromHalf", kind, to, from, count);
  if (count == 0) return;
  const auto* halves = static_cast<const uint16_t*>(from);
  if (sum)
    widen<true>(launch, kind, to, halves, count);
  else
    widen<false>(launch, kind, to, halves, count);
}

}  // namespace lstm::gpu
