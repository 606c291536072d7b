import { join } from 'node:path';
import { describe } from '../config/describe.js';
import type { Callback } from '../training/callbacks.js';
import { monitored, type Monitor } from '../training/monitor.js';

/** What a trial came to. */
export interface TrialOutcome {
  /** What the search makes small, or large with `mode: 'max'`. */
  readonly value: number;
  /** The value of each fold, whose mean `value` is. */
  readonly folds?: readonly number[] | undefined;
  /** More numbers for the table. */
  readonly metrics?: Readonly<Record<string, number>> | undefined;
}

/** Why a trial failed. */
export interface TrialFailure {
  readonly name: string;
  readonly message: string;
  /** Of this package's errors. */
  readonly code?: string | undefined;
}

/** A value that was reported on the way. */
export interface TrialReport {
  readonly resource: number;
  readonly value: number;
}

/** A trial as the search keeps it: frozen, JSON. */
export interface TrialResult<C = unknown> {
  /** From 0, in the order in which trials begin. */
  readonly number: number;
  readonly config: C;
  readonly seed: number;
  /** `pruned`: halving did not promote it; its value is that of its last report. */
  readonly state: 'finished' | 'pruned' | 'failed';
  readonly value?: number | undefined;
  readonly folds?: readonly number[] | undefined;
  readonly metrics?: Readonly<Record<string, number>> | undefined;
  /** Halving: what the trial was given, such as epochs. */
  readonly resource?: number | undefined;
  /** Halving: one a rung. */
  readonly reports?: readonly TrialReport[] | undefined;
  /** Wall time, waiting for a promotion not counted. */
  readonly seconds: number;
  readonly error?: TrialFailure | undefined;
}

/** What a trial function is told and what it can say. */
export interface Trial {
  /** From 0. */
  readonly number: number;
  /** For the trial's model and data order: a function of the search's seed and the number. */
  readonly seed: number;
  /** The share of the machine's threads that is this trial's, for `sequential`. */
  readonly threads: number;
  /** Aborted when the search is. */
  readonly signal: AbortSignal;
  /** Halving: the resources at which values are to be reported, rising; else empty. */
  readonly rungs: readonly number[];
  /** Halving: the rung that was reported before this call; 0 at first. */
  readonly reached: number;
  /** A folder for this trial's checkpoints, where the search has one. */
  readonly folder: string | undefined;
  /**
   * Reports a value. True: go on. False: end now, `return` whatever is at hand; with a `folder`, in which the state has
   * been saved before, the function may be called again, `reached` being this rung. Without a folder the promise waits
   * for the decision while other trials run. Beside halving it is always true.
   */
  report(resource: number, value: number): Promise<boolean>;
  /**
   * The same as a callback of `fit`, with epochs as the resource: at a rung it saves the model as `model.safetensors` in
   * `folder`, reports, and stops training when told to.
   */
  callback(options?: { readonly monitor?: Monitor | undefined }): Callback;
}

/** Trains with a config and gives its value. */
export type TrialFunction<C = unknown> = (
  config: C,
  trial: Trial,
) => number | TrialOutcome | Promise<number | TrialOutcome>;

/** What the search decides for a trial; all but the signal can be sent to another thread. */
export interface TrialFacts {
  readonly number: number;
  readonly seed: number;
  readonly threads: number;
  readonly rungs: readonly number[];
  readonly reached: number;
  readonly folder: string | undefined;
}

/** The file that `trial.callback` writes. */
export const checkpointFile = 'model.safetensors';

export function makeTrial(facts: TrialFacts, signal: AbortSignal, report: Trial['report']): Trial {
  const trial: Trial = {
    ...facts,
    signal,
    report,
    callback: ({ monitor = 'valLoss' } = {}) => reportingCallback(trial, monitor),
  };
  return Object.freeze(trial);
}

function reportingCallback({ rungs, folder, report }: Trial, monitor: Monitor): Callback {
  return {
    name: 'trial',
    monitor,
    async onEpochEnd(record, control) {
      const value = monitored(record, monitor, 'trial.callback');
      if (!rungs.includes(record.epoch)) return;
      if (folder !== undefined) await control.save(join(folder, checkpointFile));
      if (!(await report(record.epoch, value))) control.stop();
    },
  };
}

/** An error as it is stored. */
export function failureOf(error: unknown): TrialFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const code: unknown = (error as { code?: unknown }).code;
  return { name: error.name, message: error.message, ...(typeof code === 'string' && { code }) };
}

/** What a trial function gave, checked: a failure where there is nothing to compare. */
export function outcomeOf(
  value: unknown,
): { readonly outcome: TrialOutcome } | { readonly failure: TrialFailure } {
  const given = (typeof value === 'object' && value !== null ? value : { value }) as TrialOutcome;
  if (!Number.isFinite(given.value)) return { failure: badValue(given.value) };
  const { value: number, folds, metrics } = given;
  return { outcome: { value: number, ...(folds && { folds }), ...(metrics && { metrics }) } };
}

/** The failure of a trial whose value is no finite number. */
export function badValue(value: unknown): TrialFailure {
  const message = `the trial's value: expected a finite number, received ${describe(value)}`;
  return { name: 'DataError', message, code: 'ERR_DATA' };
}
