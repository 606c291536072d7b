import { shuffledBatches, sortByLength } from './buckets.js';
import type { Example } from './examples.js';
import { RandomWords, streams } from './philox.js';

interface BatchOptions {
  readonly batchSize: number;
  readonly dropLast: boolean;
  /** Batches to leave out at the start. */
  readonly from: number;
}

type Batches = AsyncGenerator<readonly Example[]>;

/** Examples cut into batches in their order. */
export async function* plainBatches(
  examples: AsyncIterable<Example>,
  { batchSize, dropLast, from }: BatchOptions,
): Batches {
  let k = 0;
  for await (const batch of groupsOf(examples, batchSize)) {
    if (k++ >= from && (!dropLast || batch.length === batchSize)) yield batch;
  }
}

/** Examples of nearly one length together: sorted and cut within a buffer, whose batches come in random order. */
export async function* bucketedBatches(
  examples: AsyncIterable<Example>,
  options: BatchOptions & { readonly bucketBuffer: number; readonly seed: number; readonly epoch: number },
): Batches {
  const { batchSize, dropLast, from, bucketBuffer, seed, epoch } = options;
  const words = new RandomWords(seed, streams.bucket, epoch);
  const window = Math.ceil(bucketBuffer / batchSize) * batchSize;
  let k = 0;
  for await (const held of groupsOf(examples, window)) {
    const kept = dropLast ? held.length - (held.length % batchSize) : held.length;
    const rows = Uint32Array.from({ length: kept }, (_, row) => row);
    const sorted = sortByLength(rows, (row) => held[row]!.x.length, words);
    for (const batch of shuffledBatches(sorted, batchSize, words)) {
      if (k++ >= from) yield Array.from(batch, (row) => held[row]!);
    }
  }
}

async function* groupsOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
