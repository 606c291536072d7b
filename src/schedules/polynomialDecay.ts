import { nonNegative, positive, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { progress, unit, type Position, type ScheduleUnit } from './position.js';

/** end + (initial - end) · (1 - min(t / length, 1))^power. */
export interface PolynomialDecay {
  readonly kind: 'polynomialDecay';
  readonly initial: number;
  readonly end: number;
  readonly power: number;
  readonly length?: number | undefined;
  readonly per: ScheduleUnit;
}

/** What {@link polynomialDecay} takes. */
export interface PolynomialDecayOptions {
  /** The rate at first. */
  readonly initial: number;
  /** The rate at last. Default 0. */
  readonly end?: number | undefined;
  /** Default 1: a straight line. */
  readonly power?: number | undefined;
  /** Steps or epochs from `initial` to `end`. Default the whole run. */
  readonly length?: number | undefined;
  /** Default `step`. */
  readonly per?: ScheduleUnit | undefined;
}

/** The settings of {@link polynomialDecay}. */
export const polynomialDecaySettings = settings({
  initial: nonNegative,
  end: nonNegative.default(0),
  power: positive.default(1),
  length: whole(1).optional(),
  per: unit('step'),
});

/**
 * end + (initial - end) · (1 - min(t / length, 1))^power: Keras' PolynomialDecay without `cycle`, whose `end` is 1e-4
 * unless given; PyTorch's PolynomialLR for `end` 0.
 *
 * @throws ConfigError; in `fit`, where `length` is longer than the run.
 * @example
 * ```ts
 * adam({ learningRate: polynomialDecay({ initial: 1e-3, end: 1e-5 }) });
 * ```
 */
export function polynomialDecay(options: PolynomialDecayOptions): PolynomialDecay {
  return Object.freeze({
    kind: 'polynomialDecay',
    ...parseConfig(polynomialDecaySettings, options, 'polynomialDecay'),
  });
}

export function polynomialRate(schedule: PolynomialDecay, position: Position): number {
  const { initial, end, power, length, per } = schedule;
  return end + (initial - end) * (1 - progress(length, per, position)) ** power;
}
