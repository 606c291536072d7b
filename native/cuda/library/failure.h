#pragma once

#include <string>

#include "cuda/library/check.h"
#include "cuda/library/cuda_headers.h"
#include "cuda/runtime.h"

// Inside the library a failed call is an exception; the table's functions (table.cpp) turn it into a status.
namespace lstm::gpu {

struct Failure {
  RuntimeStatus status;
  int code;
  std::string call;
  std::string text;
  // The library that failed ran on the device: whether the device is lost is the stream's to say.
  bool askDevice = false;
};

[[noreturn]] void fail(RuntimeStatus status, std::string call, std::string text, int code = 0);

// An argument that the library would not catch, or would catch less clearly.
inline void require(bool condition, const char* call, const std::string& text) {
  if (!condition) fail(kRuntimeInvalid, call, text);
}

struct CudnnApi;
struct CublasLtApi;
void check(cudnnStatus_t status, const char* call, const CudnnApi& api);
void check(cublasStatus_t status, const char* call, const CublasLtApi& api);

void report(const Failure& failure, RuntimeError* error);

}  // namespace lstm::gpu

#define LSTM_API_CALL(api, function, ...) ::lstm::gpu::check((api).function(__VA_ARGS__), #function, api)
