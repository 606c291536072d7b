import { OutOfMemoryError } from '../errors.js';

/** How training goes with one batch size, the longest sequences of the data in the batch. */
export interface BatchSizeTrial {
  readonly batchSize: number;
  /** The fastest step. */
  readonly stepMs: number;
  readonly sequencesPerSecond: number;
  /** Parameters, gradients, moments and activations. */
  readonly bytes: number;
}

/** What `suggestBatchSize` found. */
export interface BatchSizeSearch {
  /** The smallest size that reaches nine tenths of the best throughput. */
  readonly suggestion: number;
  /** The largest size that fits; where memory ends it, to within a sixteenth. */
  readonly largest: number;
  /** What keeps it from being larger. */
  readonly limitedBy: 'memory' | 'data' | 'max';
  /** The sizes that fit, by size. */
  readonly curve: readonly BatchSizeTrial[];
}

/**
 * Doubles the batch size up to `max`, or until one does not fit; then halves the gap to the largest that does.
 *
 * @param trial Throws OutOfMemoryError for a size that does not fit.
 * @throws OutOfMemoryError where a single sequence does not fit.
 */
export async function batchSizeSearch(
  trial: (batchSize: number) => Promise<BatchSizeTrial>,
  max: number,
  rows: number,
): Promise<BatchSizeSearch> {
  const curve: BatchSizeTrial[] = [await trial(1)];
  let fits = 1;
  let tooLarge = Infinity;
  while (fits < max && tooLarge - fits > Math.max(1, Math.floor(fits / 16))) {
    const next = tooLarge === Infinity ? Math.min(2 * fits, max) : Math.floor((fits + tooLarge) / 2);
    const result = await unlessTooLarge(trial, next);
    if (result === undefined) tooLarge = next;
    else {
      curve.push(result);
      fits = next;
    }
  }
  const limitedBy = fits < max ? 'memory' : max < rows ? 'max' : 'data';
  const best = Math.max(...curve.map(({ sequencesPerSecond }) => sequencesPerSecond));
  const suggestion = curve.find(({ sequencesPerSecond }) => sequencesPerSecond >= 0.9 * best)!.batchSize;
  return Object.freeze({ suggestion, largest: fits, limitedBy, curve: Object.freeze(curve) });
}

async function unlessTooLarge(
  trial: (batchSize: number) => Promise<BatchSizeTrial>,
  batchSize: number,
): Promise<BatchSizeTrial | undefined> {
  try {
    return await trial(batchSize);
  } catch (error) {
    if (error instanceof OutOfMemoryError) return undefined;
    throw error;
  }
}
