import { choice, flag, nonNegative, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import type { NamedTensors } from '../data/tensor.js';
import type { Callback, TrainingControl } from './callbacks.js';
import type { EpochRecord } from './history.js';

/** What {@link earlyStopping} takes. */
export interface EarlyStoppingOptions {
  /** The value to watch. Default `valLoss`. */
  readonly monitor?: Monitor | undefined;
  /** Epochs without improvement before training stops. Default 0: at the first. */
  readonly patience?: number | undefined;
  /** How much better than the best counts as improvement. Default 0. */
  readonly minDelta?: number | undefined;
  /** At the end of training go back to the weights of the best epoch. Default false. */
  readonly restoreBest?: boolean | undefined;
}

/** Values of an epoch that can be watched. */
export type Monitor = (typeof monitors)[number];

const monitors = ['loss', 'valLoss', 'accuracy', 'valAccuracy', 'mae', 'valMae', 'mse', 'valMse'] as const;

const schema = settings({
  monitor: choice(...monitors).default('valLoss'),
  patience: whole(0).default(0),
  minDelta: nonNegative.default(0),
  restoreBest: flag.default(false),
});

/**
 * Stops training when a value no longer improves: accuracies are to rise, everything else to fall.
 *
 * @throws ConfigError; during `fit`, where the value is not there, such as `valLoss` without validation data.
 * @example
 * ```ts
 * await model.fit(data, {
 *   loss: 'crossEntropy',
 *   validationSplit: 0.2,
 *   callbacks: [earlyStopping({ patience: 3, restoreBest: true })],
 * });
 * ```
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  const { monitor, patience, minDelta, restoreBest } = parseConfig(schema, options, 'earlyStopping');
  const rises = monitor === 'accuracy' || monitor === 'valAccuracy';
  let best = Infinity;
  let waited = 0;
  let bestWeights: NamedTensors | undefined;
  return {
    onTrainBegin() {
      best = Infinity;
      waited = 0;
      bestWeights = undefined;
    },
    async onEpochEnd(record: EpochRecord, control: TrainingControl) {
      const value = monitored(record, monitor);
      const cost = rises ? -value : value;
      if (cost < best - minDelta) {
        best = cost;
        waited = 0;
        if (restoreBest) bestWeights = await control.getWeights();
      } else if (++waited >= Math.max(patience, 1)) {
        control.stop();
      }
    },
    async onTrainEnd(_history, control) {
      if (bestWeights !== undefined) await control.setWeights(bestWeights);
      bestWeights = undefined;
    },
  };
}

function monitored(record: EpochRecord, monitor: Monitor): number {
  const value = record[monitor];
  if (value !== undefined) return value;
  const path = 'earlyStopping.monitor';
  const expected = monitor.startsWith('val') ? 'validation data and, where named, its metric' : 'its metric';
  throw new ConfigError(`${path}: '${monitor}' needs ${expected} in fit`, {
    path,
    expected,
    received: monitor,
  });
}
