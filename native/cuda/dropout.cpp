#include "cuda/dropout.h"

namespace lstm::cuda {

void dropout(Core& core, const DropoutArgs& args) {
  if (args.rows == 0) return;
  if (args.rate == 0) {
    if (args.x != args.y)
      core.context.call(&CudaRuntime::copyWithin, static_cast<void*>(args.y),
                        static_cast<const void*>(args.x), args.rows * args.channels * sizeof(float));
    return;
  }
  RuntimeDropout call{};
  call.rows = args.rows;
  call.channels = args.channels;
  call.rate = args.rate;
  call.seed = args.key.seed;
  call.stream = args.key.stream;
  call.dScalars = core.drawSteps.of(args);
  if (args.shape) call.dRowToSequence = core.tablesOf(*args.shape).rowToSequence();
  call.dRowKeys = args.rowKeys;
  call.dX = args.x;
  call.dY = args.y;
  core.context.call(&CudaRuntime::dropout, &call);
}

}  // namespace lstm::cuda
