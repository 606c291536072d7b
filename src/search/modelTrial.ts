import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layer } from '../layers/layer.js';
import type { FitOptions } from '../model/fit.js';
import { loadModel } from '../model/loadModel.js';
import type { Model } from '../model/model.js';
import type { SequentialOptions } from '../model/modelConfig.js';
import { sequential } from '../model/sequential.js';
import { deviceFields, type DeviceOptions } from '../native/deviceOptions.js';
import type { Callback } from '../training/callbacks.js';
import type { EpochRecord } from '../training/history.js';
import { monitored, rises, type Monitor } from '../training/monitor.js';
import type { Trial, TrialFunction, TrialOutcome } from './trial.js';
import { trainingParts, type TrainingPart, type ValidationOptions } from './trainingParts.js';

/** A model and its training, as a config describes them. */
export interface ModelPlan {
  readonly layers: readonly Layer[];
  /** For `sequential`; by default the trial's seed and threads. */
  readonly options?: SequentialOptions | undefined;
  /** For `fit`; what to validate with and the signal are the search's. With halving so are the epochs. */
  readonly fit: Omit<FitOptions, 'validationData' | 'validationSplit' | 'initialEpoch' | 'resume' | 'signal'>;
}

/** Trials that are models: what {@link modelTrial} and the searches take. */
export type ModelTrialOptions<C> = ValidationOptions & {
  /** The model of a config. */
  readonly build: (config: C, trial: Trial) => ModelPlan | Promise<ModelPlan>;
  /** The value of an epoch's record that the search compares. Default `valLoss`. */
  readonly monitor?: Monitor | undefined;
  /** Which epoch's: the `last`, or the `best`, as with early stopping that goes back to it. Default `last`. */
  readonly take?: 'last' | 'best' | undefined;
};

/**
 * A trial function that builds a model from a config, trains it and validates it: on a validation set, or on each of k folds,
 * their mean being the value. With halving a model stays in memory while it waits, or goes on from its checkpoint, exactly
 * as if it had never stopped.
 *
 * @throws ConfigError, ShapeError, DataError in the trial
 * @example
 * ```ts
 * // trial.js, which a search names as `run: new URL('./trial.js', import.meta.url)`
 * export default modelTrial({
 *   data: await load(),
 *   folds: { kind: 'stratified', folds: 5 },
 *   build: ({ hiddenSize }) => ({
 *     layers: [lstm({ hiddenSize, returnSequences: false }), dense({ units: 9, activation: 'softmax' })],
 *     options: { inputSize: 12 },
 *     fit: { loss: 'crossEntropy', epochs: 20 },
 *   }),
 * });
 * ```
 */
export function modelTrial<C>(options: ModelTrialOptions<C>): TrialFunction<C> {
  const { build, monitor = 'valLoss', take = 'last' } = options;
  // Folds are cut once for all trials of a thread, when the first one needs them.
  let parts: readonly TrainingPart[] | undefined;
  return async (config, trial) => {
    parts ??= trainingParts(options);
    const plan = await build(config, trial);
    const runs = parts.map((part, fold) => new FoldRun(part, fold, plan, trial, { monitor, take }));
    try {
      return await trainRungs(runs, plan, trial);
    } finally {
      await Promise.all(runs.map((run) => run.dispose()));
    }
  };
}

async function trainRungs(runs: readonly FoldRun[], plan: ModelPlan, trial: Trial): Promise<TrialOutcome> {
  const isHalving = trial.rungs.length > 0;
  const epochs = trial.rungs.at(-1) ?? plan.fit.epochs ?? 1;
  const goals = isHalving ? trial.rungs.filter((rung) => rung > trial.reached) : [epochs];
  let outcome: TrialOutcome = { value: Number.NaN };
  for (const goal of goals) {
    const values: number[] = [];
    for (const run of runs) {
      values.push(await run.trainTo(goal, epochs));
      // Beside halving one model at a time is in memory.
      if (!isHalving) await run.dispose();
    }
    outcome = { value: mean(values), ...(runs.length > 1 && { folds: values }), metrics: metricsOf(runs) };
    if (!isHalving) break;
    // What its own callbacks stopped does not go on.
    if (runs.some(({ hasStopped }) => hasStopped)) break;
    await Promise.all(runs.map((run) => run.save(goal)));
    const goesOn = await trial.report(goal, outcome.value);
    if (!goesOn) break;
  }
  return outcome;
}

interface Measure {
  readonly monitor: Monitor;
  readonly take: 'last' | 'best';
}

/** One model of a trial, on one fold or on the validation set. */
class FoldRun {
  readonly #part: TrainingPart;
  readonly #fold: number;
  readonly #plan: ModelPlan;
  readonly #trial: Trial;
  readonly #measure: Measure;
  #model: Model | undefined;
  #reached = 0;
  #best: EpochRecord | undefined;
  #hasStopped = false;

  constructor(part: TrainingPart, fold: number, plan: ModelPlan, trial: Trial, measure: Measure) {
    this.#part = part;
    this.#fold = fold;
    this.#plan = plan;
    this.#trial = trial;
    this.#measure = measure;
  }

  /** The record that the value is taken from. */
  get record(): EpochRecord | undefined {
    return this.#best;
  }

  /** A callback of the plan's own ended training before its epoch. */
  get hasStopped(): boolean {
    return this.#hasStopped;
  }

  /** Trains up to the end of an epoch, of a run of `epochs`, and gives the value there. */
  async trainTo(goal: number, epochs: number): Promise<number> {
    const model = await this.#open();
    const { train, validation } = this.#part;
    const { callbacks = [], ...fit } = this.#plan.fit;
    const history = await model.fit(train, {
      seed: this.#trial.seed,
      verbose: 'silent',
      ...fit,
      epochs,
      initialEpoch: this.#reached,
      validationData: validation,
      signal: this.#trial.signal,
      callbacks: [...callbacks, stopAfter(goal, this.#measure.monitor)],
    });
    this.#reached = goal;
    this.#hasStopped = history.epochs.at(-1)!.epoch < goal;
    for (const record of history.epochs) this.#keep(record);
    return monitored(this.#best!, this.#measure.monitor, 'search');
  }

  /** Leaves a checkpoint for another call, and takes away the one before. */
  async save(epoch: number): Promise<void> {
    const path = this.#path(epoch);
    if (path === undefined) return;
    await this.#model!.save(path);
    const before = this.#trial.rungs[this.#trial.rungs.indexOf(epoch) - 1];
    if (before !== undefined) await rm(this.#path(before)!, { force: true });
  }

  async dispose(): Promise<void> {
    await this.#model?.dispose();
    this.#model = undefined;
  }

  async #open(): Promise<Model> {
    if (this.#model !== undefined) return this.#model;
    const { layers, options } = this.#plan;
    const { threads, seed, reached } = this.#trial;
    const path = reached > 0 ? this.#path(reached) : undefined;
    if (path !== undefined && existsSync(path)) {
      this.#reached = reached;
      this.#model = await loadModel(path, { threads, ...deviceOptionsOf(options) });
    } else this.#model = await sequential(layers, { threads, seed, ...options });
    return this.#model;
  }

  #path(epoch: number): string | undefined {
    const { folder } = this.#trial;
    return folder === undefined ? undefined : join(folder, `fold-${this.#fold}-epoch-${epoch}.safetensors`);
  }

  #keep(record: EpochRecord): void {
    const { monitor, take } = this.#measure;
    const sign = rises(monitor, 'auto') ? -1 : 1;
    const value = (one: EpochRecord) => sign * monitored(one, monitor, 'search');
    if (take === 'last' || this.#best === undefined || value(record) < value(this.#best)) this.#best = record;
  }
}

function deviceOptionsOf(options: SequentialOptions = {}): DeviceOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(deviceFields, name)));
}

function stopAfter(epoch: number, monitor: Monitor): Callback {
  return {
    name: 'search',
    monitor,
    onEpochEnd(record, control) {
      if (record.epoch >= epoch) control.stop();
    },
  };
}

/** The numbers of the record that the value is from, over the folds. */
function metricsOf(runs: readonly FoldRun[]): Readonly<Record<string, number>> {
  const records = runs.map(({ record }) => record as unknown as Readonly<Record<string, unknown>>);
  const left = new Set(['epoch', 'learningRate', 'seconds']);
  const names = Object.keys(records[0]!).filter(
    (name) => !left.has(name) && records.every((record) => typeof record[name] === 'number'),
  );
  return Object.fromEntries(
    names.map((name) => [name, mean(records.map((record) => record[name] as number))]),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
