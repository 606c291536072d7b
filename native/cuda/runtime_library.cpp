#include "cuda/runtime_library.h"

#include <dlfcn.h>

#include <map>
#include <mutex>

namespace lstm::cuda {
namespace {

RuntimeLibrary open(const std::string& path) {
  RuntimeLibrary library;
  library.path = path;
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* text = dlerror();
    library.reason = text ? text : "the library could not be opened";
    return library;
  }
  const auto entry = reinterpret_cast<CudaRuntimeEntry>(dlsym(handle, LSTM_CUDA_ENTRY));
  if (!entry) {
    library.reason = path + ": expected the symbol " LSTM_CUDA_ENTRY ", which it lacks";
    dlclose(handle);
    return library;
  }
  const CudaRuntime* runtime = entry(LSTM_CUDA_ABI);
  if (!runtime || runtime->abi != LSTM_CUDA_ABI) {
    library.reason = path + ": expected ABI " + std::to_string(LSTM_CUDA_ABI) + ", got " +
                     (runtime ? std::to_string(runtime->abi) : std::string("another"));
    return library;
  }
  library.runtime = runtime;
  return library;
}

}  // namespace

RuntimeLibrary openRuntime(const std::string& explicitPath, const std::string& besidePath) {
  static std::mutex mutex;
  static std::map<std::string, RuntimeLibrary> opened;  // libraries are a process's, whoever asks
  const std::string& path = explicitPath.empty() ? besidePath : explicitPath;
  if (path.empty()) return {nullptr, "", "no path of the CUDA library is known"};
  const std::lock_guard lock(mutex);
  const auto known = opened.find(path);
  if (known != opened.end()) return known->second;
  const RuntimeLibrary library = open(path);
  if (library.runtime) opened.emplace(path, library);
  return library;
}

}  // namespace lstm::cuda
