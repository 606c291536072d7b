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

// lstm_native_tests [--gpu LIBRARY] [part of a sentence or file name]
// With --gpu: the tests that compare a CUDA device with the CPU device alone, on the first GPU by that library.
int main(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  const bool onGpu = argc > 2 && std::strcmp(argv[1], "--gpu") == 0;
  if (onGpu && !(harness::openGpu && harness::openGpu(argv[2]))) {
    std::printf("0 passed, 1 failed\n");
    return 1;
  }
  const char* filter = argc > (onGpu ? 3 : 1) ? argv[onGpu ? 3 : 1] : "";
  for (const harness::Test& test : harness::tests()) {
    if (onGpu && !test.onAnyCuda) continue;
    if (!std::strstr(test.sentence, filter) && !std::strstr(test.file, filter)) continue;
    const auto start = std::chrono::steady_clock::now();
    std::string problem;
    try {
      test.body();
    } catch (const harness::Skip& skip) {
      ++skipped;
      std::printf("skip  %s: %s\n", test.sentence, skip.reason.c_str());
      continue;
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
  std::printf("%d passed, %d failed", passed, failed);
  if (skipped > 0) std::printf(", %d skipped", skipped);
  std::printf("\n");
  return failed || !passed ? 1 : 0;
}
