import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortError } from '../errors.js';
import type { Halving } from './halving.js';
import type { TrialRunner } from './runner.js';
import {
  badValue,
  failureOf,
  outcomeOf,
  type TrialFailure,
  type TrialOutcome,
  type TrialReport,
  type TrialResult,
} from './trial.js';
import type { TrialStore } from './trialStore.js';

/** All that a search is run from. */
export interface SearchPlan {
  /** For messages: `gridSearch`. */
  readonly owner: string;
  readonly trials: number;
  readonly configOf: (number: number) => unknown;
  readonly seedOf: (number: number) => number;
  readonly halving?: { readonly rungs: readonly number[]; readonly decide: Halving } | undefined;
  /** Trials wait for promotion in memory; else they end and are called again. */
  readonly waits: boolean;
  readonly concurrency: number;
  readonly threads: number;
  /** Where trials have their folders. */
  readonly folder: string | undefined;
  readonly store: TrialStore;
  readonly runner: TrialRunner;
  readonly signal: AbortSignal | undefined;
  readonly onTrial: ((result: TrialResult) => void) | undefined;
}

/** One trial on its way. */
interface Progress {
  readonly number: number;
  readonly reports: TrialReport[];
  seconds: number;
  /** When it began to run, or to run again. */
  startMs: number;
  /** The rung it is to report. */
  rung: number;
  /** Tells a trial that waits in memory how it goes on. */
  decide?: ((goOn: boolean) => void) | undefined;
  failure?: TrialFailure | undefined;
}

type Ended = { readonly value: unknown } | { readonly error: unknown };

/** Runs trials side by side until none is left to begin or to promote. */
export class SearchLoop {
  readonly #plan: SearchPlan;
  readonly #rungs: readonly number[];
  readonly #progress = new Map<number, Progress>();
  readonly #results = new Map<number, TrialResult>();
  /** Numbers that are yet to begin, rising. */
  readonly #fresh: number[];
  readonly #running = new Set<number>();
  readonly #calls = new Set<Promise<void>>();
  #concurrency: number;
  /** Nothing is recorded any more. */
  #over = false;
  #broken: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(plan: SearchPlan) {
    this.#plan = plan;
    this.#rungs = plan.halving?.rungs ?? [];
    this.#concurrency = plan.concurrency;
    this.#takeUp();
    const begun = (number: number) => this.#results.has(number) || this.#progress.has(number);
    this.#fresh = Array.from({ length: plan.trials }, (_, number) => number).filter((n) => !begun(n));
  }

  /** @throws AbortError, and what the store or `onTrial` throws */
  async run(): Promise<TrialResult[]> {
    const { signal } = this.#plan;
    const abort = () =>
      this.#stop(new AbortError(`${this.#plan.owner} was aborted`, {}, { cause: signal?.reason }));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (signal?.aborted === true) abort();
      await this.#work();
      this.#over = true;
      await this.#release();
      if (this.#broken !== undefined) throw this.#broken.error;
      await this.#recordPruned();
      return [...this.#results.values()].sort((a, b) => a.number - b.number);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  // What an earlier run came to. A pruned trial may yet be promoted, as there may be more trials now.
  #takeUp(): void {
    const { store, halving } = this.#plan;
    for (const result of store.results) this.#results.set(result.number, Object.freeze(result));
    for (const { number, rung, resource, value, seconds } of store.reports) {
      const progress = this.#progress.get(number) ?? newProgress(number);
      if (progress.reports.length !== rung) continue;
      progress.reports.push({ resource, value });
      progress.seconds = seconds;
      this.#progress.set(number, progress);
      halving?.decide.record(number, rung, value);
    }
    for (const { number, state } of this.#results.values())
      if (state !== 'pruned') halving?.decide.end(number);
  }

  async #work(): Promise<void> {
    for (;;) {
      this.#startAll();
      if (this.#running.size === 0 || this.#broken !== undefined) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #startAll(): void {
    while (this.#running.size < this.#concurrency && this.#broken === undefined) {
      const promotion = this.#plan.halving?.decide.promote();
      const number = promotion?.number ?? this.#fresh.shift();
      if (number === undefined) return;
      this.#start(number, promotion?.rung ?? 0);
    }
  }

  #start(number: number, rung: number): void {
    const progress = this.#progress.get(number) ?? newProgress(number);
    this.#progress.set(number, progress);
    Object.assign(progress, { rung, startMs: performance.now() });
    this.#running.add(number);
    if (progress.decide !== undefined) progress.decide(true);
    else {
      const call = this.#call(progress).finally(() => this.#calls.delete(call));
      this.#calls.add(call);
    }
  }

  async #call(progress: Progress): Promise<void> {
    const { number } = progress;
    try {
      const ended = await this.#ended(progress);
      progress.decide = undefined;
      if (this.#over) return;
      progress.seconds += secondsSince(progress);
      await this.#settle(progress, ended);
    } catch (error) {
      this.#stop(error);
    } finally {
      this.#running.delete(number);
      this.#wake();
    }
  }

  async #ended(progress: Progress): Promise<Ended> {
    const { configOf, seedOf, threads, folder: parent, runner } = this.#plan;
    const { number, reports } = progress;
    const folder = parent === undefined ? undefined : join(parent, `trial-${number}`);
    if (folder !== undefined) await mkdir(folder, { recursive: true });
    const reached = reports.at(-1)?.resource ?? 0;
    const facts = { number, seed: seedOf(number), threads, rungs: this.#rungs, reached, folder };
    const report = (resource: number, value: number) => this.#report(progress, resource, value);
    try {
      return { value: await runner.call({ config: configOf(number), facts, report }) };
    } catch (error) {
      return { error };
    }
  }

  async #report(progress: Progress, resource: number, value: number): Promise<boolean> {
    if (this.#over || this.#isDone(progress)) return false;
    if (this.#rungs.length === 0) return true;
    const rung = progress.reports.length;
    if (rung === this.#rungs.length) return false;
    if (!(resource >= this.#rungs[rung]!)) return true;
    if (!Number.isFinite(value)) {
      progress.failure = badValue(value);
      return false;
    }
    try {
      await this.#record(progress, rung, { resource, value });
    } catch (error) {
      this.#stop(error);
      return false;
    }
    if (!this.#plan.waits || rung === this.#rungs.length - 1) return false;
    return this.#pause(progress);
  }

  async #record(progress: Progress, rung: number, { resource, value }: TrialReport): Promise<void> {
    const { store, halving } = this.#plan;
    const seconds = progress.seconds + secondsSince(progress);
    await store.addReport({ number: progress.number, rung, resource, value, seconds });
    progress.reports.push(Object.freeze({ resource, value }));
    halving!.decide.record(progress.number, rung, value);
  }

  async #pause(progress: Progress): Promise<boolean> {
    if (this.#over) return false;
    progress.seconds += secondsSince(progress);
    this.#running.delete(progress.number);
    this.#wake();
    const goOn = await new Promise<boolean>((resolve) => (progress.decide = resolve));
    progress.decide = undefined;
    return goOn;
  }

  async #settle(progress: Progress, ended: Ended): Promise<void> {
    if ('error' in ended) {
      if (this.#lacksRoom(ended.error)) this.#putBack(progress);
      else await this.#addFailed(progress, failureOf(ended.error));
      return;
    }
    const checked = outcomeOf(ended.value);
    if (progress.failure !== undefined) await this.#addFailed(progress, progress.failure);
    else if (progress.reports.length > progress.rung) await this.#settleRung(progress);
    else if ('failure' in checked) await this.#addFailed(progress, checked.failure);
    else await this.#settleWhole(progress, checked.outcome);
  }

  async #settleRung(progress: Progress): Promise<void> {
    if (this.#isWhole(progress)) await this.#add(progress, 'finished', reached(progress));
  }

  #isDone({ number }: Progress): boolean {
    const state = this.#results.get(number)?.state;
    return state !== undefined && state !== 'pruned';
  }

  #isWhole({ reports }: Progress): boolean {
    return reports.length === this.#rungs.length;
  }

  // With halving: a trial that ended before its rung. What it gave is its value there, and it cannot go on.
  async #settleWhole(progress: Progress, outcome: TrialOutcome): Promise<void> {
    if (this.#rungs.length === 0) return this.#add(progress, 'finished', outcome);
    this.#plan.halving!.decide.end(progress.number);
    const resource = this.#rungs[progress.rung]!;
    await this.#record(progress, progress.rung, { resource, value: outcome.value });
    await this.#add(progress, 'finished', { ...outcome, ...reached(progress) });
  }

  // Beside others there may be too little memory for a trial that would run alone: it is begun again, with fewer at once.
  #lacksRoom(error: unknown): boolean {
    const code: unknown = (error as { code?: unknown } | undefined)?.code;
    return code === 'ERR_OUT_OF_MEMORY' && this.#running.size > 1;
  }

  #putBack(progress: Progress): void {
    this.#concurrency = this.#running.size - 1;
    const { number, rung } = progress;
    if (rung > 0) this.#plan.halving!.decide.putBack({ number, rung });
    else this.#fresh.unshift(number);
  }

  async #addFailed(progress: Progress, error: TrialFailure): Promise<void> {
    this.#plan.halving?.decide.end(progress.number);
    await this.#add(progress, 'failed', { error });
  }

  async #add(
    { number, reports, seconds }: Progress,
    state: TrialResult['state'],
    rest: Partial<TrialResult>,
  ): Promise<void> {
    const { configOf, seedOf, store, onTrial } = this.#plan;
    const own = { number, config: configOf(number), seed: seedOf(number), state, ...rest };
    const result = Object.freeze({
      ...own,
      ...(reports.length > 0 && { reports: Object.freeze([...reports]) }),
      seconds,
    });
    await store.addResult(result);
    this.#results.set(number, result);
    onTrial?.(result);
  }

  // Trials that wait for a promotion are told to end.
  async #release(): Promise<void> {
    for (const progress of this.#progress.values()) progress.decide?.(false);
    await Promise.all(this.#calls);
  }

  // A trial whose last report was stored and whose end was not is whole all the same.
  async #recordPruned(): Promise<void> {
    for (const progress of this.#progress.values()) {
      const known = this.#results.get(progress.number);
      const isNew = known === undefined || known.reports?.length !== progress.reports.length;
      if (isNew && (known === undefined || known.state === 'pruned'))
        await this.#add(progress, this.#isWhole(progress) ? 'finished' : 'pruned', reached(progress));
    }
  }

  #stop(error: unknown): void {
    this.#broken ??= { error };
    this.#over = true;
    void this.#plan.runner.abort(error);
    this.#wake();
  }
}

function newProgress(number: number): Progress {
  return { number, reports: [], seconds: 0, startMs: 0, rung: 0 };
}

function reached({ reports }: Progress): Pick<TrialResult, 'value' | 'resource'> {
  const { value, resource } = reports.at(-1)!;
  return { value, resource };
}

function secondsSince({ startMs }: Progress): number {
  return (performance.now() - startMs) / 1000;
}
