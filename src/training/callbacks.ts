import type { NamedTensors } from '../data/tensor.js';
import { CallbackError } from '../errors.js';
import type { CallbackState } from './callbackStates.js';
import type { EpochRecord, History } from './history.js';

/** What a callback can do to the training it is called from. */
export interface TrainingControl {
  /** Ends training after the batches that are under way. */
  stop(): void;
  getWeights(): Promise<NamedTensors>;
  setWeights(weights: NamedTensors): Promise<void>;
  /** Writes the model as {@link Model.save} does, with all that `fit` needs to go on from there (`resume`). */
  save(path: string): Promise<void>;
}

/** What is known when training begins. */
export interface TrainBeginLogs {
  /** The number of the last epoch. */
  readonly epochs: number;
  /** Epochs that were done before. */
  readonly initialEpoch: number;
  /** Of the next epoch, where they differ. Absent: the data's source does not say, and no epoch has ended yet. */
  readonly batchesPerEpoch?: number | undefined;
  /** A run goes on (`resume`): callbacks with a state have it back. */
  readonly resumed: boolean;
}

/** What is known when an epoch begins, or goes on in a resumed run. */
export interface EpochBeginLogs {
  /** Counted from 1. */
  readonly epoch: number;
  /** Its batches that were done before: 0 but where a run is resumed in the middle of an epoch. */
  readonly batchesDone: number;
}

/** What one batch came to. */
export interface BatchLogs {
  /** Counted from 1. */
  readonly epoch: number;
  /** Counted from 1 in each epoch. */
  readonly batch: number;
  /** Batches of the epoch; absent in the first one of data whose source does not say. */
  readonly batches?: number | undefined;
  /** Optimiser steps applied so far. */
  readonly step: number;
  readonly loss: number;
  /** L2 norm of all gradients before clipping. */
  readonly gradNorm: number;
  /** The rate this step was made with. */
  readonly learningRate: number;
  /**
   * False: loss or norm was not finite (an overflow of fp16 among them), and nothing was changed. Unless a hook stops
   * training or it is an overflow, `onNonFinite` decides.
   */
  readonly applied: boolean;
  /** True: not applied, as gradients overflowed at fp16's loss scale. The next step's is half; `onNonFinite` is not asked. */
  readonly overflow: boolean;
}

/**
 * Hooks into `fit`, called in the order of the list. Each may be async and is awaited; while `onBatchEnd` is told of a
 * batch, the next is computed. What a hook throws ends `fit` with a CallbackError that names the callback, once the steps
 * under way have ended; the model keeps what it has learnt and stays usable.
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
  /** For messages; by default `callbacks[i]`. */
  readonly name?: string | undefined;
  /** A value of the epochs' records that this callback reads; `fit` checks before training that it will be there. */
  readonly monitor?: string | undefined;
  onTrainBegin?(logs: TrainBeginLogs, control: TrainingControl): void | Promise<void>;
  onEpochBegin?(logs: EpochBeginLogs, control: TrainingControl): void | Promise<void>;
  onBatchEnd?(logs: BatchLogs, control: TrainingControl): void | Promise<void>;
  onEpochEnd?(logs: EpochRecord, control: TrainingControl): void | Promise<void>;
  onTrainEnd?(history: History, control: TrainingControl): void | Promise<void>;
  /** What a resumed run needs to go on where this one is; part of every file that is written meanwhile. */
  saveState?(): CallbackState | undefined;
  /** Takes up what `saveState` gave, before `onTrainBegin`. */
  restoreState?(state: CallbackState): void;
}

/** The name of a callback in messages. */
export function callbackName({ name }: Callback, index: number): string {
  return name ?? `callbacks[${index}]`;
}

/** The error of a `fit` that a hook ended. */
export function callbackError(
  cause: unknown,
  callback: Callback,
  index: number,
  hook: string,
  history: History,
): CallbackError {
  const name = callbackName(callback, index);
  const text = cause instanceof Error ? cause.message : String(cause);
  return new CallbackError(`${name}.${hook}: ${text}`, { callback: name, index, hook, history }, { cause });
}
