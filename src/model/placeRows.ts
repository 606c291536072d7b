import type { Tensor } from '../data/tensor.js';

/**
 * Copies a batch's rows to where they belong in a whole output. A batch is padded to its own longest sequence, the
 * whole to the longest of all.
 *
 * @param whole [N, T, width] or [N, width]
 * @param rows [count, timeSteps, width] or [count, width]
 * @param first Where the first of them goes.
 */
export function placeRows(
  whole: Tensor<Float32Array>,
  rows: Float32Array,
  first: number,
  count: number,
  timeSteps: number,
): void {
  const [, steps = 1, width = 1] = whole.shape.length === 3 ? whole.shape : [0, 1, whole.shape[1]];
  const liveSize = (whole.shape.length === 3 ? timeSteps : 1) * width;
  for (let row = 0; row < count; row++) {
    const from = rows.subarray(row * liveSize, (row + 1) * liveSize);
    whole.data.set(from, (first + row) * steps * width);
  }
}
