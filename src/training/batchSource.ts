import type { BatchGatherer, GatheredBatch } from '../data/batches.js';
import type { LanguageModelPass, LanguageModelStream } from '../data/languageModelStream.js';
import { batchOrder, type Sampling } from '../data/order.js';

/** Where the batches of an epoch come from. */
export interface BatchSource {
  /** The same in every epoch. Absent: the source does not say, or `batchesOf` does. */
  readonly batchesPerEpoch?: number | undefined;
  /** Of an epoch, counted from 0, where they differ and the source knows. */
  batchesOf?(epoch: number): number;
  /** Batches go on where the one before ended: states are carried over, from zeros at an epoch's start. */
  readonly carriesStates: boolean;
  /** What progress is counted in. */
  readonly unit: 'sequences' | 'tokens';
  /** What its batches follow from, for messages and for a run that is resumed: JSON. */
  readonly identity: Readonly<Record<string, unknown>>;
  /** The batches of an epoch, counted from 0, from batch `from` on. */
  epoch(epoch: number, from?: number): EpochBatches;
}

/** A source that can count its batches, and has them at hand. */
export interface CountedSource extends BatchSource {
  readonly batchesPerEpoch: number;
  epoch(epoch: number, from?: number): { next(): Gathering };
}

/** Gathers a batch, again if need be: its arrays may be used for others in between. */
export type Gathering = () => GatheredBatch;

/** Batches one after the other. */
export interface EpochBatches {
  /** Undefined: a source without `batchesPerEpoch` is at its end. */
  next(): Gathering | undefined | Promise<Gathering | undefined>;
  /** Waits until nothing is read any more, also before the end. */
  close?(): Promise<void>;
}

/** What decides the order of rows. */
export interface OrderOptions {
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly dropLast: boolean;
  readonly bucketByLength?: boolean | undefined;
  readonly sampling?: Sampling | undefined;
}

/** Rows to choose from. */
export interface RowSet {
  readonly gatherer: BatchGatherer;
  /** [N] time steps. */
  readonly lengths: ArrayLike<number>;
  /** [N], where rows have a class. */
  readonly labels?: ArrayLike<number> | undefined;
}

/**
 * Batches of the chosen rows. Each epoch's order follows from seed and epoch alone, so training that is resumed sees the
 * same batches.
 *
 * @throws ConfigError, DataError
 */
export function rowSource(
  { gatherer, lengths, labels }: RowSet,
  rows: Uint32Array,
  options: OrderOptions,
): CountedSource {
  const own = Int32Array.from(rows, (row) => lengths[row]!);
  const classes = labels && Float64Array.from(rows, (row) => labels[row]!);
  const batchesOf = (epoch: number) => batchOrder(own, classes, { ...options, epoch });
  return {
    batchesPerEpoch: batchesOf(0).length,
    carriesStates: false,
    unit: 'sequences',
    identity: { rows: rows.length, timeSteps: own.reduce((sum, length) => sum + length, 0) },
    epoch(epoch, from = 0) {
      const batches = batchesOf(epoch);
      let k = from;
      return {
        next() {
          const batch = batches[k++]!.map((index) => rows[index]!);
          return () => gatherer.gather(batch);
        },
      };
    },
  };
}

/** The batches of a language-model stream, in their order. */
export function streamSource(stream: LanguageModelStream): BatchSource {
  const { batchSize, timeSteps, steps, largestId, seed } = stream;
  const passOf = (epoch: number): LanguageModelPass => stream.pass?.(epoch) ?? stream;
  return {
    ...(stream.pass ? { batchesOf: (epoch) => passOf(epoch).steps } : { batchesPerEpoch: steps }),
    carriesStates: true,
    unit: 'tokens',
    identity: { batchSize, timeSteps, steps, largestId, ...(stream.pass && { lengths: 'random', seed }) },
    epoch(epoch, from = 0) {
      const pass = passOf(epoch);
      let k = from;
      return {
        next() {
          if (k === pass.steps) return undefined;
          const own = k++;
          return () => pass.batch(own);
        },
      };
    },
  };
}

/** Batches of an epoch, counted from 0; undefined where the source does not say. */
export function batchesIn(source: BatchSource, epoch: number): number | undefined {
  return source.batchesPerEpoch ?? source.batchesOf?.(epoch);
}

/** How much of the source's unit a batch holds. */
export function unitsOf({ batch, rows }: GatheredBatch, unit: BatchSource['unit']): number {
  return unit === 'sequences' ? rows : batch.batchSize * batch.timeSteps;
}
