#include "cuda/elements/dropout.h"

#include "cuda/library/kernels/launch.cuh"

// 8 bytes of an element. A thread draws one Philox block and has its four elements.
namespace lstm::gpu {
namespace {

__device__ float4 droppedFour(const elements::DropoutDraw& draw, uint64_t block, const float4& x) {
  const Philox4 words = philoxBlock(draw.key, block);
  return {elements::dropped(draw, words.v[0], x.x), elements::dropped(draw, words.v[1], x.y),
          elements::dropped(draw, words.v[2], x.z), elements::dropped(draw, words.v[3], x.w)};
}

// Element-wise: element e of the draw is element e of x. kWide: x and y are 16-byte aligned.
template <bool kWide>
__global__ void elementKernel(RuntimeDropout args, int64_t count) {
  const elements::DropoutDraw draw =
      elements::dropoutDraw(args.seed, args.stream, args.dScalars->drawStep, args.rate);
  const int64_t whole = count / 4;
  for (int64_t block = globalThread(); block < (count + 3) / 4; block += gridThreads()) {
    const int64_t at = block * 4;
    if (kWide && block < whole) {
      const float4 x = reinterpret_cast<const float4*>(args.dX)[block];
      reinterpret_cast<float4*>(args.dY)[block] = droppedFour(draw, block, x);
    } else {
      elements::dropoutWithinBlock(draw, at, static_cast<int>(min(int64_t{4}, count - at)), args.dX + at,
                                   args.dY + at);
    }
  }
}

// One mask for a sequence's every step: element = n * channels + channel. A row begins anywhere within a Philox block, so
// it touches up to channels / 4 + 2 of them.
__global__ void sequenceKernel(RuntimeDropout args, int blocksOfRow) {
  const elements::DropoutDraw draw =
      elements::dropoutDraw(args.seed, args.stream, args.dScalars->drawStep, args.rate);
  for (int64_t i = globalThread(); i < args.rows * blocksOfRow; i += gridThreads()) {
    const int64_t row = i / blocksOfRow;
    const int64_t first = static_cast<int64_t>(args.dRowToSequence[row]) * args.channels;
    const int64_t block = first / 4 + (i - row * blocksOfRow);
    const int64_t begin = max(block * 4, first);
    const int64_t end = min(block * 4 + 4, first + args.channels);
    if (begin >= end) continue;
    const int64_t at = row * args.channels + (begin - first);
    elements::dropoutWithinBlock(draw, begin, static_cast<int>(end - begin), args.dX + at, args.dY + at);
  }
}

// Rows that are kept or dropped whole. Every element draws for its row: fewer bytes than a table of factors.
__global__ void rowKernel(RuntimeDropout args) {
  const elements::DropoutDraw draw =
      elements::dropoutDraw(args.seed, args.stream, args.dScalars->drawStep, args.rate);
  for (int64_t i = globalThread(); i < args.rows * args.channels; i += gridThreads())
    args.dY[i] = elements::droppedByRow(draw, args.dRowKeys[i / args.channels], args.dX[i]);
}

}  // namespace

void dropout(const Launch& launch, const RuntimeDropout& args) {
  require(args.rows >= 0 && args.channels >= 1 && args.rate >= 0 && args.rate < 1, "dropout",
          "expected rows of at least one channel and a rate in [0, 1)");
  require(args.dScalars && (args.rows == 0 || (args.dX && args.dY)), "dropout", "expected scalars, x and y");
  if (args.rows == 0) return;
  if (args.dRowKeys) {
    rowKernel<<<gridFor(launch, args.rows * args.channels), kThreads, 0, launch.stream>>>(args);
    return checkLaunch("rowKernel");
  }
  if (args.dRowToSequence) {
    const int blocksOfRow = args.channels % 4 == 0 ? args.channels / 4 : args.channels / 4 + 2;
    sequenceKernel<<<gridFor(launch, args.rows * blocksOfRow), kThreads, 0, launch.stream>>>(args,
                                                                                             blocksOfRow);
    return checkLaunch("sequenceKernel");
  }
  const int64_t count = args.rows * args.channels;
  const unsigned grid = gridFor(launch, (count + 3) / 4);
  if (isAligned(args.dX) && isAligned(args.dY))
    elementKernel<true><<<grid, kThreads, 0, launch.stream>>>(args, count);
  else
    elementKernel<false><<<grid, kThreads, 0, launch.stream>>>(args, count);
  checkLaunch("elementKernel");
}

}  // namespace lstm::gpu
