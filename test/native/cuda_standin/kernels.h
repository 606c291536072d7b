#pragma once

#include "cuda/runtime.h"

// The table's dense product and kernels: plain loops over native/cuda/elements.
namespace standin {

RuntimeStatus gemm(RuntimeContext*, const RuntimeGemm*, RuntimeError*);
RuntimeStatus activationForward(RuntimeContext*, int activation, int64_t rows, int channels, float* dY,
                                RuntimeError*);
RuntimeStatus activationBackward(RuntimeContext*, int activation, int64_t rows, int channels, const float* dY,
                                 float* dGradY, RuntimeError*);
RuntimeStatus columnSums(RuntimeContext*, int64_t rows, int channels, const float* dX, float* dSums,
                         RuntimeError*);
RuntimeStatus add(RuntimeContext*, float* to, const float* from, int64_t count, RuntimeError*);
RuntimeStatus toHalf(RuntimeContext*, int halfKind, void* to, const float* from, int64_t count,
                     RuntimeError*);
RuntimeStatus fromHalf(RuntimeContext*, int halfKind, float* to, const void* from, int64_t count, int sum,
                       RuntimeError*);
RuntimeStatus copyIf(RuntimeContext*, float* to, const float* from, int64_t count, const int32_t* dFlag,
                     RuntimeError*);
RuntimeStatus embeddingForward(RuntimeContext*, int64_t rows, int size, const int32_t* dTokens,
                               const float* dTable, float* dY, RuntimeError*);
RuntimeStatus embeddingBackward(RuntimeContext*, int64_t rows, int size, const int32_t* dTokens,
                                const int32_t* dOrder, const float* dGradY, float* dGradTable, RuntimeError*);
RuntimeStatus dropout(RuntimeContext*, const RuntimeDropout*, RuntimeError*);
RuntimeStatus poolForward(RuntimeContext*, const RuntimePool*, const float* dX, float* dY, int32_t* dArgmax,
                          RuntimeError*);
RuntimeStatus poolBackward(RuntimeContext*, const RuntimePool*, const float* dGradY, const int32_t* dArgmax,
                           float* dGradX, RuntimeError*);
int64_t activationPartials(int64_t rows, int channels);
RuntimeStatus activationRegularizer(RuntimeContext*, const RuntimeActivationRegularizer*, RuntimeError*);
int64_t lossPartials(int64_t rows);
RuntimeStatus loss(RuntimeContext*, const RuntimeLoss*, RuntimeError*);
RuntimeStatus metrics(RuntimeContext*, const RuntimeMetrics*, RuntimeError*);
int64_t updatePartials(int64_t size, int rowCount);
RuntimeStatus update(RuntimeContext*, const RuntimeUpdate*, int penaltyOnly, RuntimeError*);

}  // namespace standin
