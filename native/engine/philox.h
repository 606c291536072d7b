#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define LSTM_HOST_DEVICE __host__ __device__
#else
#define LSTM_HOST_DEVICE
#endif

namespace lstm {

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011).
// Every draw is a pure function of (seed, stream, step, element), so devices agree bit for bit.
struct Philox4 {
  uint32_t v[4];
};

LSTM_HOST_DEVICE inline Philox4 philox4x32(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t k0,
                                           uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// Names one sequence of draws: element e uses word e % 4 of block e / 4.
struct RandomKey {
  uint64_t seed = 0;
  uint32_t stream = 0;  // which consumer: a dropout layer, an initialiser's tensor
  uint32_t step = 0;    // which pass
};

LSTM_HOST_DEVICE inline Philox4 philoxBlock(const RandomKey& key, uint64_t block) {
  return philox4x32(static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), key.step, key.stream,
                    static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32));
}

LSTM_HOST_DEVICE inline uint32_t philoxWord(const RandomKey& key, uint64_t element) {
  return philoxBlock(key, element / 4).v[element % 4];
}

// An element is dropped when its word is below this; rate in [0, 1).
LSTM_HOST_DEVICE inline uint32_t dropoutThreshold(float rate) {
  return static_cast<uint32_t>(static_cast<double>(rate) * 4294967296.0);
}

}  // namespace lstm
