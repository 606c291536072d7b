#include "cuda/library/libraries.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <optional>

#include "cuda/library/search_paths.h"

namespace lstm::gpu {
namespace {

constexpr int64_t kOldestCudnn = 90000;
constexpr int64_t kNextCudnn = 100000;

struct State {
  std::mutex mutex;
  bool tried = false;
  bool triedNvrtc = false;
  bool hasNvrtc = false;
  Libraries libraries;
  std::optional<Failure> failure;
  std::vector<RuntimePlace> places;
};

// Never destroyed: nothing of CUDA may be torn down when the process ends.
State& state() {
  static State* const only = new State;
  return *only;
}

// 92400 = 9.24.0; before version 9 it was 8907 = 8.9.7
std::string cudnnText(int64_t version) {
  if (version < 10000)
    return std::to_string(version / 1000) + "." + std::to_string(version / 100 % 10) + "." +
           std::to_string(version % 100);
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

void note(const char* library, const std::string& path, const std::string& outcome) {
  RuntimePlace place{};
  std::snprintf(place.library, sizeof place.library, "%s", library);
  std::snprintf(place.path, sizeof place.path, "%s", path.c_str());
  std::snprintf(place.outcome, sizeof place.outcome, "%s", outcome.c_str());
  state().places.push_back(place);
}

struct Opened {
  void* handle = nullptr;
  std::string path;
  std::string refusal;  // of the last file that was there and did not open
};

// The first path that opens. A path with a slash is looked at first, as the loader's words for a missing file are long.
Opened openFirst(const char* library, const std::vector<std::string>& paths) {
  Opened opened;
  for (const std::string& path : paths) {
    if (path.find('/') != std::string::npos && access(path.c_str(), F_OK) != 0) {
      note(library, path, "no such file");
      continue;
    }
    opened.handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (opened.handle) {
      opened.path = path;
      return opened;
    }
    const char* reason = dlerror();
    note(library, path, reason ? reason : "dlopen failed");
    if (path.find('/') != std::string::npos) opened.refusal = reason ? reason : path;
  }
  return opened;
}

[[noreturn]] void unavailable(const std::string& text, int code = 0) {
  fail(kRuntimeUnavailable, "dlopen", text, code);
}

template <typename Function>
void resolve(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  if (!function) unavailable(std::string("the library has no function ") + name);
}

std::string folderOfSymbol(const void* symbol) {
  Dl_info info{};
  return dladdr(symbol, &info) && info.dli_fname ? folderOf(info.dli_fname) : "";
}

// What is loaded stays loaded, and its libraries answer for their names: after a file that opened but does not serve,
// no other one is tried.
void refuse(const char* library, const std::string& path, const std::string& why, int code = 0) {
  note(library, path, why);
  unavailable(path + ": " + why, code);
}

void openCudnn(Libraries& all, std::string& path) {
  const Opened opened = openFirst("cudnn", cudnnPaths());
  if (!opened.handle) {
    std::string text =
        "cuDNN 9 (libcudnn_adv.so.9) was not found. Install NVIDIA's package libcudnn9-cuda-13 or the Python "
        "package "
        "nvidia-cudnn-cu13, or set CUDNN_ROOT to the folder that holds its lib.";
    if (!opened.refusal.empty()) text = "cuDNN 9 is there but cannot be opened: " + opened.refusal;
    unavailable(text);
  }
  path = opened.path;
  CudnnApi& api = all.cudnn;
#define LSTM_RESOLVE(name) resolve(opened.handle, #name, api.name);
  try {
    resolve(opened.handle, "cudnnGetVersion", api.cudnnGetVersion);
    all.cudnnVersion = static_cast<int64_t>(api.cudnnGetVersion());
    if (all.cudnnVersion < kOldestCudnn || all.cudnnVersion >= kNextCudnn)
      unavailable("version " + cudnnText(all.cudnnVersion) + ", expected 9.x");
    LSTM_CUDNN_FUNCTIONS(LSTM_RESOLVE)
  } catch (const Failure& failure) {
    refuse("cudnn", path, failure.text);
  }
  all.cudnnFolder = folderOfSymbol(reinterpret_cast<const void*>(api.cudnnRNNForward));
  all.cudaMajor = static_cast<int>(api.cudnnGetCudartVersion() / 1000);
}

// Before cuDNN looks for it by itself: its own search ends the process when it finds nothing.
void openCublasLt(Libraries& all) {
  const std::string name = "libcublasLt.so." + std::to_string(all.cudaMajor);
  const Opened opened = openFirst("cublasLt", toolkitPaths(name, all.cudnnFolder));
  if (!opened.handle)
    unavailable(name + (opened.refusal.empty() ? " was not found" : " cannot be opened: " + opened.refusal) +
                ". cuDNN in " + all.cudnnFolder + " needs it: install cuBLAS of CUDA " +
                std::to_string(all.cudaMajor) +
                " (NVIDIA's package libcublas, or the Python package nvidia-cublas" +
                (all.cudaMajor < 13 ? "-cu" + std::to_string(all.cudaMajor) : "") + ").");
  CublasLtApi& api = all.cublasLt;
  try {
    LSTM_CUBLASLT_FUNCTIONS(LSTM_RESOLVE)
  } catch (const Failure& failure) {
    refuse("cublasLt", opened.path, failure.text);
  }
#undef LSTM_RESOLVE
  all.cublasLtVersion = static_cast<int64_t>(api.cublasLtGetVersion());
  note("cublasLt", opened.path, "loaded " + std::to_string(all.cublasLtVersion));
}

void load(Libraries& all) {
  std::string path;
  openCudnn(all, path);
  openCublasLt(all);
  const cudnnStatus_t mixed = all.cudnn.cudnnAdvVersionCheck();
  if (mixed != CUDNN_STATUS_SUCCESS)
    refuse("cudnn", path,
           std::string("its libraries do not belong together: ") + all.cudnn.cudnnGetErrorString(mixed),
           mixed);
  note("cudnn", path == "libcudnn_adv.so.9" ? all.cudnnFolder + "/" + path : path,
       "loaded " + cudnnText(all.cudnnVersion));
}

void loadOnce(State& s) {
  if (s.tried) return;
  s.tried = true;
  try {
    load(s.libraries);
  } catch (const Failure& failure) {
    s.failure = failure;
  }
}

}  // namespace

const Libraries& libraries() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  loadOnce(s);
  if (s.failure) throw Failure(*s.failure);
  return s.libraries;
}

const Failure* librariesFailure() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  loadOnce(s);
  return s.failure ? &*s.failure : nullptr;
}

bool openNvrtc() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  loadOnce(s);
  if (s.failure || s.triedNvrtc) return s.hasNvrtc;
  s.triedNvrtc = true;
  const std::string name = "libnvrtc.so." + std::to_string(s.libraries.cudaMajor);
  const Opened opened = openFirst("nvrtc", toolkitPaths(name, s.libraries.cudnnFolder));
  s.hasNvrtc = opened.handle != nullptr;
  if (s.hasNvrtc) note("nvrtc", opened.path, "loaded");
  return s.hasNvrtc;
}

std::vector<RuntimePlace> triedPlaces() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.places;
}

}  // namespace lstm::gpu
