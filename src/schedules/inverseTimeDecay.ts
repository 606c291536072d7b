import { flag, nonNegative, positive, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { counted, unit, type Position, type ScheduleUnit } from './position.js';

/** initial / (1 + rate · t / every), the quotient rounded down with `staircase`. */
export interface InverseTimeDecay {
  readonly kind: 'inverseTimeDecay';
  readonly initial: number;
  readonly rate: number;
  readonly every: number;
  readonly staircase: boolean;
  readonly per: ScheduleUnit;
}

/** What {@link inverseTimeDecay} takes. */
export interface InverseTimeDecayOptions {
  /** The learning rate at first. */
  readonly initial: number;
  /** How much the divisor grows in `every` steps or epochs. */
  readonly rate: number;
  /** Default 1. */
  readonly every?: number | undefined;
  /** Round t / every down. Default false. */
  readonly staircase?: boolean | undefined;
  /** Default `epoch`. */
  readonly per?: ScheduleUnit | undefined;
}

/** The settings of {@link inverseTimeDecay}. */
export const inverseTimeDecaySettings = settings({
  initial: nonNegative,
  rate: nonNegative,
  every: positive.default(1),
  staircase: flag.default(false),
  per: unit('epoch'),
});

/**
 * initial / (1 + rate · t / every): Keras' InverseTimeDecay with `rate` as decay_rate, `every` as decay_steps and
 * `per: 'step'`.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * sgd({ learningRate: inverseTimeDecay({ initial: 0.1, rate: 0.5 }) }); // 0.1, 0.0667, 0.05, 0.04, …
 * ```
 */
export function inverseTimeDecay(options: InverseTimeDecayOptions): InverseTimeDecay {
  return Object.freeze({
    kind: 'inverseTimeDecay',
    ...parseConfig(inverseTimeDecaySettings, options, 'inverseTimeDecay'),
  });
}

export function inverseTimeRate(schedule: InverseTimeDecay, position: Position): number {
  const { initial, rate, every, staircase, per } = schedule;
  const time = counted(per, position) / every;
  return initial / (1 + rate * (staircase ? Math.floor(time) : time));
}
