#include "cuda/check.h"

#include "engine/errors.h"

namespace lstm::cuda {

std::string describe(const RuntimeError& error) {
  std::string text = error.call[0] ? error.call : "a CUDA call";
  text += " failed with " + std::to_string(error.code);
  if (error.text[0]) text += std::string(": ") + error.text;
  return text;
}

void throwStatus(RuntimeStatus status, const RuntimeError& error) {
  switch (status) {
    case kRuntimeOutOfMemory:
      throw OutOfMemory("the CUDA device has no memory left for this: " + describe(error));
    case kRuntimeNotSupported:
      throw InvalidArgument("the CUDA device cannot do this: " + describe(error));
    case kRuntimeUnavailable:
      throw DeviceUnavailable(error.text[0] ? error.text : describe(error));
    default:
      throw CudaFailure(describe(error), error.code, error.call, error.text, status == kRuntimeLost);
  }
}

void throwLost(const RuntimeError& first) {
  throw CudaFailure("the CUDA device is lost and can only be disposed of, since " + describe(first),
                    first.code, first.call, first.text, true);
}

}  // namespace lstm::cuda
