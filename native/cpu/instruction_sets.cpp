#include "cpu/instruction_sets.h"

#include "cpu/cpu_device.h"
#include "engine/errors.h"

namespace lstm {
namespace cpu {

namespace baseline {
const Kernels& kernels();
}
namespace avx2 {
const Kernels& kernels();
}
namespace avx512 {
const Kernels& kernels();
}

namespace {

struct Choice {
  const Kernels& (*kernels)();
  bool available;
};

// Best first.
std::vector<Choice> choices() {
  std::vector<Choice> list;
#if LSTM_HAVE_AVX512
  list.push_back({avx512::kernels, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                       __builtin_cpu_supports("avx512dq") &&
                                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")});
#endif
#if LSTM_HAVE_AVX2
  list.push_back({avx2::kernels, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                                     __builtin_cpu_supports("bmi2")});
#endif
  list.push_back({baseline::kernels, true});
  return list;
}

}  // namespace

const Kernels& kernelsFor(const std::string& instructionSet) {
  std::string known;
  for (const Choice& choice : choices()) {
    if (!choice.available) continue;
    const Kernels& kernels = choice.kernels();
    if (instructionSet.empty() || instructionSet == kernels.name) return kernels;
    known += (known.empty() ? "" : ", ") + std::string(kernels.name);
  }
  throw InvalidArgument("instructionSet: expected one of " + known + " on this processor, received '" +
                        instructionSet + "'");
}

}  // namespace cpu

std::vector<std::string> cpuInstructionSets() {
  std::vector<std::string> names;
  for (const cpu::Choice& choice : cpu::choices())
    if (choice.available) names.push_back(choice.kernels().name);
  return names;
}

}  // namespace lstm
