#include <chrono>
#include <cstring>
#include <exception>

#include "cpu/cpu_device.h"
#include "harness.h"

namespace lstm::cpu::wide {
const Kernels& kernels();
}

namespace harness {

std::vector<const lstm::cpu::Kernels*> allKernels() {
  std::vector<const lstm::cpu::Kernels*> all;
  for (const std::string& name : lstm::cpuInstructionSets()) all.push_back(&lstm::cpu::kernelsFor(name));
#if LSTM_HAVE_WIDE
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    all.push_back(&lstm::cpu::wide::kernels());
#endif
  return all;
}

}  // namespace harness

// lstm_native_tests [part of a sentence or file name]
int main(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  for (const harness::Test& test : harness::tests()) {
    if (argc > 1 && !std::strstr(test.sentence, argv[1]) && !std::strstr(test.file, argv[1])) continue;
    const auto start = std::chrono::steady_clock::now();
    std::string problem;
    try {
      test.body();
    } catch (const harness::Failure& failure) {
      problem = failure.message;
    } catch (const std::exception& error) {
      problem = std::string("threw: ") + error.what();
    }
    const double ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    if (problem.empty()) {
      ++passed;
      std::printf("ok    %s (%.0f ms)\n", test.sentence, ms);
    } else {
      ++failed;
      std::printf("FAIL  %s\n      %s\n", test.sentence, problem.c_str());
    }
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed || !passed ? 1 : 0;
}
