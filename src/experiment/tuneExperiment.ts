import { relative } from 'node:path';
import { describe } from '../config/describe.js';
import { deepFreeze } from '../config/parseConfig.js';
import { ConfigError, StateError } from '../errors.js';
import { asha } from '../search/asha.js';
import { gridSearch } from '../search/gridSearch.js';
import { randomSearch } from '../search/randomSearch.js';
import { metricsSchema } from '../metrics/metric.js';
import type { SearchResult } from '../search/searchResult.js';
import type { TrialResult } from '../search/trial.js';
import { leavesOf } from '../search/space.js';
import { recordNames } from '../training/loop.js';
import { checkMonitor, rises } from '../training/monitor.js';
import { prepareExperiment } from './buildExperiment.js';
import { withValueAt } from './configPath.js';
import { resolveExperiment, type ExperimentConfig, type ResolvedExperiment } from './experimentConfig.js';
import { foldPlacesOf, requireFoldable } from './folds.js';
import type { ResolvedSearch, SearchValues } from './searchConfig.js';
import { pathFrom } from './source.js';

/** What a trial is told, beside the values at their paths; the same wherever the search is called from. */
export interface TuneBase {
  readonly experiment: ExperimentConfig;
  /** The config's folder, from the search's. */
  readonly folder: string;
  readonly monitor: string;
  readonly folds?: number | undefined;
}

/** A trial's config: JSON. */
export type TuneConfig = TuneBase & Readonly<Record<string, unknown>>;

/** What {@link tuneExperiment} takes beside the config. */
export interface TuneOptions {
  /** What the config's paths are taken from. Default: the working directory. */
  readonly folder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onTrial?: ((trial: TrialResult) => void) | undefined;
}

/** What a search came to. */
export interface Tuning {
  readonly result: SearchResult;
  /** The experiment with the best values. */
  readonly best: ExperimentConfig;
}

/**
 * Runs the search of a config: each trial trains the experiment with other values, in worker threads, and is stored as it
 * ends. Called again after an interruption it goes on.
 *
 * @throws ConfigError for a config without a search, and for a place or value that the config's schema refuses, before any
 *   trial; CheckpointError for stored trials of another search; AbortError, what was done being stored
 */
export async function tuneExperiment(
  config: ResolvedExperiment,
  { folder = '.', signal, onTrial }: TuneOptions = {},
): Promise<Tuning> {
  const { search, ...rest } = config;
  if (search === undefined) throw noSearch();
  requireRungs(search, config.training.epochs);
  const experiment = rest as ExperimentConfig;
  checkSpace(experiment, search);
  await checkData(config, search, folder);
  const stored = pathFrom(folder, search.folder);
  const { monitor, folds } = search;
  const base = {
    experiment,
    folder: relative(stored, folder),
    monitor,
    ...(folds !== undefined && { folds }),
  };
  const result = await searched(
    search,
    {
      space: search.space,
      base: base satisfies TuneBase,
      run: new URL(`./tuneTrial${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
      seed: config.seed,
      mode: modeOf(search),
      concurrency: search.concurrency,
      folder: stored,
      signal,
      onTrial,
    },
    config.training.epochs,
  );
  requireOne(result, stored);
  return { result, best: withValues(experiment, search.space, result.best.config as TuneConfig) };
}

// Failed trials are stored like others: called again, the search would only say so again.
function requireOne({ ranked, trials }: SearchResult, stored: string): void {
  if (ranked.length > 0) return;
  const first = trials[0]!.error!;
  throw new StateError(
    `all ${trials.length} trials failed, the first with: ${first.message}; ${stored} has them: remove it to try again`,
    { trials: trials.length, error: first },
  );
}

type Shared = Omit<Parameters<typeof randomSearch>[0], 'trials'>;

function searched(
  { method, trials, minEpochs, reductionFactor }: ResolvedSearch,
  shared: Shared,
  epochs: number,
): Promise<SearchResult> {
  if (method === 'grid') return gridSearch(shared as never);
  if (method === 'random') return randomSearch({ ...shared, trials } as never);
  return asha({ ...shared, trials, minResource: minEpochs, maxResource: epochs, reductionFactor } as never);
}

/** An experiment with a trial's values at the places of a space. */
export function withValues(
  experiment: ExperimentConfig,
  space: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
): ExperimentConfig {
  const paths = Object.keys(space);
  return deepFreeze(
    structuredClone(
      paths.reduce<unknown>((config, path) => withValueAt(config, path, values[path]), experiment),
    ),
  ) as ExperimentConfig;
}

// Each value alone, and the ends of what numbers are drawn from: what the schema refuses is said before any trial.
function checkSpace(experiment: ExperimentConfig, { space, method }: ResolvedSearch): void {
  for (const [path, values] of Object.entries(space)) requireValues(path, values);
  leavesOf(space, '$.search.space', method !== 'grid');
  for (const [path, values] of Object.entries(space)) {
    for (const value of someOf(values)) resolveExperiment(withValueAt(experiment, path, value), '$');
  }
}

/**
 * What would fail every trial: nothing to judge them by, and data that cannot be read or cut, unless the space has other
 * data to try.
 */
async function checkData(config: ResolvedExperiment, search: ResolvedSearch, folder: string): Promise<void> {
  const { space, folds, monitor } = search;
  const decides = (place: string) =>
    Object.keys(space).some((path) => path === place || path.startsWith(`${place}.`));
  if (decides('data')) return;
  if (folds !== undefined) requireFoldable(config.data, folds, '$.search.folds');
  else if (config.data.validation === undefined && monitor.startsWith('val')) throw noJudge(monitor);
  if (['seed', 'training.loss', 'training.batchSize', 'training.metrics'].some(decides)) return;
  for (const fold of foldPlacesOf(folds)) {
    const { data, metrics } = await prepareExperiment(config, { folder, fold });
    const names = recordNames(metricsSchema.parse(metrics), data.validation !== undefined);
    checkMonitor(monitor, '$.search', names);
  }
}

function requireValues(path: string, values: unknown): void {
  if (Array.isArray(values) || (typeof values === 'object' && values !== null && 'kind' in values)) return;
  const place = `$.search.space['${path}']`;
  const expected = "a list of values, or a distribution such as { kind: 'uniform', low: 0, high: 1 }";
  const received = describe(values);
  throw new ConfigError(`${place}: expected ${expected}, received ${received}`, {
    path: place,
    expected,
    received,
  });
}

function someOf(values: SearchValues): readonly unknown[] {
  if (Array.isArray(values)) return values;
  const distribution = values as Exclude<SearchValues, readonly unknown[]>;
  if ('low' in distribution) return [distribution.low, distribution.high];
  return [];
}

function modeOf({ monitor, mode }: ResolvedSearch): 'min' | 'max' {
  return rises(monitor, mode) ? 'max' : 'min';
}

function requireRungs({ method, minEpochs }: ResolvedSearch, epochs: number): void {
  if (method !== 'asha' || minEpochs <= epochs) return;
  const path = '$.search.minEpochs';
  const expected = `at most ${epochs}, $.training.epochs`;
  throw new ConfigError(`${path}: expected ${expected}, received ${minEpochs}`, {
    path,
    expected,
    received: minEpochs,
  });
}

function noJudge(monitor: string): ConfigError {
  const path = '$.data.validation';
  const expected = `what '${monitor}' is measured on: a file or a share, or $.search.folds`;
  return new ConfigError(`${path}: expected ${expected}, received none`, { path, expected });
}

function noSearch(): ConfigError {
  const path = '$.search';
  const expected = "a search, such as { space: { 'training.optimizer.learningRate': [0.001, 0.01] } }";
  return new ConfigError(`${path}: expected ${expected}, received none`, { path, expected });
}
