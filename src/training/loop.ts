import { AbortError, DisposedError } from '../errors.js';
import type { GatheredBatch } from '../data/batches.js';
import { validationName, type MetricValues } from '../metrics/metric.js';
import type { MetricSums } from '../metrics/metricSums.js';
import { valueNames, type ModelMetrics } from '../metrics/modelMetrics.js';
import { overflowed } from '../model/trainStep.js';
import type { NativeBatch, NativeStepResult, NativeUpdate } from '../native/binding.js';
import type { Session } from '../native/session.js';
import type { NonMonotonicTrigger } from '../optimizers/average.js';
import { unitsOf, type BatchSource } from './batchSource.js';
import { callbackError, type Callback, type TrainingControl } from './callbacks.js';
import { History, type EpochRecord, type StopReason } from './history.js';
import { pipelined } from './pipeline.js';
import type { RunRate } from './runRate.js';
import type { Display } from './display.js';
import type { Totals } from './totals.js';

/** How a step is run for a loss and its metrics. */
export interface StepObjective {
  step(
    session: Session,
    batch: NativeBatch,
    targets: GatheredBatch['targets'],
    update: NativeUpdate,
  ): Promise<NativeStepResult & MetricSums>;
  totals(): Totals;
}

/** One call of `fit`, everything checked and resolved. */
export interface TrainingPlan {
  readonly session: Session;
  readonly source: BatchSource;
  readonly objective: StepObjective;
  /** Its learning rate is replaced by each step's. */
  readonly update: NativeUpdate;
  readonly rate: RunRate;
  /** When the mean of the weights begins; undefined: `update` says all. */
  readonly averaging?: NonMonotonicTrigger | undefined;
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
    return new History({ epochs: Object.freeze([...this.#epochs]), steps, skippedSteps, stopped });
  }

  async run(): Promise<History> {
    const { source, epochs, initialEpoch, display } = this.#plan;
    const batchesPerEpoch = source.batchesPerEpoch;
    try {
      const begin = { epochs, initialEpoch, batchesPerEpoch };
      await this.#plan.rate.begin();
      await this.#each('onTrainBegin', (callback) => callback.onTrainBegin?.(begin, this.#control));
      for (let epoch = initialEpoch; epoch < epochs && !this.#stopRequested; epoch++) {
        await this.#epoch(epoch);
      }
      const { history } = this;
      await this.#each('onTrainEnd', (callback) => callback.onTrainEnd?.(history, this.#control));
      return history;
    } finally {
      display.end();
    }
  }

  async #epoch(index: number): Promise<void> {
    const { source, validate, session, display, epochs, rate } = this.#plan;
    const epoch = index + 1;
    const startMs = performance.now();
    await this.#each('onEpochBegin', (callback) => callback.onEpochBegin?.({ epoch }, this.#control));
    display.epochBegin({ epoch, epochs, batches: source.batchesPerEpoch, unit: source.unit });
    if (source.carriesStates) await session.resetStates();
    const mean = await this.#batches(index);
    const validation = validate === undefined ? {} : named(await validate());
    if (validation.valLoss !== undefined) this.#plan.averaging?.observe(validation.valLoss);
    const record = Object.freeze({
      epoch,
      loss: mean.loss,
      ...mean.values(),
      ...validation,
      learningRate: rate.at(epoch * source.batchesPerEpoch - 1),
      seconds: (performance.now() - startMs) / 1000,
    });
    this.#epochs.push(record);
    display.epochEnd(record);
    await rate.epochEnd(record, epoch * source.batchesPerEpoch);
    await this.#each('onEpochEnd', (callback) => callback.onEpochEnd?.(record, this.#control));
  }

  async #batches(index: number): Promise<Totals> {
    const { source, session, objective, rate, signal, display, averaging } = this.#plan;
    const { update: own } = this.#plan;
    const update = averaging?.begun === true ? { ...own, average: { kind: 'mean' as const } } : own;
    const firstStep = index * source.batchesPerEpoch;
    const batches = source.epoch(index);
    const mean = objective.totals();
    const submit = async (k: number) => {
      if (signal?.aborted === true) throw new AbortError('fit was aborted');
      const gathered = batches(k);
      const batch = source.carriesStates ? { ...gathered.batch, carryStates: true } : gathered.batch;
      const learningRate = rate.at(firstStep + k);
      const step = { ...update, learningRate };
      const result = await objective.step(session, batch, gathered.targets, step);
      return { result, learningRate, units: unitsOf(gathered, source.unit) };
    };
    await pipelined(
      source.batchesPerEpoch,
      submit,
      async ({ result, learningRate, units }, k) => {
        this.#count(result, mean);
        display.batch({ batch: k + 1, loss: mean.loss, units });
        await this.#batchEnd(index + 1, k + 1, result, learningRate);
        if (!result.applied && !this.#stopRequested) this.#plan.onNonFinite(result);
        return this.#stopRequested;
      },
      session.stepsAhead,
    );
    return mean;
  }

  #count(result: NativeStepResult & MetricSums, mean: Totals): void {
    if (result.applied) {
      this.#steps++;
      mean.add(result);
      return;
    }
    this.#skippedSteps++;
  }

  async #batchEnd(
    epoch: number,
    batch: number,
    result: NativeStepResult,
    learningRate: number,
  ): Promise<void> {
    const batches = this.#plan.source.batchesPerEpoch;
    const { step, loss, gradNorm, applied } = result;
    const overflow = overflowed(result);
    const logs = { epoch, batch, batches, step, loss, gradNorm, learningRate, applied, overflow };
    await this.#each('onBatchEnd', (callback) => callback.onBatchEnd?.(logs, this.#control));
  }

  async #each(
    hook: keyof Callback,
    call: (callback: Callback) => void | Promise<void> | undefined,
  ): Promise<void> {
    for (const [index, callback] of this.#plan.callbacks.entries()) {
      try {
        await call(callback);
      } catch (error) {
        if (error instanceof AbortError || error instanceof DisposedError) throw error;
        throw callbackError(error, callback, index, hook, this.history);
      }
    }
  }
}

/** What the records of epochs will hold that is a number. */
export function recordNames(metrics: ModelMetrics, validates: boolean): readonly string[] {
  const values = ['loss', ...valueNames(metrics)];
  return [...values, ...(validates ? values.map(validationName) : []), 'learningRate'];
}

function named(values: MetricValues & { readonly loss: number }): Partial<EpochRecord> {
  const entries = Object.entries(values).map(([name, value]) => [validationName(name), value]);
  return Object.fromEntries(entries) as Partial<EpochRecord>;
}
