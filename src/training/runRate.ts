import { ConfigError } from '../errors.js';
import type { Backtracking } from '../schedules/backtracking.js';
import { needsRunLength, rateAt, scheduleSteps, watcherOf } from '../schedules/rate.js';
import type { ReduceOnPlateau } from '../schedules/reduceOnPlateau.js';
import type { LearningRate } from '../schedules/schedule.js';
import type { EpochRecord } from './history.js';
import { checkMonitor, monitored, rises } from './monitor.js';

/** The run that a schedule follows. */
export interface Run {
  /** Absent: nobody knows before an epoch has ended. */
  readonly stepsPerEpoch?: number | undefined;
  readonly epochs: number;
  /** Epochs that were done before, without a state that says how many steps they had. */
  readonly initialEpoch?: number | undefined;
}

/** What a schedule that watches results has come to: JSON, so that a file can hold it. */
export interface WatchedState {
  readonly kind: 'reduceOnPlateau' | 'backtracking';
  readonly rate: number;
  /** Nothing yet: absent. */
  readonly best?: number;
  /** Epochs without improvement in a row. */
  readonly waited: number;
  /** Epochs that are not counted yet. */
  readonly cooldown: number;
}

/** Keeps the state of model and optimiser that backtracking goes back to. */
export interface BestState {
  readonly held: boolean;
  keep(): Promise<void>;
  goBack(): Promise<void>;
}

/** The learning rate of each step of one `fit`. */
export class RunRate {
  readonly #learningRate: LearningRate;
  readonly #run: Run;
  readonly #best: BestState;
  readonly #watching: ReturnType<typeof watcherOf>;
  #state: WatchedState | undefined;

  /** @param kept What a run before this one came to; taken up where the schedule is of the same kind. */
  constructor(learningRate: LearningRate, run: Run, best: BestState, kept: WatchedState | undefined) {
    this.#learningRate = learningRate;
    this.#run = run;
    this.#best = best;
    if (typeof learningRate === 'number') return;
    this.#watching = watcherOf(learningRate, run.stepsPerEpoch ?? Number.NaN);
    const watcher = this.#watching?.watcher;
    this.#state =
      watcher &&
      (kept?.kind === watcher.kind ? kept : { ...fresh, kind: watcher.kind, rate: watcher.initial });
  }

  /** What a later run can take up. */
  get state(): WatchedState | undefined {
    return this.#state;
  }

  get stepsPerEpoch(): number | undefined {
    return this.#run.stepsPerEpoch;
  }

  /**
   * The rate of a step, counted from 0 over all epochs.
   *
   * @param epoch Its epoch, counted from 0, where epochs may have other numbers of steps.
   */
  at(step: number, epoch?: number): number {
    if (typeof this.#learningRate === 'number') return this.#learningRate;
    const { stepsPerEpoch = Number.NaN, epochs } = this.#run;
    const position = { step, stepsPerEpoch, totalSteps: epochs * stepsPerEpoch, epoch };
    return rateAt(this.#learningRate, position, this.#state?.rate);
  }

  /**
   * Checks before training that the schedule fits the run.
   *
   * @throws ConfigError
   */
  check(names: readonly string[]): void {
    if (typeof this.#learningRate === 'number') return;
    const { stepsPerEpoch = Number.NaN, epochs, initialEpoch = 0 } = this.#run;
    const length = epochs * stepsPerEpoch;
    if (Number.isNaN(length) && (needsRunLength(this.#learningRate) || initialEpoch > 0)) {
      throw lengthMissing(this.#learningRate.kind);
    }
    const needed = scheduleSteps(this.#learningRate, stepsPerEpoch);
    if (needed > length) throw tooLong(this.#learningRate.kind, needed, { stepsPerEpoch, epochs });
    const watcher = this.#watching?.watcher;
    if (watcher) checkMonitor(watcher.monitor, watcher.kind, names);
  }

  /**
   * Before the first step.
   *
   * @param resumed What is held is this run's own.
   */
  async begin(resumed = false): Promise<void> {
    if (this.#state?.kind !== 'backtracking') return;
    const isOwn = resumed || this.#state.best !== undefined;
    if (!isOwn || !this.#best.held) await this.#best.keep();
  }

  /** @param step The number of steps done in all epochs. */
  async epochEnd(record: EpochRecord, step: number): Promise<void> {
    if (this.#watching === undefined || this.#state === undefined || step < this.#watching.from) return;
    const { watcher } = this.#watching;
    const value = monitored(record, watcher.monitor, watcher.kind);
    const before = this.#state;
    this.#state = Object.freeze(
      watcher.kind === 'backtracking'
        ? backtracked(watcher, before, value)
        : plateaued(watcher, before, value),
    );
    if (watcher.kind !== 'backtracking') return;
    if (this.#state.best !== before.best) await this.#best.keep();
    else if (this.#state.waited === 0) await this.#best.goBack();
  }
}

const fresh = { waited: 0, cooldown: 0 };

// As PyTorch's ReduceLROnPlateau.step counts.
function plateaued(watcher: ReduceOnPlateau, state: WatchedState, value: number): WatchedState {
  const better = isBetter(
    value,
    state.best,
    margin(watcher, state.best),
    rises(watcher.monitor, watcher.mode),
  );
  const cooling = state.cooldown > 0;
  const waited = better || cooling ? 0 : state.waited + 1;
  const next = {
    ...state,
    waited,
    cooldown: cooling ? state.cooldown - 1 : 0,
    ...(better && { best: value }),
  };
  return waited > watcher.patience ? { ...lowered(watcher, next), cooldown: watcher.cooldown } : next;
}

function margin({ threshold, thresholdMode }: ReduceOnPlateau, best: number | undefined): number {
  return thresholdMode === 'relative' ? threshold * (best ?? 0) : threshold;
}

function backtracked(watcher: Backtracking, state: WatchedState, value: number): WatchedState {
  if (isBetter(value, state.best, watcher.minDelta, rises(watcher.monitor, watcher.mode))) {
    return { ...state, best: value, waited: 0 };
  }
  const waited = state.waited + 1;
  return waited > watcher.patience ? lowered(watcher, state) : { ...state, waited };
}

function lowered({ factor, min }: ReduceOnPlateau | Backtracking, state: WatchedState): WatchedState {
  return { ...state, waited: 0, rate: Math.max(state.rate * factor, Math.min(min, state.rate)) };
}

// NaN is never better.
function isBetter(value: number, best: number | undefined, by: number, up: boolean): boolean {
  if (best === undefined) return Number.isFinite(value);
  return up ? value > best + by : value < best - by;
}

function lengthMissing(kind: string): ConfigError {
  const path = 'fit.stepsPerEpoch';
  const expected = `the batches of an epoch, as the rates of '${kind}' depend on them and the data does not say`;
  return new ConfigError(`${path}: expected ${expected}, received undefined`, {
    path,
    expected,
    received: undefined,
  });
}

function tooLong(
  kind: string,
  needed: number,
  { stepsPerEpoch, epochs }: { readonly stepsPerEpoch: number; readonly epochs: number },
): ConfigError {
  const path = 'fit.optimizer.learningRate';
  const expected = `a schedule no longer than the run's ${epochs * stepsPerEpoch} steps (${epochs} epochs of ${stepsPerEpoch})`;
  return new ConfigError(`${path}: expected ${expected}, received '${kind}' over ${needed}`, {
    path,
    expected,
    received: needed,
  });
}
