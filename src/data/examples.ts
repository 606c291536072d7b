import { describe } from '../config/describe.js';
import { flag, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import { bucketedBatches, plainBatches } from './exampleBatches.js';
import { checkedExamples, makeOpener, sourceCount, type ExampleSource } from './exampleSource.js';
import { prefetched } from './prefetch.js';
import type { NumberList } from './rows.js';
import { shuffledThrough } from './shuffleBuffer.js';

/** Features of one sequence: [T][C]. */
export type FeatureSequence = readonly NumberList[];

/** Token ids of one sequence: [T]. */
export type TokenSequence = NumberList;

/** One sequence with what a model should give for it. */
export interface Example {
  /** Features [T][C] or token ids [T]. */
  readonly x: FeatureSequence | TokenSequence;
  /** What a row of `y` is in `{ x, y }`: a class id, values [K], or by step ids [T] or values [T][K]. */
  readonly y: number | ArrayLike<number> | readonly ArrayLike<number>[];
  /** What the sequence's loss is multiplied by, >= 0. Default 1. */
  readonly sampleWeight?: number | undefined;
}

/** Batches of examples that are read as they are needed: what `fit` takes for data that memory does not hold. */
export interface ExampleStream {
  readonly kind: 'examples';
  readonly batchSize: number;
  /** Known for arrays and with `count`; absent otherwise. */
  readonly batchesPerEpoch?: number | undefined;
  /**
   * Batches of an epoch, counted from 0, from batch `from` on; the same for the same arguments as long as the source
   * gives the same examples. The examples before `from` are read and dropped, as the order depends on them.
   *
   * @throws DataError, while batches are read, for a wrong example and for what the source throws (as `cause`).
   */
  open(epoch: number, from?: number): AsyncIterable<readonly Example[]>;
}

export interface ExampleStreamOptions {
  readonly batchSize: number;
  /**
   * Examples held for shuffling: each one that is read takes the place of a random one, which goes on. Default 0: the
   * source's order. Choose it larger than the runs of one class or origin in the source.
   */
  readonly shuffleBuffer?: number | undefined;
  /**
   * Examples held for bucketing by length, rounded up to whole batches: they are sorted by length, cut into batches, and the
   * batches shuffled. Default 0: none.
   */
  readonly bucketBuffer?: number | undefined;
  /** Decides the order. Default 0. */
  readonly seed?: number | undefined;
  /** Leave out a last batch that is not full. Default false. */
  readonly dropLast?: boolean | undefined;
  /** Batches that are read ahead of the one in use. Default 2. */
  readonly prefetch?: number | undefined;
  /** Examples of an epoch where that is known; another number is an error then. Arrays know their own. */
  readonly count?: number | undefined;
}

const schema = settings({
  batchSize: whole(1),
  shuffleBuffer: whole(0).default(0),
  bucketBuffer: whole(0).default(0),
  seed: whole(0).default(0),
  dropLast: flag.default(false),
  prefetch: whole(0).default(2),
  count: whole(1).optional(),
});

/**
 * Training data that is read while it is used. Memory holds the two buffers, the batches read ahead and what the source
 * itself holds, however many examples there are. The order is a function of (seed, epoch) and the source's order.
 *
 * @param source A function that opens the source for an epoch (counted from 0), or something that can be iterated anew each
 *   epoch, such as an array or `csvSequences(path, ...)`. A generator or Node stream itself can be read once.
 *
 * @example
 * ```ts
 * const stream = exampleStream(
 *   () => csvSequences('train.csv', { id: 'seq', time: 't', features: ['c1', 'c2'], target: 'label' }),
 *   { batchSize: 32, shuffleBuffer: 2048, seed: 1 },
 * );
 * await model.fit(stream, { loss: 'crossEntropy', epochs: 10 });
 * ```
 *
 * @throws ConfigError
 */
export function exampleStream(source: ExampleSource, options: ExampleStreamOptions): ExampleStream {
  const { batchSize, shuffleBuffer, bucketBuffer, seed, dropLast, prefetch, count } = parseConfig(
    schema,
    options,
    'exampleStream',
  );
  const opener = makeOpener(source);
  const expected = count ?? sourceCount(source);
  if (dropLast && expected !== undefined && expected < batchSize) throw tooLarge(batchSize, expected);
  const batches = expected && (dropLast ? Math.floor(expected / batchSize) : Math.ceil(expected / batchSize));
  return Object.freeze({
    kind: 'examples' as const,
    batchSize,
    ...(batches !== undefined && { batchesPerEpoch: batches }),
    open(epoch: number, from = 0): AsyncIterable<readonly Example[]> {
      requireWhole('epoch', epoch);
      requireWhole('from', from);
      const examples = checkedExamples(opener, epoch, expected);
      const shuffled = shuffledThrough(examples, shuffleBuffer, seed, epoch);
      const rest = { batchSize, dropLast, from };
      const made =
        bucketBuffer > 0
          ? bucketedBatches(shuffled, { ...rest, bucketBuffer, seed, epoch })
          : plainBatches(shuffled, rest);
      return prefetched(made, prefetch);
    },
  });
}

function tooLarge(batchSize: number, count: number): ConfigError {
  const path = 'exampleStream.batchSize';
  const expected = `at most the ${count} examples there are, because of dropLast`;
  return new ConfigError(`${path}: expected ${expected}, received ${batchSize}`, {
    path,
    expected,
    received: batchSize,
  });
}

function requireWhole(path: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return;
  const expected = 'a whole number from 0';
  throw new ConfigError(`${path}: expected ${expected}, received ${describe(value)}`, {
    path,
    expected,
    received: value,
  });
}
