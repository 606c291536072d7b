#pragma once

#include <cstdint>
#include <span>

#include "engine/philox.h"

namespace lstm {

enum class InitializerKind { kXavier, kOrthogonal, kUniform, kNormal, kConstant };

// xavier:     U(-a, a), a = sqrt(6 / (fanIn + fanOut))          (Glorot & Bengio 2010, eq. 16)
// orthogonal: orthonormal rows or columns, whichever are fewer, times `a`  (Saxe, McClelland & Ganguli 2014)
// uniform:    U(a, b)      normal: mean a, standard deviation b      constant: a
struct Initializer {
  InitializerKind kind = InitializerKind::kConstant;
  double a = 0;
  double b = 0;
};

// Fills a [rows, columns] tensor; fanOut = rows, fanIn = columns. The same key gives the same bits.
void initialize(const Initializer& initializer, const RandomKey& key, int64_t rows, int64_t columns,
                std::span<float> out);

}  // namespace lstm
