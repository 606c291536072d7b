#pragma once

#include <memory>
#include <string>

#include "cuda/library/gemm.h"
#include "cuda/library/libraries.h"
#include "cuda/library/staging.h"

// One device for one thread: a stream that everything runs on in the order of the calls, one that brings batches to the
// card meanwhile, the handles that work on the first, and scratch that lives as long. Neither stream waits for the
// legacy default stream.
struct RuntimeContext {
  explicit RuntimeContext(int index);
  ~RuntimeContext();
  RuntimeContext(const RuntimeContext&) = delete;
  RuntimeContext& operator=(const RuntimeContext&) = delete;

  // Makes the device the calling thread's, and refuses when the context is lost.
  void enter() const;
  // Inside a capture a copy would freeze the caller's memory into the graph, and waiting would break it.
  void requireNotCapturing(const char* call) const;

  const int device;
  const lstm::gpu::Libraries& libraries;
  int multiprocessors = 0;
  cudaStream_t stream = nullptr;
  cudaStream_t copies = nullptr;
  cudnnHandle_t cudnn = nullptr;
  cublasLtHandle_t cublasLt = nullptr;
  void* gemmWorkspace = nullptr;
  size_t gemmWorkspaceBytes = 0;
  float* columnScratch = nullptr;  // columnSums' partial sums
  cudaEvent_t timeStart = nullptr;
  cudaEvent_t timeStop = nullptr;
  std::unique_ptr<lstm::gpu::Staging> staging;
  std::unique_ptr<lstm::gpu::Fetches> fetches;
  std::unique_ptr<lstm::gpu::GemmPlans> gemmPlans;
  bool isCapturing = false;
  bool isLost = false;
  std::string lostBy;

 private:
  void open();
  void close() noexcept;
};
