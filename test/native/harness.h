#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "cpu/instruction_sets.h"
#include "cpu/kernels.h"

// A test is a sentence and a block: TEST("the norm ...") { CHECK(...); }. A block fails at its first failed
// check; checks throw, so they may stand in helpers.
namespace harness {

struct Failure {
  std::string message;
};

// Thrown where a test has no say on this machine: it counts as neither passed nor failed, and its reason is printed.
struct Skip {
  std::string reason;
};

// A build with sanitizers is slow and looks for other faults than wrong numbers: tests of pure arithmetic do less there.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

inline void require(bool condition, const std::string& message) {
  if (!condition) throw Failure{message};
}

struct Test {
  const char* file;
  const char* sentence;
  std::function<void()> body;
  bool onAnyCuda = false;  // also runs on a real GPU
};

// Opens the CUDA library of that file for the tests that run on any GPU; null in a program without them.
inline bool (*openGpu)(const char* library) = nullptr;

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Register {
  Register(const char* file, const char* sentence, std::function<void()> body, bool onAnyCuda = false) {
    tests().push_back({file, sentence, std::move(body), onAnyCuda});
  }
};

// A small fixed generator (Marsaglia 2003, xorshift64*), so that a failure can be run again.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252u) {}
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 2685821657736338717u;
  }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53;
  }
  int below(int limit) { return static_cast<int>((next() >> 33) % static_cast<uint64_t>(limit)); }
  std::vector<float> floats(size_t count, double scale = 1) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(uniform(-scale, scale));
    return values;
  }

 private:
  uint64_t state_;
};

// The greatest |actual - expected| must stay within tolerance * (1 + greatest |expected|).
template <typename Expected>
void requireClose(const float* actual, const std::vector<Expected>& expected, double tolerance,
                  const std::string& what) {
  double scale = 1;
  for (const Expected& value : expected) scale = std::fmax(scale, std::fabs(static_cast<double>(value)));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    if (!(difference <= tolerance * scale)) {
      char text[256];
      std::snprintf(text, sizeof text, "[%zu] is %.9g, expected %.9g, tolerance %.2g", i,
                    static_cast<double>(actual[i]), static_cast<double>(expected[i]), tolerance * scale);
      throw Failure{what + text};
    }
  }
}

// Every kernel table that this build and this processor have, and the sixteen-wide one on eight-wide
// hardware.
std::vector<const lstm::cpu::Kernels*> allKernels();

}  // namespace harness

#define HARNESS_JOIN2(a, b) a##b
#define HARNESS_JOIN(a, b) HARNESS_JOIN2(a, b)
#define TEST(sentence)                                                                           \
  static void HARNESS_JOIN(test, __LINE__)();                                                    \
  static const harness::Register HARNESS_JOIN(register, __LINE__)(__FILE__, sentence,            \
                                                                  HARNESS_JOIN(test, __LINE__)); \
  static void HARNESS_JOIN(test, __LINE__)()
// The body takes its devices from onCuda() and looks at nothing that only the stand-in has.
#define TEST_ON_CUDA(sentence)                                                                         \
  static void HARNESS_JOIN(test, __LINE__)();                                                          \
  static const harness::Register HARNESS_JOIN(register, __LINE__)(__FILE__, sentence,                  \
                                                                  HARNESS_JOIN(test, __LINE__), true); \
  static void HARNESS_JOIN(test, __LINE__)()
#define CHECK(condition) \
  harness::require((condition), std::string(__FILE__) + ":" + std::to_string(__LINE__) + ": " #condition)
