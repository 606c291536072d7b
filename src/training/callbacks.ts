import type { NamedTensors } from '../data/tensor.js';
import type { EpochRecord, History } from './history.js';

/** What a callback can do to the training it is called from. */
export interface TrainingControl {
  /** Ends training after the batches that are under way. */
  stop(): void;
  getWeights(): Promise<NamedTensors>;
  setWeights(weights: NamedTensors): Promise<void>;
}

/** What is known when training begins. */
export interface TrainBeginLogs {
  readonly epochs: number;
  readonly batchesPerEpoch: number;
}

/** What one batch came to. */
export interface BatchLogs {
  /** Counted from 1. */
  readonly epoch: number;
  /** Counted from 1 in each epoch. */
  readonly batch: number;
  readonly batches: number;
  /** Optimiser steps applied so far. */
  readonly step: number;
  readonly loss: number;
  readonly gradNorm: number;
  /** False: not finite, skipped (`onNonFinite: 'skip'`). */
  readonly applied: boolean;
}

/**
 * Hooks into `fit`. Each may be async and is awaited; what it throws ends `fit` with that error.
 *
 * @example
 * ```ts
 * await model.fit(data, {
 *   loss: 'mse',
 *   callbacks: [{ onEpochEnd: ({ epoch, loss }) => console.log(epoch, loss) }],
 * });
 * ```
 */
export interface Callback {
  onTrainBegin?(logs: TrainBeginLogs, control: TrainingControl): void | Promise<void>;
  onEpochBegin?(logs: { readonly epoch: number }, control: TrainingControl): void | Promise<void>;
  onBatchEnd?(logs: BatchLogs, control: TrainingControl): void | Promise<void>;
  onEpochEnd?(logs: EpochRecord, control: TrainingControl): void | Promise<void>;
  onTrainEnd?(history: History, control: TrainingControl): void | Promise<void>;
}
