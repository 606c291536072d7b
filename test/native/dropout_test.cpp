#include "cpu/cpu_device.h"
#include "engine/philox.h"
#include "harness.h"
#include "shapes.h"

using namespace lstm;

// kat_vectors of the Random123 library, philox4x32 with 10 rounds (Salmon et al. 2011).
TEST("philox gives the published known answers") {
  struct Known {
    uint32_t counter[4], key[2], out[4];
  };
  const Known known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Known& k : known) {
    const Philox4 out =
        philox4x32(k.counter[0], k.counter[1], k.counter[2], k.counter[3], k.key[0], k.key[1]);
    for (int i = 0; i < 4; ++i) CHECK(out.v[i] == k.out[i]);
  }
}

TEST("the dropout kernels draw the words of philox at any start and length") {
  harness::Random random(5);
  for (const cpu::Kernels* kernels : harness::allKernels()) {
    for (int round = 0; round < 60; ++round) {
      const RandomKey key = {random.next(), static_cast<uint32_t>(random.next()),
                             static_cast<uint32_t>(round)};
      // From round 40 on the block counter passes 2^32.
      const uint64_t first = round < 40 ? random.below(100) : (uint64_t{1} << 34) - random.below(100);
      const int64_t count = random.below(300);
      const float rate = static_cast<float>(random.uniform(0, 0.99));
      const std::vector<float> x = random.floats(count);
      std::vector<float> y(count);
      kernels->dropout(key.seed, key.stream, key.step, first, count, dropoutThreshold(rate), 1 / (1 - rate),
                       x.data(), y.data());
      for (int64_t i = 0; i < count; ++i)
        CHECK(y[i] == (philoxWord(key, first + i) < dropoutThreshold(rate) ? 0.0f : x[i] * (1 / (1 - rate))));
    }
  }
}

TEST("dropout shared over time gives each step of a sequence one mask; rate 0 changes nothing") {
  const BatchShape shape = shapeOf(3, 5, {5, 2, 4});
  const int channels = 7;
  const RandomKey key = {42, 3, 9};
  for (int threads : {1, 3}) {
    const auto device = makeCpuDevice({threads, ""});
    std::vector<float> x(shape.rows * channels, 1.0f), y(x.size());
    device->dropout({shape.rows, channels, 0.4f, key, &shape, x.data(), y.data()});
    for (int t = 0; t < shape.timeSteps; ++t)
      for (int n = 0; n < shape.liveRows[t]; ++n)
        for (int c = 0; c < channels; ++c) {
          const bool dropped = philoxWord(key, n * channels + c) < dropoutThreshold(0.4f);
          CHECK(y[(shape.rowOffset[t] + n) * channels + c] == (dropped ? 0.0f : 1.0f / (1.0f - 0.4f)));
        }
    device->dropout({shape.rows, channels, 0.0f, key, nullptr, x.data(), y.data()});
    CHECK(y == x);
  }
}
