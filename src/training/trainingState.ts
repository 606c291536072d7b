import type { MetricSums } from '../metrics/metricSums.js';
import type { NativeStepResult } from '../native/binding.js';
import type { TriggerState } from '../optimizers/average.js';
import type { SavedCallback } from './callbackStates.js';
import type { EpochRecord } from './history.js';
import type { LossSums } from './lossMean.js';
import type { RunIdentity } from './runIdentity.js';

/** A step that has been computed. */
export interface StepOutcome {
  readonly result: NativeStepResult & MetricSums;
  /** The rate it was made with. */
  readonly learningRate: number;
  /** Sequences or tokens in its batch. */
  readonly units: number;
}

/** A hook that some callbacks have not been called by yet. */
export interface OpenHook {
  readonly hook: 'onBatchEnd' | 'onEpochEnd';
  readonly logs: object;
  /** Keys of those callbacks, see {@link callbackKeys}. */
  readonly callbacks: readonly string[];
}

/**
 * Where a run of `fit` is, and what it has come to: with weights, optimiser and schedule of the same moment, all that its
 * next step depends on. Plain data.
 */
export interface TrainingState {
  readonly identity: RunIdentity;
  /** The epoch under way or next, counted from 0. */
  readonly epoch: number;
  /** Its batches that are settled: counted, and told to callbacks. */
  readonly batch: number;
  /** Batches settled in all epochs, which schedules count. */
  readonly step: number;
  /** Batches of an epoch, where one has shown it. */
  readonly batches?: number | undefined;
  /** Of the epoch under way. */
  readonly sums: LossSums;
  /** Batches after the settled ones that the weights have learnt from already. */
  readonly ahead: readonly StepOutcome[];
  readonly open?: OpenHook | undefined;
  readonly epochs: readonly EpochRecord[];
  /** As {@link History} counts them. */
  readonly steps: number;
  readonly skippedSteps: number;
  /** Wall time of the epoch under way. */
  readonly seconds: number;
  readonly averaging?: TriggerState | undefined;
  readonly callbacks: readonly SavedCallback[];
}

/** A run that can say where it is: one under way, or one that has ended. */
export interface ResumableRun {
  /**
   * As of this call, steps that are submitted included: weights that are asked for in the same turn belong to it. Undefined
   * where a step failed and a later one, submitted before anybody knew, did not: no place in the data is that of the weights.
   */
  state(): Promise<TrainingState | undefined>;
}
