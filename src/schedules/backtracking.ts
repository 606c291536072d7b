import { nonNegative, real, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { watchedFields, type WatchedRate, type WatchedRateOptions } from './watched.js';

/** rate · factor from the best weights and optimiser state on, after more than `patience` epochs without improvement. */
export interface Backtracking extends WatchedRate {
  readonly kind: 'backtracking';
  readonly minDelta: number;
}

/** What {@link backtracking} takes. */
export interface BacktrackingOptions extends WatchedRateOptions {
  /** Default 0.5. */
  readonly factor?: number | undefined;
  /** Epochs without improvement that change nothing yet. Default 0: it goes back at the first. */
  readonly patience?: number | undefined;
  /** How much better than the best counts as improvement. Default 0. */
  readonly minDelta?: number | undefined;
}

/** The settings of {@link backtracking}. */
export const backtrackingSettings = settings({
  ...watchedFields,
  factor: real('a number above 0 and below 1', (value) => value > 0 && value < 1).default(0.5),
  patience: whole(0).default(0),
  minDelta: nonNegative.default(0),
});

/**
 * When a value has been no better than the best, by more than `minDelta`, for more than `patience` epochs, weights and
 * optimiser state go back to those of the best epoch (to those at the start of the run, where none was), and the rate is
 * multiplied by `factor`, down to `min` (the bold driver, Battiti 1989, with an epoch as its step and no way up). Dropout
 * goes on with new masks. Looked at once an epoch; inside a {@link warmup}, once that is over. The best state takes up to
 * three times the parameters in memory.
 *
 * @throws ConfigError; in `fit`, where there is no such value.
 * @example
 * ```ts
 * sgd({ learningRate: backtracking({ initial: 1, factor: 0.5 }) });
 * ```
 */
export function backtracking(options: BacktrackingOptions): Backtracking {
  return Object.freeze({
    kind: 'backtracking',
    ...parseConfig(backtrackingSettings, options, 'backtracking'),
  });
}
