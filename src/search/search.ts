import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { rises } from '../training/monitor.js';
import { checkSpace } from './checkSpace.js';
import { Halving, rungResources } from './halving.js';
import { modelTrial, type ModelTrialOptions } from './modelTrial.js';
import { inProcessRunner, moduleUrl, type TrialRunner } from './runner.js';
import { SearchLoop } from './searchLoop.js';
import type { CommonOptions } from './searchOptions.js';
import { SearchResult } from './searchResult.js';
import { invalid, requireJson, trialSeed, type Leaf } from './space.js';
import type { TrialFunction, TrialResult } from './trial.js';
import { memoryStore, openStore, type SearchIdentity, type TrialStore } from './trialStore.js';
import { WorkerPool } from './workerPool.js';

/** A search with its trials known, checked but for what trials are. */
export interface PreparedSearch {
  readonly owner: string;
  readonly method: SearchIdentity['method'];
  readonly leaves: readonly Leaf[];
  readonly trials: number;
  readonly configOf: (number: number) => unknown;
  readonly halving?:
    { readonly min: number; readonly max: number; readonly reductionFactor: number } | undefined;
}

/** Runs a search to its end. */
export async function runSearch<C>(options: CommonOptions, search: PreparedSearch): Promise<SearchResult<C>> {
  const { owner, trials, configOf } = search;
  if (options.base !== undefined) requireJson(options.base, `${owner}.base`);
  if (options.schema !== undefined)
    checkSpace(options.schema, search.leaves, configs(trials, configOf), owner);
  const run = runOf(options, owner);
  const mode = modeOf(options);
  const runner = await runnerOf(run);
  let folder: Awaited<ReturnType<typeof folderOf>>;
  try {
    folder = await folderOf(options, search, run);
    const results = await withStore(options, search, mode, (store) =>
      loopOf(options, search, mode, { store, runner, folder: folder?.path, run }).run(),
    );
    return new SearchResult(results as TrialResult<C>[], { mode, leaves: search.leaves });
  } finally {
    await runner.close();
    if (folder?.temporary === true) await rm(folder.path, { recursive: true, force: true });
  }
}

function* configs(trials: number, configOf: (number: number) => unknown): Iterable<unknown> {
  for (let number = 0; number < trials; number++) yield configOf(number);
}

type Run = TrialFunction<never> | URL | string;

function runOf(options: CommonOptions, owner: string): Run {
  const { run, build } = options;
  if ((run === undefined) === (build === undefined)) {
    throw invalid(owner, 'either run or build', run === undefined ? 'neither' : 'both');
  }
  return run ?? modelTrial(options as ModelTrialOptions<never>);
}

function modeOf({ mode, build, monitor = 'valLoss' }: CommonOptions): 'min' | 'max' {
  if (mode !== 'auto') return mode;
  return build !== undefined && rises(monitor, 'auto') ? 'max' : 'min';
}

// Halving in threads goes on from checkpoints, so it has a folder in any case.
async function folderOf({ folder }: CommonOptions, { halving }: PreparedSearch, run: Run) {
  if (folder !== undefined) return { path: folder, temporary: false };
  if (halving === undefined || typeof run === 'function') return undefined;
  return { path: await mkdtemp(join(tmpdir(), 'cudnn-lstm-search-')), temporary: true };
}

async function runnerOf(run: Run): Promise<TrialRunner> {
  return typeof run === 'function' ? inProcessRunner(run) : WorkerPool.open(moduleUrl(run));
}

async function withStore<T>(
  { folder, seed, space, base }: CommonOptions,
  search: PreparedSearch,
  mode: 'min' | 'max',
  work: (store: TrialStore) => Promise<T>,
): Promise<T> {
  const { method, halving } = search;
  const identity: SearchIdentity = {
    method,
    seed,
    mode,
    space,
    base,
    ...(halving && { rungs: rungsOf(halving), reductionFactor: halving.reductionFactor }),
  };
  const store = folder === undefined ? memoryStore() : await openStore(folder, identity);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function rungsOf({ min, max, reductionFactor }: NonNullable<PreparedSearch['halving']>): number[] {
  return rungResources(min, max, reductionFactor);
}

function loopOf(
  { seed, concurrency: asked, signal, onTrial }: CommonOptions,
  { owner, trials, configOf, halving }: PreparedSearch,
  mode: 'min' | 'max',
  parts: {
    readonly store: TrialStore;
    readonly runner: TrialRunner;
    readonly folder: string | undefined;
    readonly run: Run;
  },
): SearchLoop {
  const { run, ...rest } = parts;
  const cores = availableParallelism();
  const concurrency = asked ?? (typeof run === 'function' ? 1 : Math.min(cores, trials));
  const rungs = halving && rungsOf(halving);
  return new SearchLoop({
    ...rest,
    owner,
    trials,
    configOf,
    seedOf: (number) => trialSeed(seed, number),
    halving: rungs && { rungs, decide: new Halving(rungs.length, halving.reductionFactor, mode) },
    waits: rest.folder === undefined,
    concurrency,
    threads: Math.max(1, Math.floor(cores / concurrency)),
    signal,
    onTrial: onTrial as ((result: TrialResult) => void) | undefined,
  });
}
