#include "cuda_support.h"

#include <dlfcn.h>

#include <cstring>

#include "cuda/runtime_library.h"

namespace {

template <typename Function>
Function symbol(void* library, const char* name) {
  auto* found = reinterpret_cast<Function>(dlsym(library, name));
  harness::require(found != nullptr, std::string("the stand-in lacks ") + name);
  return found;
}

#define STANDIN_SYMBOL(name) symbol<decltype(&name)>(library, #name)

StandIn open() {
  const std::string path = testLibrary("cudnn_lstm_cuda_standin");
  const lstm::cuda::RuntimeLibrary opened = lstm::cuda::openRuntime(path, "");
  harness::require(opened.runtime != nullptr, opened.reason);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  return {*opened.runtime,
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_reset),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_fail),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_calls),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_name),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_violations),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_first_violation),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_check_guards),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_live),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_set_cost),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_forwards),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_set_device),
          STANDIN_SYMBOL(cudnn_lstm_cuda_standin_most_under_way)};
}

const CudaRuntime* gpu = nullptr;

bool openGpu(const char* library) {
  const lstm::cuda::RuntimeLibrary opened = lstm::cuda::openRuntime(library, "");
  if (!opened.runtime) {
    std::printf("%s\n", opened.reason.c_str());
    return false;
  }
  if (std::strcmp(opened.runtime->implementation, "cuda") != 0)
    std::printf("%s is a %s: nothing below ran on a GPU\n", library, opened.runtime->implementation);
  gpu = opened.runtime;
  return true;
}

[[maybe_unused]] const bool offered = (harness::openGpu = openGpu) != nullptr;

}  // namespace

const CudaRuntime* gpuRuntime() {
  return gpu;
}

std::string testLibrary(const std::string& name) {
#if defined(__APPLE__)
  return std::string(LSTM_TEST_LIBRARIES) + "/lib" + name + ".dylib";
#else
  return std::string(LSTM_TEST_LIBRARIES) + "/lib" + name + ".so";
#endif
}

const StandIn& standIn() {
  static const StandIn opened = open();
  return opened;
}

void requireClean(const std::string& where) {
  harness::require(standIn().violations() == 0, where + "the stand-in saw " +
                                                    std::to_string(standIn().violations()) +
                                                    " breaches, the first: " + standIn().firstViolation());
  harness::require(standIn().live() == 0,
                   where + std::to_string(standIn().live()) + " objects of the stand-in still live");
}
