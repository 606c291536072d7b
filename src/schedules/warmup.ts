import { real, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { constantRate } from './constantRate.js';
import { plainRateSchema, type PlainSchedule } from './plainSchedule.js';
import { unit, type ScheduleUnit } from './position.js';

/** Straight from startFactor · r to r, the first of `learningRate`; then that from its beginning. */
export interface Warmup {
  readonly kind: 'warmup';
  readonly length: number;
  readonly startFactor: number;
  readonly per: ScheduleUnit;
  readonly learningRate: PlainSchedule;
}

/** What {@link warmup} takes. */
export interface WarmupOptions {
  /** Steps or epochs of the warm-up. */
  readonly length: number;
  /** What follows, counted from the end of the warm-up. */
  readonly learningRate: number | PlainSchedule;
  /** Default 0: the first step then changes nothing. */
  readonly startFactor?: number | undefined;
  /** Default `step`. */
  readonly per?: ScheduleUnit | undefined;
}

/** The settings of {@link warmup}. */
export const warmupSettings = settings({
  length: whole(1),
  learningRate: plainRateSchema,
  startFactor: real('a number from 0 to 1', (value) => value >= 0 && value <= 1).default(0),
  per: unit('step'),
});

/**
 * A linear warm-up before any rate or other schedule (Goyal et al. 2017, section 2.2): for t < length
 * r · (startFactor + (1 - startFactor) · t / length), r being the first rate of `learningRate`; from t = length on
 * that, counted from there. PyTorch's SequentialLR of LinearLR and another, whose start_factor is ⅓ unless given; Keras'
 * CosineDecay warms up from 0 as this does.
 *
 * @throws ConfigError; in `fit`, where it is longer than the run.
 * @example
 * ```ts
 * adam({ learningRate: warmup({ length: 500, learningRate: cosineDecay({ initial: 1e-3 }) }) });
 * ```
 */
export function warmup(options: WarmupOptions): Warmup {
  const { learningRate, ...rest } = parseConfig(warmupSettings, options, 'warmup');
  return Object.freeze({
    kind: 'warmup',
    ...rest,
    learningRate: typeof learningRate === 'number' ? constantRate(learningRate) : learningRate,
  });
}
