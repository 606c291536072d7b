#include "cuda/library/search_paths.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

namespace lstm::gpu {
namespace {

constexpr const char* kCudnn =
    "libcudnn_adv.so.9";  // never libcudnn.so.9: it aborts when a library beside it is missing

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool isFolder(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

class Paths {
 public:
  void add(const std::string& path) {
    if (!path.empty() && std::find(all_.begin(), all_.end(), path) == all_.end()) all_.push_back(path);
  }
  void addFolder(const std::string& folder, const std::string& name) {
    if (!folder.empty()) add(folder + "/" + name);
  }
  // A root of an installation, or its library folder itself.
  void addRoot(const std::string& root, const std::string& name) {
    if (root.empty()) return;
    for (const char* below : {"", "/lib", "/lib64"})
      if (isFolder(root + below)) addFolder(root + below, name);
    if (!isFolder(root)) addFolder(root, name);  // so that the list of places names it
  }
  void addPattern(const std::string& pattern) {
    glob_t found{};
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
      for (size_t i = found.gl_pathc; i > 0; --i) add(found.gl_pathv[i - 1]);  // the newest Python first
    globfree(&found);
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

std::vector<std::string> sitePackages() {
  std::vector<std::string> patterns;
  const std::string python = variable("CUDNN_LSTM_PYTHON");  // <prefix>/bin/python
  const std::string prefixes[] = {python.empty() ? "" : folderOf(folderOf(python)), variable("VIRTUAL_ENV"),
                                  variable("CONDA_PREFIX")};
  for (const std::string& prefix : prefixes)
    if (!prefix.empty()) patterns.push_back(prefix + "/lib/python3*/site-packages");
  const std::string home = variable("HOME");
  if (!home.empty()) patterns.push_back(home + "/.local/lib/python3*/site-packages");
  patterns.push_back("/usr/local/lib/python3*/site-packages");
  patterns.push_back("/usr/local/lib/python3*/dist-packages");
  patterns.push_back("/usr/lib/python3/dist-packages");
  return patterns;
}

void addToolkitAndSystem(Paths& paths, const std::string& name) {
  for (const char* root : {"CUDA_HOME", "CUDA_PATH"}) paths.addRoot(variable(root), name);
  paths.addFolder("/usr/local/cuda/lib64", name);
#if defined(__aarch64__)
  paths.addFolder("/usr/lib/aarch64-linux-gnu", name);
#else
  paths.addFolder("/usr/lib/x86_64-linux-gnu", name);
#endif
  for (const char* folder : {"/usr/lib64", "/usr/lib", "/usr/local/lib"}) paths.addFolder(folder, name);
}

}  // namespace

std::string folderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<std::string> cudnnPaths() {
  Paths paths;
  const std::string named = variable("CUDNN_LSTM_CUDNN");
  if (!named.empty()) {
    const bool isFile = named.find(".so") != std::string::npos && !isFolder(named);
    // libcudnn.so.9 names a place; what is opened is always the library beside it.
    if (isFile) paths.addFolder(folderOf(named).empty() ? "." : folderOf(named), kCudnn);
    if (!isFile) paths.addRoot(named, kCudnn);
    return paths.all();
  }
  paths.addRoot(variable("CUDNN_ROOT"), kCudnn);
  paths.addRoot(variable("CUDNN_PATH"), kCudnn);
  paths.add(kCudnn);
  for (const std::string& packages : sitePackages())
    paths.addPattern(packages + "/nvidia/cudnn/lib/" + kCudnn);
  if (!variable("CONDA_PREFIX").empty()) paths.addFolder(variable("CONDA_PREFIX") + "/lib", kCudnn);
  addToolkitAndSystem(paths, kCudnn);
  return paths.all();
}

std::vector<std::string> toolkitPaths(const std::string& name, const std::string& cudnnFolder) {
  Paths paths;
  if (!cudnnFolder.empty()) {
    for (const char* beside : {"/../../cu13/lib", "/../../cublas/lib", "/../../cuda_nvrtc/lib", ""})
      if (isFolder(cudnnFolder + beside)) paths.addFolder(cudnnFolder + beside, name);
  }
  paths.add(name);
  for (const std::string& packages : sitePackages())
    for (const char* folder : {"/nvidia/cu13/lib/", "/nvidia/cublas/lib/", "/nvidia/cuda_nvrtc/lib/"})
      paths.addPattern(packages + folder + name);
  if (!variable("CONDA_PREFIX").empty()) paths.addFolder(variable("CONDA_PREFIX") + "/lib", name);
  addToolkitAndSystem(paths, name);
  return paths.all();
}

}  // namespace lstm::gpu
