import type { Sampling } from '../data/order.js';
import { ConfigError, StateError } from '../errors.js';
import type { Loss } from '../losses/loss.js';
import type { MetricDescriptor } from '../metrics/metric.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { BatchSource } from '../training/batchSource.js';
import { requireSameRun, type RunIdentity } from '../training/runIdentity.js';
import type { TrainingState } from '../training/trainingState.js';
import type { ModelContext } from './context.js';

/** The settings of a `fit` that its steps and its history follow from. */
export interface RunSettings {
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly metrics: readonly MetricDescriptor[];
  readonly weightedMetrics: boolean;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed?: number | undefined;
  readonly dropLast: boolean;
  readonly bucketByLength: boolean;
  readonly sampling: Sampling;
}

/** What a run is told by when it is resumed. */
export function runIdentity(
  { config }: Pick<ModelContext, 'config'>,
  settings: RunSettings,
  { source, validates }: { readonly source: BatchSource; readonly validates: boolean },
): RunIdentity {
  const { loss, optimizer, metrics, weightedMetrics } = settings;
  const order = 'rows' in source.identity ? orderOf(settings, config.seed) : {};
  const fit = { ...order, loss, optimizer, metrics, weightedMetrics, validates };
  // As a file gives it back: without what is undefined, and without functions.
  return JSON.parse(JSON.stringify({ data: source.identity, fit })) as RunIdentity;
}

function orderOf(settings: RunSettings, modelSeed: number) {
  const { batchSize, shuffle, seed = modelSeed, dropLast, bucketByLength, sampling } = settings;
  return { batchSize, shuffle, ...(shuffle && { seed }), dropLast, bucketByLength, sampling };
}

/**
 * The run that a model goes on with.
 *
 * @throws StateError where there is none; ConfigError where it was begun with something else, or is beyond `epochs`.
 */
export async function resumedRun(
  { training }: Pick<ModelContext, 'training'>,
  identity: RunIdentity,
  epochs: number,
): Promise<TrainingState> {
  const state = await training?.state();
  if (state === undefined) throw nothingToResume();
  requireSameRun(state.identity, identity);
  const begun = state.epoch + (state.batch + state.ahead.length > 0 ? 1 : 0);
  if (begun > epochs) throw beyond(begun, epochs);
  return state;
}

function nothingToResume(): StateError {
  const expected =
    'a model that a run of fit belongs to: from a file written in or after it, optimiser included';
  return new StateError(
    `fit.resume: expected ${expected}; trainStep, setWeights and resetOptimizer end a run (initialEpoch counts epochs without one)`,
    { operation: 'fit', expected },
  );
}

function beyond(begun: number, epochs: number): ConfigError {
  const path = 'fit.epochs';
  const expected = `at least ${begun}, as many as the run that resume goes on with has begun`;
  return new ConfigError(`${path}: expected ${expected}, received ${epochs}`, {
    path,
    expected,
    received: epochs,
  });
}
