import { lossSchema, type Loss } from '../losses/loss.js';
import { ConfigError } from '../errors.js';
import { checkMetrics } from '../metrics/checkMetrics.js';
import { metricsSchema, type Metric } from '../metrics/metric.js';
import type { FitOptions } from '../model/fit.js';
import type { Model } from '../model/model.js';
import type { TrainingData } from '../model/modelData.js';
import { sequential } from '../model/sequential.js';
import { earlyStopping } from '../training/earlyStopping.js';
import { completeLayers } from './completeLayers.js';
import { requireSameLayers } from './sameLayers.js';
import type { DataConfig, TaskName } from './dataConfig.js';
import { resolveExperiment, type ExperimentConfig, type ResolvedExperiment } from './experimentConfig.js';
import { requireFoldable, type FoldPlace } from './folds.js';
import { pathFrom } from './source.js';
import type { PreparedData, Task } from './tasks/task.js';
import { taskNamed } from './tasks/tasks.js';

/** An experiment ready to run: its data, a model of it, and what `fit` takes. */
export interface Experiment {
  readonly model: Model;
  readonly train: TrainingData;
  /** With validation data, early stopping and the rest of the config's `training`. */
  readonly fit: FitOptions;
  /** Counts of the data, for people and logs. */
  readonly summary: Readonly<Record<string, number>>;
}

/** What {@link buildExperiment} takes beside the config. */
export interface BuildOptions {
  /** What the config's paths are taken from. Default: the working directory. */
  readonly folder?: string | undefined;
  /** A model to go on with instead of a new one, of the same layers; its vocabulary, classes and scalers hold on. */
  readonly model?: Model | undefined;
  /**
   * The fold at `index`, from 0, of `folds` instead of the config's validation part, cut as `data.split` says: `random`,
   * `stratified`, by `group`, or forward in time (`tail`, and forecasting). The same config has the same folds.
   */
  readonly fold?: FoldPlace | undefined;
}

/**
 * Reads an experiment's data, fits vocabulary, classes and scalers on its training part, and makes the model.
 *
 * @throws ConfigError for layers or a loss that do not fit the data, by their path from `$`; DataError naming file, line
 *   and column; what `sequential` throws.
 */
export async function buildExperiment(
  config: ExperimentConfig,
  options: BuildOptions = {},
): Promise<Experiment> {
  const resolved = resolveExperiment(config, '$');
  const { loss, metrics, data } = await prepareExperiment(resolved, options);
  const { training, seed, name, device } = resolved;
  const layers = completeLayers(resolved.model.layers, data.sizes);
  if (options.model !== undefined) requireSameLayers(options.model.config.layers, layers);
  const made =
    options.model ??
    (await sequential(layers, {
      ...data.options,
      ...device,
      seed,
      name,
    }));
  const { optimizer, epochs, onNonFinite } = training;
  const { batchSize, shuffle, dropLast, bucketByLength, sampling } = training;
  // A text is read in its own order.
  const isStream = 'kind' in data.train;
  return {
    model: made,
    train: data.train,
    summary: data.summary,
    fit: {
      loss,
      metrics,
      epochs,
      onNonFinite,
      seed,
      ...(optimizer !== undefined && { optimizer }),
      ...(!isStream && { batchSize, shuffle, dropLast, bucketByLength, sampling }),
      ...(data.validation && { validationData: data.validation }),
      callbacks: training.earlyStopping === undefined ? [] : [earlyStopping(training.earlyStopping)],
    },
  };
}

/**
 * The data of an experiment alone, read and cut, with what is learnt of its training part.
 *
 * @throws as {@link buildExperiment} for the data.
 */
export async function prepareExperiment(
  { data, training, seed }: ResolvedExperiment,
  { folder = '.', model, fold }: BuildOptions = {},
) {
  if (fold !== undefined) requireFoldable(data, fold.folds, 'fold');
  const task = taskNamed(data.task) as Task<TaskName>;
  const loss: Loss = lossSchema.parse(training.loss ?? task.loss);
  const prepared: PreparedData = await task.prepare(data as DataConfig, {
    seed,
    loss,
    batchSize: training.batchSize,
    path: (name) => pathFrom(folder, name),
    model,
    fold,
  });
  return {
    loss,
    metrics: metricsBeside(loss, prepared.sizes.units, training.metrics, task.metrics),
    data: prepared,
  };
}

// The task's own are left out where they mean nothing beside the loss: without a median there is no absolute error.
function metricsBeside(
  loss: Loss,
  units: number,
  asked: readonly Metric[] | undefined,
  usual: readonly Metric[],
): readonly Metric[] {
  const check = (metrics: readonly Metric[]) =>
    checkMetrics(metricsSchema.parse(metrics), loss, units, '$.training.metrics');
  if (asked !== undefined) {
    check(asked);
    return asked;
  }
  return usual.filter((metric) => {
    try {
      check([metric]);
      return true;
    } catch (error) {
      if (error instanceof ConfigError) return false;
      throw error;
    }
  });
}
