import { AbortError } from '../errors.js';
import type { LossKind } from '../losses/loss.js';
import { metricValues, type Metric, type MetricValues } from '../metrics/metric.js';
import type { NativeStepResult, NativeUpdate } from '../native/binding.js';
import type { Session } from '../native/session.js';
import { unitsOf, type BatchSource } from './batchSource.js';
import type { Callback, TrainingControl } from './callbacks.js';
import type { EpochRecord, History, StopReason } from './history.js';
import { LossMean } from './lossMean.js';
import { pipelined } from './pipeline.js';
import type { Display } from './display.js';

/** One call of `fit`, everything checked and resolved. */
export interface TrainingPlan {
  readonly session: Session;
  readonly source: BatchSource;
  readonly loss: LossKind;
  readonly update: NativeUpdate;
  readonly metrics: readonly Metric[];
  /** The last epoch's number, counted from 1; the first is `initialEpoch + 1`. */
  readonly epochs: number;
  readonly initialEpoch: number;
  readonly validate: (() => Promise<MetricValues & { readonly loss: number }>) | undefined;
  readonly callbacks: readonly Callback[];
  readonly display: Display;
  readonly signal: AbortSignal | undefined;
  /** Decides on a step that was not applied: throws, or returns to go on. */
  readonly onNonFinite: (result: NativeStepResult) => void;
  readonly control: Omit<TrainingControl, 'stop'>;
}

/** What training has come to so far, and whether it is to stop. */
export interface TrainingProgress {
  readonly history: History;
}

/** Runs the epochs of a plan. `progress.history` is kept up to date, also when this throws. */
export class TrainingLoop implements TrainingProgress {
  readonly #plan: TrainingPlan;
  readonly #control: TrainingControl;
  readonly #epochs: EpochRecord[] = [];
  #steps = 0;
  #skippedSteps = 0;
  #stopRequested = false;

  constructor(plan: TrainingPlan) {
    this.#plan = plan;
    this.#control = Object.freeze({ ...plan.control, stop: () => void (this.#stopRequested = true) });
  }

  get history(): History {
    return this.historyWith(this.#stopRequested ? 'callback' : 'finished');
  }

  historyWith(stopped: StopReason): History {
    const { steps, skippedSteps } = { steps: this.#steps, skippedSteps: this.#skippedSteps };
    return Object.freeze({ epochs: Object.freeze([...this.#epochs]), steps, skippedSteps, stopped });
  }

  async run(): Promise<History> {
    const { source, epochs, initialEpoch, display } = this.#plan;
    const batchesPerEpoch = source.batchesPerEpoch;
    try {
      await this.#each((callback) => callback.onTrainBegin?.({ epochs, batchesPerEpoch }, this.#control));
      for (let epoch = initialEpoch; epoch < epochs && !this.#stopRequested; epoch++) {
        await this.#epoch(epoch);
      }
      const { history } = this;
      await this.#each((callback) => callback.onTrainEnd?.(history, this.#control));
      return history;
    } finally {
      display.end();
    }
  }

  async #epoch(index: number): Promise<void> {
    const { source, metrics, validate, session, display, epochs } = this.#plan;
    const epoch = index + 1;
    const startMs = performance.now();
    await this.#each((callback) => callback.onEpochBegin?.({ epoch }, this.#control));
    display.epochBegin({ epoch, epochs, batches: source.batchesPerEpoch, unit: source.unit });
    if (source.carriesStates) await session.resetStates();
    const mean = await this.#batches(index);
    const validation = validate === undefined ? {} : named(await validate());
    const record = Object.freeze({
      epoch,
      loss: mean.loss,
      ...metricValues(metrics, mean),
      ...validation,
      seconds: (performance.now() - startMs) / 1000,
    });
    this.#epochs.push(record);
    display.epochEnd(record);
    await this.#each((callback) => callback.onEpochEnd?.(record, this.#control));
  }

  async #batches(index: number): Promise<LossMean> {
    const { source, session, loss, update, signal, display } = this.#plan;
    const batches = source.epoch(index);
    const mean = new LossMean();
    const submit = async (k: number): Promise<{ result: NativeStepResult; units: number }> => {
      if (signal?.aborted === true) throw new AbortError('fit was aborted');
      const gathered = batches(k);
      const batch = source.carriesStates ? { ...gathered.batch, carryStates: true } : gathered.batch;
      const result = await session.trainStep(batch, { loss, ...gathered.targets }, update);
      return { result, units: unitsOf(gathered, source.unit) };
    };
    await pipelined(source.batchesPerEpoch, submit, async ({ result, units }, k) => {
      this.#count(result, mean);
      display.batch({ batch: k + 1, loss: mean.loss, units });
      await this.#batchEnd(index + 1, k + 1, result);
      return this.#stopRequested;
    });
    return mean;
  }

  #count(result: NativeStepResult, mean: LossMean): void {
    if (result.applied) {
      this.#steps++;
      mean.add(result);
      return;
    }
    this.#plan.onNonFinite(result);
    this.#skippedSteps++;
  }

  async #batchEnd(epoch: number, batch: number, result: NativeStepResult): Promise<void> {
    const batches = this.#plan.source.batchesPerEpoch;
    const { step, loss, gradNorm, applied } = result;
    const logs = { epoch, batch, batches, step, loss, gradNorm, applied };
    await this.#each((callback) => callback.onBatchEnd?.(logs, this.#control));
  }

  async #each(call: (callback: Callback) => void | Promise<void> | undefined): Promise<void> {
    for (const callback of this.#plan.callbacks) await call(callback);
  }
}

function named({ loss, accuracy, mae, mse }: MetricValues & { readonly loss: number }): Partial<EpochRecord> {
  return {
    valLoss: loss,
    ...(accuracy !== undefined && { valAccuracy: accuracy }),
    ...(mae !== undefined && { valMae: mae }),
    ...(mse !== undefined && { valMse: mse }),
  };
}
