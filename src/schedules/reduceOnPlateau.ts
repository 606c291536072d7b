import { choice, nonNegative, real, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { watchedFields, type WatchedRate, type WatchedRateOptions } from './watched.js';

/** rate · factor after more than `patience` epochs without improvement. */
export interface ReduceOnPlateau extends WatchedRate {
  readonly kind: 'reduceOnPlateau';
  readonly threshold: number;
  readonly thresholdMode: 'relative' | 'absolute';
  readonly cooldown: number;
}

/** What {@link reduceOnPlateau} takes. */
export interface ReduceOnPlateauOptions extends WatchedRateOptions {
  /** Default 0.1. */
  readonly factor?: number | undefined;
  /** Epochs without improvement that change nothing yet. Default 10. */
  readonly patience?: number | undefined;
  /** How much better counts as improvement. Default 1e-4. */
  readonly threshold?: number | undefined;
  /** Whether the threshold is a share of the best value. Default `relative`. */
  readonly thresholdMode?: 'relative' | 'absolute' | undefined;
  /** Epochs after a reduction that are not counted. Default 0. */
  readonly cooldown?: number | undefined;
}

/** The settings of {@link reduceOnPlateau}. */
export const reduceOnPlateauSettings = settings({
  ...watchedFields,
  factor: real('a number above 0 and below 1', (value) => value > 0 && value < 1).default(0.1),
  patience: whole(0).default(10),
  threshold: nonNegative.default(1e-4),
  thresholdMode: choice('relative', 'absolute').default('relative'),
  cooldown: whole(0).default(0),
});

/**
 * Multiplies the rate by `factor`, down to `min`, when a value has not improved for more than `patience` epochs, then
 * looks away for `cooldown` epochs: PyTorch's ReduceLROnPlateau. Better is below best · (1 - threshold), or with
 * thresholdMode 'absolute' below best - threshold (above and plus for `mode` 'max'). Keras' ReduceLROnPlateau reduces
 * one epoch earlier for the same `patience`, and its min_delta is an absolute threshold. Looked at once an epoch; inside a
 * {@link warmup}, once that is over.
 *
 * @throws ConfigError; in `fit`, where there is no such value.
 * @example
 * ```ts
 * adam({ learningRate: reduceOnPlateau({ initial: 1e-3, factor: 0.5, patience: 3 }) });
 * ```
 */
export function reduceOnPlateau(options: ReduceOnPlateauOptions): ReduceOnPlateau {
  return Object.freeze({
    kind: 'reduceOnPlateau',
    ...parseConfig(reduceOnPlateauSettings, options, 'reduceOnPlateau'),
  });
}
