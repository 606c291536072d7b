#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "real_cudnn.h"

// What the built library says on machines where something is missing: each case in a process of its own (probe.cpp),
// with an environment of its own, since what was opened once stays open.
namespace {

namespace files = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string pattern = (files::temp_directory_path() / "cudnn-lstm-XXXXXX").string();
    harness::require(mkdtemp(pattern.data()) != nullptr, "no folder for the test");
    path = pattern;
  }
  ~Folder() { files::remove_all(path); }
  files::path path;
};

struct Answer {
  bool ended;  // by itself, and well
  std::string text;
  bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};

Answer probe(const std::string& environment) {
  const std::string command =
      "env -i PATH=/usr/bin:/bin " + environment + " '" LSTM_PROBE "' '" LSTM_CUDA_LIBRARY "' 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  harness::require(pipe != nullptr, "popen failed");
  Answer answer{false, {}};
  char part[4096];
  while (const size_t got = std::fread(part, 1, sizeof part, pipe)) answer.text.append(part, got);
  const int status = pclose(pipe);
  answer.ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return answer;
}

void expect(const Answer& answer, bool condition, const char* what) {
  harness::require(answer.ended, "the process did not end well:\n" + answer.text);
  harness::require(condition, std::string(what) + ", got:\n" + answer.text);
}

// The real library's folder with one file left out.
void copyWithout(const files::path& to, const std::string& leftOut) {
  realCudnn();
  for (const auto& entry : files::directory_iterator(lstm::gpu::libraries().cudnnFolder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("libcudnn", 0) == 0 && name.find(leftOut) == std::string::npos)
      files::create_symlink(entry.path(), to / name);
  }
}

const std::string kUnavailable = "createContext|" + std::to_string(kRuntimeUnavailable) + "|";

TEST("the built library opens and finds the real cuDNN and cuBLASLt") {
  realCudnn();
  const Answer answer = probe("CUDNN_LSTM_CUDNN='" + lstm::gpu::libraries().cudnnFolder + "'");
  expect(answer, answer.says("implementation|cuda"), "expected the CUDA implementation");
  expect(answer, answer.says("place|cudnn|" + lstm::gpu::libraries().cudnnFolder), "expected cuDNN's place");
  expect(answer, answer.says("libcudnn_adv.so.9|loaded 9."), "expected cuDNN's version");
  expect(answer, answer.says("|loaded 1"), "expected cuBLASLt's version");
}

TEST("without a driver the count of devices is refused in words") {
  if (files::exists("/dev/nvidiactl")) throw harness::Skip{"this machine has a driver"};
  const Answer answer = probe("");
  expect(answer, answer.says("deviceCount|" + std::to_string(kRuntimeUnavailable) + "|0|"),
         "expected a refusal");
  expect(answer, answer.says("no NVIDIA driver was found"), "expected what is missing");
  expect(answer, answer.says("place|driver|libcuda.so.1|no NVIDIA driver"),
         "expected the driver among the places");
}

TEST("an empty folder named as cuDNN's is a refusal that says what to install") {
  const Folder folder;
  const Answer answer = probe("CUDNN_LSTM_CUDNN='" + folder.path.string() + "'");
  expect(answer, answer.says(kUnavailable), "expected a refusal");
  expect(answer, answer.says("nvidia-cudnn-cu13"), "expected what to install");
  expect(answer, answer.says(folder.path.string() + "/libcudnn_adv.so.9|no such file"), "expected the place");
}

TEST("a cuDNN with one of its libraries missing is a refusal that names it, not an abort") {
  for (const std::string missing : {"libcudnn_graph", "libcudnn_ops", "libcudnn_adv"}) {
    const Folder folder;
    copyWithout(folder.path, missing);
    const Answer answer = probe("CUDNN_LSTM_CUDNN='" + folder.path.string() + "'");
    expect(answer, answer.says(kUnavailable), "expected a refusal");
    expect(answer, answer.says(missing + ".so.9"), "expected the name of the missing library");
  }
}

TEST("a cuDNN without cuBLASLt is a refusal that names it, not an abort") {
  if (files::exists("/usr/local/cuda/lib64/libcublasLt.so.13"))
    throw harness::Skip{"the system has a cuBLASLt, which would be found"};
  const Folder folder;
  copyWithout(folder.path, "nothing");
  const Answer answer = probe("CUDNN_LSTM_CUDNN='" + folder.path.string() + "'");
  expect(answer, answer.says(kUnavailable), "expected a refusal");
  expect(answer, answer.says("libcublasLt.so.1"), "expected the name of the missing library");
}

TEST("the file libcudnn.so.9 names its folder, and is itself never opened") {
  const Folder folder;
  copyWithout(folder.path, "libcudnn_adv");
  const Answer answer = probe("CUDNN_LSTM_CUDNN='" + (folder.path / "libcudnn.so.9").string() + "'");
  expect(answer, answer.says(kUnavailable), "expected a refusal");
  expect(answer, answer.says("libcudnn_adv.so.9|no such file"), "expected the library beside it");
  expect(answer, !answer.says("libcudnn.so.9|"), "expected the shim to be left alone");
}

Answer probeFake(const std::string& environment) {
  const Folder folder;
  files::create_symlink(LSTM_FAKE_CUDNN, folder.path / "libcudnn_adv.so.9");
  realCudnn();
  files::create_symlink(files::path(lstm::gpu::libraries().cudnnFolder) / "../../cu13/lib/libcublasLt.so.13",
                        folder.path / "libcublasLt.so.13");
  return probe(environment + " CUDNN_LSTM_CUDNN='" + folder.path.string() + "'");
}

TEST("a cuDNN of another version is a refusal that names the version") {
  const Answer old = probeFake("FAKE_CUDNN_VERSION=8907");
  expect(old, old.says(kUnavailable) && old.says("version 8.9.7, expected 9.x"), "expected version 8.9.7");
  const Answer next = probeFake("FAKE_CUDNN_VERSION=100100");
  expect(next, next.says(kUnavailable) && next.says("version 10.1.0, expected 9.x"),
         "expected version 10.1.0");
}

TEST("a cuDNN of libraries that do not belong together is a refusal") {
  const Answer answer = probeFake("FAKE_CUDNN_MIXED=1");
  expect(answer, answer.says(kUnavailable) && answer.says("do not belong together"), "expected a refusal");
}

TEST("CUDNN_ROOT is looked at first, and a later place serves when it holds nothing") {
  realCudnn();
  const Folder folder;
  const files::path python = files::path(lstm::gpu::libraries().cudnnFolder) / "../../../../../../bin/python";
  if (!files::exists(python)) throw harness::Skip{"cuDNN is not from a Python package here"};
  const std::string environment = "CUDNN_ROOT='" + folder.path.string() + "' CUDNN_LSTM_PYTHON='" +
                                  python.lexically_normal().string() + "'";
  const Answer answer = probe(environment);
  expect(answer, answer.says(folder.path.string() + "/libcudnn_adv.so.9|no such file"),
         "expected CUDNN_ROOT first");
  expect(answer, answer.says("libcudnn_adv.so.9|loaded 9."), "expected the Python package's");
}

}  // namespace
