#pragma once

#include <string>

#include "cuda/runtime.h"

namespace lstm::cuda {

// What came of opening libcudnn_lstm_cuda: the table, or why there is none.
struct RuntimeLibrary {
  const CudaRuntime* runtime = nullptr;
  std::string path;    // the file that was opened or tried
  std::string reason;  // when runtime is null: the loader's words, a missing symbol, another ABI
};

// Opens `explicitPath`, or `besidePath` where that is empty. A library that opened stays open for ever and is opened
// once per process; a failure is tried again by the next call. Never throws for a library that cannot be had.
// Thread-safe.
RuntimeLibrary openRuntime(const std::string& explicitPath, const std::string& besidePath);

}  // namespace lstm::cuda
