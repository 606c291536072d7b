import { choice, field, flag, nonNegative, real, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import type { NamedTensors } from '../data/tensor.js';
import type { Callback, TrainingControl } from './callbacks.js';
import type { EpochRecord } from './history.js';
import { monitored, rises, type Monitor, type MonitorMode } from './monitor.js';

/** What {@link earlyStopping} takes. */
export interface EarlyStoppingOptions {
  /** The value of an epoch's record to watch. Default `valLoss`. */
  readonly monitor?: Monitor | undefined;
  /** Whether the value is to fall or to rise. Default `auto`: by its name. */
  readonly mode?: MonitorMode | undefined;
  /** Epochs without improvement before training stops. Default 0: at the first. */
  readonly patience?: number | undefined;
  /** How much better than the best counts as improvement. Default 0. */
  readonly minDelta?: number | undefined;
  /** A value to be better than: training stops when it is not reached within `patience`. Default none. */
  readonly baseline?: number | undefined;
  /** Epochs at the beginning that are not watched. Default 0. */
  readonly startFromEpoch?: number | undefined;
  /** At the end of training go back to the weights of the best epoch. Default false. */
  readonly restoreBest?: boolean | undefined;
}

const schema = settings({
  monitor: field<string>(
    "the name of a value of an epoch's record, such as 'valLoss'",
    (value) => typeof value === 'string' && value !== '',
  ).default('valLoss'),
  mode: choice('auto', 'min', 'max').default('auto'),
  patience: whole(0).default(0),
  minDelta: nonNegative.default(0),
  baseline: real().optional(),
  startFromEpoch: whole(0).default(0),
  restoreBest: flag.default(false),
});

/**
 * Stops training when a value no longer improves (Prechelt 1998). `mode` 'auto' takes shares of what is right, scores,
 * coverage and r2 to rise and everything else to fall. An epoch that beats the best but not `baseline` becomes the best
 * and is waited through all the same; Keras' EarlyStopping never stops at such an epoch. Each `fit` starts to count anew; a
 * resumed one goes on, and stops at once where the run before it had come to its end.
 *
 * @throws ConfigError; in `fit`, where the value is not there, such as `valLoss` without validation data.
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
  const { monitor, mode, patience, minDelta, baseline, startFromEpoch, restoreBest } = parseConfig(
    schema,
    options,
    'earlyStopping',
  );
  const sign = rises(monitor, mode) ? -1 : 1;
  let best = Infinity;
  let waited = 0;
  let bestWeights: NamedTensors | undefined;
  const isOver = () => waited >= Math.max(patience, 1);
  return {
    name: 'earlyStopping',
    monitor,
    saveState: () => ({ values: { best, waited }, tensors: bestWeights }),
    restoreState({ values, tensors }) {
      ({ best, waited } = values as { best: number; waited: number });
      bestWeights = tensors;
    },
    onTrainBegin({ resumed }, control) {
      if (!resumed) {
        best = Infinity;
        waited = 0;
        bestWeights = undefined;
      } else if (isOver()) control.stop();
    },
    async onEpochEnd(record: EpochRecord, control: TrainingControl) {
      const cost = sign * monitored(record, monitor, 'earlyStopping');
      if (record.epoch <= startFromEpoch) return;
      waited++;
      if (cost < best - minDelta) {
        best = cost;
        if (restoreBest) bestWeights = await control.getWeights();
        if (baseline === undefined || cost < sign * baseline) waited = 0;
      }
      if (isOver()) control.stop();
    },
    async onTrainEnd(_history, control) {
      if (bestWeights !== undefined) await control.setWeights(bestWeights);
      bestWeights = undefined;
    },
  };
}
