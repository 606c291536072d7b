import { batchRows, type BatchGatherer, type GatheredBatch } from '../data/batches.js';
import type { LanguageModelStream } from '../data/languageModelStream.js';
import { permutation } from '../data/shuffle.js';

/** Where the batches of an epoch come from. */
export interface BatchSource {
  readonly batchesPerEpoch: number;
  /** Batches go on where the one before ended: states are carried over, from zeros at an epoch's start. */
  readonly carriesStates: boolean;
  /** What progress is counted in. */
  readonly unit: 'sequences' | 'tokens';
  /** The batches of an epoch, counted from 0. */
  epoch(epoch: number): EpochBatches;
}

/** Gives batch k; its arrays are used again for the next. */
export type EpochBatches = (k: number) => GatheredBatch;

/** What decides the order of rows. */
export interface OrderOptions {
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly dropLast: boolean;
}

/**
 * Batches of the chosen rows. Each epoch's order follows from seed and epoch alone, so training that is resumed at
 * an epoch sees the same batches.
 *
 * @throws ConfigError, DataError
 */
export function rowSource(gatherer: BatchGatherer, rows: Uint32Array, options: OrderOptions): BatchSource {
  const { batchSize, shuffle, seed, dropLast } = options;
  return {
    batchesPerEpoch: batchRows(rows, batchSize, dropLast).length,
    carriesStates: false,
    unit: 'sequences',
    epoch(epoch) {
      const order = shuffle ? permutation(rows.length, seed, epoch).map((index) => rows[index]!) : rows;
      const batches = batchRows(order, batchSize, dropLast);
      return (k) => gatherer.gather(batches[k]!);
    },
  };
}

/** The batches of a language-model stream, in their order. */
export function streamSource(stream: LanguageModelStream): BatchSource {
  return {
    batchesPerEpoch: stream.steps,
    carriesStates: true,
    unit: 'tokens',
    epoch: () => (k) => stream.batch(k),
  };
}

/** How much of the source's unit a batch holds. */
export function unitsOf({ batch, rows }: GatheredBatch, unit: BatchSource['unit']): number {
  return unit === 'sequences' ? rows : batch.batchSize * batch.timeSteps;
}
