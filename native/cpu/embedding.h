#pragma once

#include "cpu/context.h"

namespace lstm::cpu {

// As Device::embeddingForward and embeddingBackward. Token ids are trusted.
void embeddingForward(Context& context, int64_t rows, int size, const int32_t* tokens, const float* table,
                      float* y);
void embeddingBackward(Context& context, int64_t rows, int size, const int32_t* tokens, const float* dy,
                       float* dTable);

}  // namespace lstm::cpu
