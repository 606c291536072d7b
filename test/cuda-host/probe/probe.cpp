// Opens the library as the addon does and says what it finds, a line each: what install_test.cpp runs in folders made
// for it.   lstm_cuda_probe libcudnn_lstm_cuda.so
#include <dlfcn.h>

#include <cstdio>
#include <vector>

#include "cuda/runtime.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    std::printf("dlopen|%s\n", dlerror());
    return 1;
  }
  const auto entry = reinterpret_cast<CudaRuntimeEntry>(dlsym(library, LSTM_CUDA_ENTRY));
  const CudaRuntime* runtime = entry ? entry(LSTM_CUDA_ABI) : nullptr;
  if (!runtime || entry(LSTM_CUDA_ABI + 1)) return 1;
  std::printf("implementation|%s\n", runtime->implementation);

  RuntimeError error{};
  int count = -1;
  int status = runtime->deviceCount(&count, &error);
  std::printf("deviceCount|%d|%d|%s|%s\n", status, count, error.call, error.text);
  RuntimeContext* context = nullptr;
  error = {};
  status = runtime->createContext(0, &context, &error);
  std::printf("createContext|%d|%s|%s\n", status, error.call, error.text);
  if (context) runtime->destroyContext(context);

  std::vector<RuntimePlace> places(static_cast<size_t>(runtime->places(nullptr, 0)));
  runtime->places(places.data(), static_cast<int>(places.size()));
  for (const RuntimePlace& place : places)
    std::printf("place|%s|%s|%s\n", place.library, place.path, place.outcome);
  return 0;
}
