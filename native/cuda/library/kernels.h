#pragma once

#include <cuda_runtime_api.h>
#include <stdint.h>

#include "cuda/runtime.h"

// The launchers of our kernels: they check their arguments and the launch, and throw Failure. A kernel is three storeys:
// the arithmetic of one element or row (cuda/elements), the __global__ function that walks, the launcher.
// Sums have one order, whatever the card: the same input gives the same bits.
namespace lstm::gpu {

struct Launch {
  cudaStream_t stream;
  int multiprocessors;
};

void requireKernels();  // throws kRuntimeUnavailable when this build has no code for the current device

void activationForward(const Launch& launch, int activation, int64_t rows, int channels, float* y);
void activationBackward(const Launch& launch, int activation, int64_t rows, int channels, const float* y,
                        float* dy);
void add(const Launch& launch, float* to, const float* from, int64_t count);
void copyIf(const Launch& launch, float* to, const float* from, int64_t count, const int32_t* flag);

// scratch: kColumnScratchFloats, when there are many rows
constexpr int64_t kColumnScratchFloats = int64_t{1} << 20;
void columnSums(const Launch& launch, int64_t rows, int channels, const float* x, float* sums,
                float* scratch);

void toHalf(const Launch& launch, int kind, void* to, const float* from, int64_t count);
void fromHalf(const Launch& launch, int kind, float* to, const void* from, int64_t count, bool sum);

void embeddingForward(const Launch& launch, int64_t rows, int size, const int32_t* tokens, const float* table,
                      float* y);
void embeddingBackward(const Launch& launch, int64_t rows, int size, const int32_t* tokens,
                       const int32_t* order, const float* dy, float* dTable);

void dropout(const Launch& launch, const RuntimeDropout& args);

void poolForward(const Launch& launch, const RuntimePool& pool, const float* x, float* y, int32_t* argmax);
void poolBackward(const Launch& launch, const RuntimePool& pool, const float* dy, const int32_t* argmax,
                  float* dx);

int64_t activationPartials(int64_t rows, int channels);
void activationRegularizer(const Launch& launch, const RuntimeActivationRegularizer& args);

int64_t lossPartials(int64_t rows);
void loss(const Launch& launch, const RuntimeLoss& args);
void metrics(const Launch& launch, const RuntimeMetrics& args);

int64_t updatePartials(int64_t size, int rowCount);
void update(const Launch& launch, const RuntimeUpdate& args, bool penaltyOnly);

}  // namespace lstm::gpu
