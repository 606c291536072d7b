#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "cuda/runtime.h"

namespace lstm::addon {

// What there is of CUDA: NativeCudaProbe of src/native/binding.ts.
struct CudaProbe {
  struct Gpu {
    int index = 0;
    RuntimeDeviceInfo info{};
    std::string failure;  // empty: `info` holds
  };
  bool opened = false;
  bool standIn = false;
  std::string failure;
  std::vector<RuntimePlace> places;
  std::vector<Gpu> gpus;
};

// Opens the library and asks for every GPU; places are looked at when they are asked for. May take seconds; never throws for what is not there.
CudaProbe probeCuda(const std::string& library, bool withPlaces);
bool isStandIn(const CudaRuntime& runtime);

Napi::Object toJs(Napi::Env env, const CudaProbe& probe);
// Sets the fields of NativeGpu.
void setGpu(Napi::Object object, const RuntimeDeviceInfo& info);

}  // namespace lstm::addon
