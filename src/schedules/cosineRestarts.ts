import { nonNegative, real, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { cosineBetween } from './cosineDecay.js';
import { counted, unit, type Position, type ScheduleUnit } from './position.js';

/** Half a cosine over each period of length · multiply^i, from end + (initial - end) · peakFactor^i down to `end`. */
export interface CosineRestarts {
  readonly kind: 'cosineRestarts';
  readonly initial: number;
  readonly end: number;
  readonly length: number;
  readonly multiply: number;
  readonly peakFactor: number;
  readonly per: ScheduleUnit;
}

/** What {@link cosineRestarts} takes. */
export interface CosineRestartsOptions {
  /** The rate at first. */
  readonly initial: number;
  /** Steps or epochs of the first period. */
  readonly length: number;
  /** The rate at a period's end. Default 0. */
  readonly end?: number | undefined;
  /** How much longer each period is than the one before. Default 1. */
  readonly multiply?: number | undefined;
  /** How much lower each period starts than the one before. Default 1. */
  readonly peakFactor?: number | undefined;
  /** Default `step`. */
  readonly per?: ScheduleUnit | undefined;
}

/** The settings of {@link cosineRestarts}. */
export const cosineRestartsSettings = settings({
  initial: nonNegative,
  length: whole(1),
  end: nonNegative.default(0),
  multiply: real('a number from 1', (value) => value >= 1).default(1),
  peakFactor: real('a number above 0, at most 1', (value) => value > 0 && value <= 1).default(1),
  per: unit('step'),
});

/**
 * Cosine with warm restarts (SGDR, Loshchilov and Hutter 2017, equation 5): period i lasts length · multiply^i and goes
 * from end + (initial - end) · peakFactor^i down to `end`. PyTorch's CosineAnnealingWarmRestarts with `length` as T_0 and
 * `multiply` as T_mult; Keras' CosineDecayRestarts with them as first_decay_steps and t_mul, `peakFactor` as m_mul and
 * `end` = alpha · initial.
 *
 * @throws ConfigError; in `fit`, where the first period is longer than the run.
 * @example
 * ```ts
 * sgd({ learningRate: cosineRestarts({ initial: 0.1, length: 10, multiply: 2, per: 'epoch' }) });
 * ```
 */
export function cosineRestarts(options: CosineRestartsOptions): CosineRestarts {
  return Object.freeze({
    kind: 'cosineRestarts',
    ...parseConfig(cosineRestartsSettings, options, 'cosineRestarts'),
  });
}

export function cosineRestartsRate(schedule: CosineRestarts, position: Position): number {
  const { initial, end, length, multiply, peakFactor, per } = schedule;
  const t = counted(per, position);
  const { period, share } = placeInPeriod(t / length, multiply);
  return cosineBetween(end + (initial - end) * peakFactor ** period, end, share);
}

// The periods before number i take 1 + multiply + … + multiply^(i-1) first periods.
function placeInPeriod(firstPeriods: number, multiply: number): { period: number; share: number } {
  if (multiply === 1) return { period: Math.floor(firstPeriods), share: firstPeriods % 1 };
  let period = 0;
  let start = 0;
  while (firstPeriods >= start + multiply ** period) start += multiply ** period++;
  return { period, share: (firstPeriods - start) / multiply ** period };
}
