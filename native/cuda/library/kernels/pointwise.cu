#include "cuda/elements/activation.h"
#include "cuda/elements/softmax.h"
#include "cuda/library/kernels/launch.cuh"
#include "cuda/library/kernels/teams.cuh"

// Bytes of an element: activations in place 8, their gradients 12, add 12.
namespace lstm::gpu {
namespace {

constexpr int kWarpClasses = 1024;  // up to here a row is a warp's, beyond it a block's

struct Forward {
  int activation;
  __device__ float operator()(float y, float) const { return elements::activate(activation, y); }
};

struct Gradient {
  int activation;
  __device__ float operator()(float dy, float y) const {
    return elements::activationGradient(activation, y, dy);
  }
};

struct Plus {
  __device__ float operator()(float to, float from) const { return to + from; }
};

// to[i] = function(to[i], from[i]); kReads: whether there is a `from`. kWide: both are 16-byte aligned.
template <bool kReads, bool kWide, typename Function>
__global__ void mapKernel(int64_t count, float* __restrict__ to, const float* __restrict__ from,
                          Function function) {
  const int64_t wide = kWide ? count / 4 : 0;
  for (int64_t i = globalThread(); i < wide; i += gridThreads()) {
    float4 value = reinterpret_cast<float4*>(to)[i];
    const float4 other = kReads ? reinterpret_cast<const float4*>(from)[i] : float4{};
    value.x = function(value.x, other.x);
    value.y = function(value.y, other.y);
    value.z = function(value.z, other.z);
    value.w = function(value.w, other.w);
    reinterpret_cast<float4*>(to)[i] = value;
  }
  for (int64_t i = wide * 4 + globalThread(); i < count; i += gridThreads())
    to[i] = function(to[i], kReads ? from[i] : 0.0f);
}

template <bool kReads, typename Function>
void map(const Launch& launch, int64_t count, float* to, const float* from, Function function) {
  if (count == 0) return;
  if (isAligned(to) && (!kReads || isAligned(from))) {
    mapKernel<kReads, true>
        <<<gridFor(launch, (count + 3) / 4), kThreads, 0, launch.stream>>>(count, to, from, function);
  } else {
    mapKernel<kReads, false>
        <<<gridFor(launch, count), kThreads, 0, launch.stream>>>(count, to, from, function);
  }
  checkLaunch("mapKernel");
}

// One row, forward (dy null) or backward.
template <typename Team>
__device__ void softmaxOfRow(Team& team, int64_t row, int classes, float* y, float* dy) {
  if (dy)
    elements::softmaxGradientRow(team, classes, y + row * classes, dy + row * classes);
  else
    elements::softmaxRow(team, classes, y + row * classes);
}

__global__ void softmaxByWarp(int64_t rows, int classes, float* y, float* dy) {
  WarpTeam team{static_cast<int>(threadIdx.x % kWarp)};
  for (int64_t row = globalThread() / kWarp; row < rows; row += gridThreads() / kWarp)
    softmaxOfRow(team, row, classes, y, dy);
}

__global__ void softmaxByBlock(int64_t rows, int classes, float* y, float* dy) {
  __shared__ __align__(16) unsigned char shared[BlockTeam<kThreads>::kSharedBytes];
  BlockTeam<kThreads> team{static_cast<int>(threadIdx.x), shared};
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) softmaxOfRow(team, row, classes, y, dy);
}

void softmax(const Launch& launch, int64_t rows, int classes, float* y, float* dy) {
  if (rows == 0) return;
  if (classes <= kWarpClasses)
    softmaxByWarp<<<gridFor(launch, rows * kWarp), kThreads, 0, launch.stream>>>(rows, classes, y, dy);
  else
    softmaxByBlock<<<gridFor(launch, rows * kThreads), kThreads, 0, launch.stream>>>(rows, classes, y, dy);
  checkLaunch("softmax");
}

void checkActivation(const char* call, int activation, int64_t rows, int channels, const void* y) {
  require(activation >= elements::kLinear && activation <= elements::kSoftmax, call, "no such activation");
  require(rows >= 0 && channels >= 1 && y, call, "expected rows of at least one channel");
}

}  // namespace

void requireKernels() {
  cudaFuncAttributes attributes{};
  LSTM_CUDA_CALL(cudaFuncGetAttributes, &attributes, softmaxByWarp);
}

void activationForward(const Launch& launch, int activation, int64_t rows, int channels, float* y) {
  checkActivation("activationForward", activation, rows, channels, y);
  if (activation == elements::kLinear) return;
  if (activation == elements::kSoftmax) return softmax(launch, rows, channels, y, nullptr);
  map<false>(launch, rows * channels, y, nullptr, Forward{activation});
}

void activationBackward(const Launch& launch, int activation, int64_t rows, int channels, const float* y,
                        float* dy) {
  checkActivation("activationBackward", activation, rows, channels, y);
  require(dy, "activationBackward", "expected a gradient");
  if (activation == elements::kLinear) return;
  // The forward alone writes y.
  if (activation == elements::kSoftmax) return softmax(launch, rows, channels, const_cast<float*>(y), dy);
  map<true>(launch, rows * channels, dy, y, Gradient{activation});
}

void add(const Launch& launch, float* to, const float* from, int64_t count) {
  require(count >= 0 && (count == 0 || (to && from)), "add", "expected two arrays");
  map<true>(launch, count, to, from, Plus{});
}

}  // namespace lstm::gpu
