#include "cpu/kernels/table.h"
#include "cpu/kernels/vec.h"

namespace lstm::cpu::LSTM_ARCH {
namespace {

constexpr int kBlocks = 16;  // Philox blocks drawn at once, four words each

// philox.h's philoxBlock for kBlocks consecutive blocks, as loops that the compiler turns into vectors.
void draw(uint64_t seed, uint32_t stream, uint32_t step, uint64_t block, uint32_t* __restrict words) {
  uint32_t c0[kBlocks], c1[kBlocks], c2[kBlocks], c3[kBlocks];
  for (int j = 0; j < kBlocks; ++j) {
    c0[j] = static_cast<uint32_t>(block + j);
    c1[j] = static_cast<uint32_t>((block + j) >> 32);
    c2[j] = step;
    c3[j] = stream;
  }
  uint32_t k0 = static_cast<uint32_t>(seed);
  uint32_t k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int j = 0; j < kBlocks; ++j) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c0[j];
      const uint64_t p1 = uint64_t{0xCD9E8D57u} * c2[j];
      c0[j] = static_cast<uint32_t>(p1 >> 32) ^ c1[j] ^ k0;
      c2[j] = static_cast<uint32_t>(p0 >> 32) ^ c3[j] ^ k1;
      c1[j] = static_cast<uint32_t>(p1);
      c3[j] = static_cast<uint32_t>(p0);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int j = 0; j < kBlocks; ++j) {
    words[4 * j] = c0[j];
    words[4 * j + 1] = c1[j];
    words[4 * j + 2] = c2[j];
    words[4 * j + 3] = c3[j];
  }
}

}  // namespace

void dropout(uint64_t seed, uint32_t stream, uint32_t step, uint64_t first, int64_t count, uint32_t threshold,
             float scale, const float* x, float* y) {
  uint32_t words[4 * kBlocks];
  int64_t done = 0;
  while (done < count) {
    const uint64_t element = first + done;
    const int skip = static_cast<int>(element % 4);
    draw(seed, stream, step, element / 4, words);
    const int64_t left = count - done;
    const int take = left < 4 * kBlocks - skip ? static_cast<int>(left) : 4 * kBlocks - skip;
    for (int i = 0; i < take; ++i) y[done + i] = words[skip + i] < threshold ? 0.0f : x[done + i] * scale;
    done += take;
  }
}

}  // namespace lstm::cpu::LSTM_ARCH
