import { describe } from '../config/describe.js';
import { ConfigError, DataError, ShapeError } from '../errors.js';
import { balancedOrder } from './balance.js';
import { batchRows } from './batches.js';
import { shuffledBatches, sortByLength } from './buckets.js';
import { RandomWords, streams } from './philox.js';
import { permutation } from './shuffle.js';

/** How rows are drawn: each once, or each class equally often. */
export type Sampling = 'natural' | 'balanced';

export interface BatchOrderOptions {
  readonly batchSize: number;
  /** A new order each epoch. */
  readonly shuffle: boolean;
  readonly seed: number;
  /** Counted from 0. */
  readonly epoch: number;
  /** Leave out a last batch that is not full. Default false. */
  readonly dropLast?: boolean | undefined;
  /** Rows of nearly one length share a batch, which saves padding; the batches come in random order. Default false. */
  readonly bucketByLength?: boolean | undefined;
  /** `balanced` needs labels and `shuffle`. Default `natural`. */
  readonly sampling?: Sampling | undefined;
}

/**
 * The rows of each batch of an epoch. It depends on nothing but its arguments, so a resumed run sees the same
 * batches. With `natural` sampling every row comes exactly once; with `dropLast` the rows left out are random ones.
 *
 * @param lengths [N] time steps of the rows.
 * @param labels [N] class ids, for `sampling: 'balanced'`.
 *
 * @example
 * ```ts
 * const batches = batchOrder(lengths, undefined, { batchSize: 64, shuffle: true, seed: 1, epoch: 0, bucketByLength: true });
 * console.log(`${(100 * paddingShare(lengths, batches)).toFixed(1)} % padding`);
 * ```
 *
 * @throws ConfigError for a batch size that is no whole number from 1, for `dropLast` with fewer rows than that, and for
 *   balanced sampling without `shuffle` or labels.
 * @throws DataError for no rows. ShapeError for labels that are not one a row.
 */
export function batchOrder(
  lengths: ArrayLike<number>,
  labels: ArrayLike<number> | undefined,
  options: BatchOrderOptions,
): Uint32Array[] {
  const { batchSize, shuffle, dropLast = false, bucketByLength = false } = options;
  const order = rowOrder(lengths.length, labels, options);
  const batches = batchRows(order, batchSize, dropLast);
  if (!bucketByLength) return batches;
  const kept = dropLast ? order.subarray(0, batches.length * batchSize) : order;
  if (!shuffle) {
    const sorted = kept.slice().sort((a, b) => lengths[a]! - lengths[b]! || a - b);
    return batchRows(sorted, batchSize, false);
  }
  const words = new RandomWords(options.seed, streams.bucket, options.epoch);
  const sorted = sortByLength(kept, (row) => lengths[row]!, words);
  return shuffledBatches(sorted, batchSize, words);
}

function rowOrder(
  count: number,
  labels: ArrayLike<number> | undefined,
  { shuffle, seed, epoch, sampling = 'natural' }: BatchOrderOptions,
): Uint32Array {
  if (sampling === 'balanced') return balancedOrder(checkedLabels(labels, count, shuffle), seed, epoch);
  return shuffle ? permutation(count, seed, epoch) : Uint32Array.from({ length: count }, (_, row) => row);
}

function checkedLabels(
  labels: ArrayLike<number> | undefined,
  count: number,
  shuffle: boolean,
): ArrayLike<number> {
  if (!shuffle || labels === undefined) {
    const expected = shuffle ? "'natural' where the targets are no class ids" : "'natural' without shuffle";
    throw new ConfigError(`sampling: expected ${expected}, received 'balanced'`, {
      path: 'sampling',
      expected,
      received: 'balanced',
    });
  }
  if (labels.length === count) return labels;
  const expected = `one label for each of the ${count} rows`;
  throw new ShapeError(`labels: expected ${expected}, received ${labels.length}`, {
    name: 'labels',
    expected,
    received: labels.length,
  });
}

/**
 * The share of a batch's time steps that are padding, over all batches: 1 - Σ length / Σ N·T, T the longest of the batch.
 *
 * @param lengths [N] time steps of the rows.
 * @param batches The rows of each batch, as {@link batchOrder} gives them.
 */
export function paddingShare(lengths: ArrayLike<number>, batches: readonly ArrayLike<number>[]): number {
  let steps = 0;
  let slots = 0;
  for (const batch of batches) {
    let longest = 0;
    for (let k = 0; k < batch.length; k++) {
      const length = lengths[batch[k]!];
      if (length === undefined) throw unknownRow(batch[k], lengths.length);
      steps += length;
      longest = Math.max(longest, length);
    }
    slots += batch.length * longest;
  }
  return slots === 0 ? 0 : 1 - steps / slots;
}

function unknownRow(row: unknown, count: number): DataError {
  const expected = `rows from 0 to ${count - 1}`;
  return new DataError(`batches: expected ${expected}, received ${describe(row)}`, {
    name: 'batches',
    expected,
    received: row,
  });
}
