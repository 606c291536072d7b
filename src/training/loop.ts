import { AbortError, DisposedError } from '../errors.js';
import type { GatheredBatch } from '../data/batches.js';
import { validationName, type MetricValues } from '../metrics/metric.js';
import type { MetricSums } from '../metrics/metricSums.js';
import { orAborted } from '../model/aborting.js';
import { valueNames, type ModelMetrics } from '../metrics/modelMetrics.js';
import { overflowed } from '../model/trainStep.js';
import type { NativeBatch, NativeStepResult, NativeUpdate } from '../native/binding.js';
import type { Session } from '../native/session.js';
import type { NonMonotonicTrigger } from '../optimizers/average.js';
import { batchesIn, unitsOf, type BatchSource, type EpochBatches } from './batchSource.js';
import { callbackError, type Callback, type TrainingControl } from './callbacks.js';
import { callbackKeys, restoreCallbacks, saveCallbacks } from './callbackStates.js';
import { History, type EpochRecord, type StopReason } from './history.js';
import { noMore, pipelined } from './pipeline.js';
import type { RunIdentity } from './runIdentity.js';
import type { RunRate } from './runRate.js';
import type { Display } from './display.js';
import type { OpenHook, ResumableRun, StepOutcome, TrainingState } from './trainingState.js';
import type { Totals, TotalSums } from './totals.js';

/** How a step is run for a loss and its metrics. */
export interface StepObjective {
  step(
    session: Session,
    batch: NativeBatch,
    targets: GatheredBatch['targets'],
    update: NativeUpdate,
  ): Promise<NativeStepResult & MetricSums>;
  /** @param from What earlier ones came to. */
  totals(from?: TotalSums): Totals;
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
  readonly identity: RunIdentity;
  /** The run that this one goes on with, instead of `initialEpoch`. */
  readonly resumed?: TrainingState | undefined;
  readonly validate: (() => Promise<MetricValues & { readonly loss: number }>) | undefined;
  readonly callbacks: readonly Callback[];
  readonly display: Display;
  readonly signal: AbortSignal | undefined;
  /** Decides on a step that was not applied: throws, or returns to go on. */
  readonly onNonFinite: (result: NativeStepResult) => void;
  readonly control: Omit<TrainingControl, 'stop'>;
}

/** A hook that is being called, and how many callbacks it was begun with. */
interface Calling {
  readonly hook: OpenHook['hook'];
  readonly logs: object;
  readonly callbacks: readonly string[];
}

/** Runs the epochs of a plan. History and state are kept up to date, also when this throws. */
export class TrainingLoop implements ResumableRun {
  readonly #plan: TrainingPlan;
  readonly #control: TrainingControl;
  readonly #keys: readonly string[];
  readonly #records: EpochRecord[];
  #steps: number;
  #skippedSteps: number;
  #stopRequested = false;
  /** The epoch under way or next, counted from 0. */
  #epoch: number;
  /** Batches settled in it, and in all epochs. */
  #batch: number;
  #step: number;
  /** Batches of an epoch, where source or an epoch that is over says it. */
  #batches: number | undefined;
  #mean: Totals;
  /** Seconds of the epoch before this call of `fit`. */
  #secondsBefore: number;
  #startMs = performance.now();
  /** Steps that are submitted and not settled. */
  readonly #underWay: Promise<StepOutcome>[];
  #calling: Calling | undefined;
  /** Where the run was when it was stopped in the middle of an epoch. */
  #cutShort: TrainingState | undefined;

  constructor(plan: TrainingPlan) {
    const { resumed, initialEpoch, source } = plan;
    this.#plan = plan;
    this.#control = Object.freeze({ ...plan.control, stop: () => void (this.#stopRequested = true) });
    this.#keys = callbackKeys(plan.callbacks);
    this.#records = [...(resumed?.epochs ?? [])];
    this.#steps = resumed?.steps ?? 0;
    this.#skippedSteps = resumed?.skippedSteps ?? 0;
    this.#epoch = resumed?.epoch ?? initialEpoch;
    this.#batch = resumed?.batch ?? 0;
    this.#batches = batchesIn(source, this.#epoch) ?? resumed?.batches;
    this.#step = resumed?.step ?? initialEpoch * (plan.rate.stepsPerEpoch ?? 0);
    this.#mean = plan.objective.totals(resumed?.sums);
    this.#secondsBefore = resumed?.seconds ?? 0;
    this.#underWay = (resumed?.ahead ?? []).map((outcome) => Promise.resolve(outcome));
    this.#calling = resumed?.open;
  }

  get history(): History {
    return this.historyWith(this.#stopRequested ? 'callback' : 'finished');
  }

  historyWith(stopped: StopReason): History {
    const { steps, skippedSteps } = { steps: this.#steps, skippedSteps: this.#skippedSteps };
    return new History({ epochs: Object.freeze([...this.#records]), steps, skippedSteps, stopped });
  }

  async state(): Promise<TrainingState | undefined> {
    if (this.#cutShort !== undefined) return this.#cutShort;
    const underWay = [...this.#underWay];
    const settled = {
      identity: this.#plan.identity,
      epoch: this.#epoch,
      batch: this.#batch,
      step: this.#step,
      batches: this.#batches,
      sums: this.#mean.sums(),
      open: this.#calling,
      epochs: [...this.#records],
      steps: this.#steps,
      skippedSteps: this.#skippedSteps,
      seconds: this.#batch + underWay.length === 0 ? 0 : this.#seconds(),
      averaging: this.#plan.averaging?.state,
      callbacks: saveCallbacks(this.#plan.callbacks),
    };
    const ahead = await computed(underWay);
    return ahead && { ...settled, ahead };
  }

  async run(): Promise<History> {
    const { epochs, display, callbacks, resumed, rate } = this.#plan;
    try {
      const begin = {
        epochs,
        initialEpoch: this.#epoch,
        batchesPerEpoch: this.#batches,
        resumed: resumed !== undefined,
      };
      await rate.begin(begin.resumed);
      if (resumed !== undefined) restoreCallbacks(callbacks, resumed.callbacks);
      await this.#each('onTrainBegin', (callback) => callback.onTrainBegin?.(begin, this.#control));
      if (this.#calling !== undefined) await this.#call(this.#calling);
      while (this.#epoch < epochs && !this.#stopRequested) await this.#runEpoch();
      const { history } = this;
      await this.#each('onTrainEnd', (callback) => callback.onTrainEnd?.(history, this.#control));
      return history;
    } finally {
      display.end();
    }
  }

  async #runEpoch(): Promise<void> {
    const { source, validate, session, display, epochs, rate } = this.#plan;
    const epoch = this.#epoch + 1;
    this.#startMs = performance.now();
    const batchesDone = this.#batch;
    await this.#each('onEpochBegin', (callback) =>
      callback.onEpochBegin?.({ epoch, batchesDone }, this.#control),
    );
    display.epochBegin({ epoch, epochs, batches: this.#batches, batchesDone, unit: source.unit });
    if (source.carriesStates && this.#trainedOn === 0) await session.resetStates();
    const isComplete = await this.#runBatches();
    if (!isComplete) this.#cutShort = await this.state();
    const mean = this.#mean;
    const validation = validate === undefined ? {} : named(await validate());
    const record = Object.freeze({
      epoch,
      loss: mean.loss,
      ...mean.values(),
      ...validation,
      learningRate: rate.at(this.#step - 1, this.#epoch),
      seconds: this.#seconds(),
    });
    if (validation.valLoss !== undefined && isComplete) this.#plan.averaging?.observe(validation.valLoss);
    this.#records.push(record);
    const calling = { hook: 'onEpochEnd', logs: record, callbacks: this.#keys } as const;
    if (isComplete) this.#nextEpoch(calling);
    display.epochEnd(record);
    // What an epoch that was cut short came to says nothing to a schedule.
    if (isComplete) await rate.epochEnd(record, this.#step);
    await this.#call(calling);
  }

  // In the turn in which the record is kept, so that every state has both or none.
  #nextEpoch(calling: Calling): void {
    this.#batches ??= this.#batch;
    this.#epoch++;
    this.#batches = batchesIn(this.#plan.source, this.#epoch) ?? this.#batches;
    this.#batch = 0;
    this.#mean = this.#plan.objective.totals();
    this.#secondsBefore = 0;
    this.#calling = calling;
  }

  /** Whether the epoch is whole. */
  async #runBatches(): Promise<boolean> {
    const { source, session } = this.#plan;
    // Steps of a run that is resumed which nobody has been told of yet.
    while (this.#underWay.length > 0) await this.#settle(await this.#underWay[0]!);
    const count = batchesIn(source, this.#epoch) ?? Infinity;
    if (this.#stopRequested && this.#batch < count) return false;
    const batches = source.epoch(this.#epoch, this.#batch);
    let isOver = false;
    try {
      await pipelined(
        count - this.#batch,
        async () => {
          const outcome = await this.#submit(batches);
          isOver ||= outcome === noMore;
          return outcome;
        },
        (outcome) => this.#settle(outcome),
        session.stepsAhead,
      );
    } finally {
      const closing = batches.close?.();
      // An aborted call does not wait for a source that gives nothing.
      if (this.#plan.signal?.aborted !== true) await closing;
    }
    return isOver || this.#batch === count;
  }

  async #submit(batches: EpochBatches): Promise<StepOutcome | typeof noMore> {
    const { source, session, objective, rate, signal, averaging } = this.#plan;
    if (signal?.aborted === true) throw new AbortError('fit was aborted');
    const next = batches.next();
    // What is at hand is submitted in this turn: its arrays are used again for the next.
    const gathering = next instanceof Promise ? await orAborted(signal, 'fit', next) : next;
    if (gathering === undefined) return noMore;
    const gathered = gathering();
    const batch = source.carriesStates ? { ...gathered.batch, carryStates: true } : gathered.batch;
    const scheduled = rate.at(this.#step + this.#underWay.length, this.#epoch);
    const learningRate = scheduled * (gathered.rateFactor ?? 1);
    const average = averaging?.begun === true ? { average: { kind: 'mean' as const } } : {};
    const update = { ...this.#plan.update, ...average, learningRate };
    const units = unitsOf(gathered, source.unit);
    const outcome = objective
      .step(session, batch, gathered.targets, update)
      .then((result) => ({ result, learningRate, units }));
    this.#underWay.push(outcome);
    return outcome;
  }

  /** Whether training is to stop. */
  async #settle({ result, learningRate, units }: StepOutcome): Promise<boolean> {
    void this.#underWay.shift();
    this.#batch++;
    this.#step++;
    this.#count(result);
    this.#plan.display.batch({ batch: this.#batch, loss: this.#mean.loss, units });
    const { step, loss, gradNorm, applied } = result;
    const logs = {
      epoch: this.#epoch + 1,
      batch: this.#batch,
      batches: this.#batches,
      step,
      loss,
      gradNorm,
      learningRate,
      applied,
      overflow: overflowed(result),
    };
    await this.#call({ hook: 'onBatchEnd', logs, callbacks: this.#keys });
    if (!applied && !this.#stopRequested) this.#plan.onNonFinite(result);
    return this.#stopRequested;
  }

  #count(result: NativeStepResult & MetricSums): void {
    if (result.applied) {
      this.#steps++;
      this.#mean.add(result);
      return;
    }
    this.#skippedSteps++;
  }

  /** Calls a hook that a state can be taken in the middle of: it says who has not been called yet. */
  async #call(calling: Calling): Promise<void> {
    const { hook, logs } = calling;
    const open = new Set(calling.callbacks);
    await this.#each(hook, (callback, index) => {
      const key = this.#keys[index]!;
      if (!open.delete(key)) return;
      this.#calling = open.size === 0 ? undefined : { hook, logs, callbacks: [...open] };
      return callback[hook]?.(logs as never, this.#control);
    });
    this.#calling = undefined;
  }

  async #each(
    hook: keyof Callback,
    call: (callback: Callback, index: number) => void | Promise<void> | undefined,
  ): Promise<void> {
    for (const [index, callback] of this.#plan.callbacks.entries()) {
      try {
        await call(callback, index);
      } catch (error) {
        if (error instanceof AbortError || error instanceof DisposedError) throw error;
        throw callbackError(error, callback, index, hook, this.history);
      }
    }
  }

  get #trainedOn(): number {
    return this.#batch + this.#underWay.length;
  }

  #seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#startMs) / 1000;
  }
}

/** Those before the first that failed; undefined where one after it did not. */
async function computed(
  underWay: readonly Promise<StepOutcome>[],
): Promise<readonly StepOutcome[] | undefined> {
  const outcomes = await Promise.allSettled(underWay);
  const done = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const inOrder = outcomes.slice(0, done.length).every(({ status }) => status === 'fulfilled');
  return inOrder ? done.map(withoutOutputs) : undefined;
}

// What metrics of order read is in `scored`.
function withoutOutputs({ result, ...others }: StepOutcome): StepOutcome {
  const { outputs: _, heads, ...kept } = result;
  const own = heads?.map(({ outputs: __, ...head }) => head);
  return { ...others, result: { ...kept, ...(own && { heads: own }) } };
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
