import { flag, nonNegative, positive, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { counted, unit, type Position, type ScheduleUnit } from './position.js';

/** initial · factor^(t / every), the exponent rounded down with `staircase`. */
export interface ExponentialDecay {
  readonly kind: 'exponentialDecay';
  readonly initial: number;
  readonly factor: number;
  readonly every: number;
  readonly staircase: boolean;
  readonly per: ScheduleUnit;
}

/** What {@link exponentialDecay} takes. */
export interface ExponentialDecayOptions {
  /** The rate at first. */
  readonly initial: number;
  /** What the rate is multiplied by in `every` steps or epochs. */
  readonly factor: number;
  /** Default 1. */
  readonly every?: number | undefined;
  /** Round t / every down. Default false. */
  readonly staircase?: boolean | undefined;
  /** Default `epoch`. */
  readonly per?: ScheduleUnit | undefined;
}

/** The settings of {@link exponentialDecay}. */
export const exponentialDecaySettings = settings({
  initial: nonNegative,
  factor: positive,
  every: positive.default(1),
  staircase: flag.default(false),
  per: unit('epoch'),
});

/**
 * initial · factor^(t / every): Keras' ExponentialDecay with `factor` as decay_rate, `every` as decay_steps and
 * `per: 'step'`; PyTorch's ExponentialLR with `factor` as gamma.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * adam({ learningRate: exponentialDecay({ initial: 1e-2, factor: 0.96, every: 1000, per: 'step' }) });
 * ```
 */
export function exponentialDecay(options: ExponentialDecayOptions): ExponentialDecay {
  return Object.freeze({
    kind: 'exponentialDecay',
    ...parseConfig(exponentialDecaySettings, options, 'exponentialDecay'),
  });
}

export function exponentialRate(schedule: ExponentialDecay, position: Position): number {
  const { initial, factor, every, staircase, per } = schedule;
  const exponent = counted(per, position) / every;
  return initial * factor ** (staircase ? Math.floor(exponent) : exponent);
}
