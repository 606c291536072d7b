import { nonNegative, positive, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { counted, unit, type Position, type ScheduleUnit } from './position.js';

/** initial · factor^⌊t / every⌋. */
export interface StepDecay {
  readonly kind: 'stepDecay';
  readonly initial: number;
  readonly factor: number;
  readonly every: number;
  readonly per: ScheduleUnit;
}

/** What {@link stepDecay} takes. */
export interface StepDecayOptions {
  /** The rate at first. */
  readonly initial: number;
  /** Steps or epochs between two changes. */
  readonly every: number;
  /** Default 0.1. */
  readonly factor?: number | undefined;
  /** Default `epoch`. */
  readonly per?: ScheduleUnit | undefined;
}

/** The settings of {@link stepDecay}. */
export const stepDecaySettings = settings({
  initial: nonNegative,
  every: whole(1),
  factor: positive.default(0.1),
  per: unit('epoch'),
});

/**
 * initial · factor^⌊t / every⌋: PyTorch's StepLR with `every` as step_size and `factor` as gamma.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * sgd({ learningRate: stepDecay({ initial: 0.1, every: 30 }) }); // a tenth every 30 epochs
 * ```
 */
export function stepDecay(options: StepDecayOptions): StepDecay {
  return Object.freeze({ kind: 'stepDecay', ...parseConfig(stepDecaySettings, options, 'stepDecay') });
}

export function stepDecayRate({ initial, factor, every, per }: StepDecay, position: Position): number {
  return initial * factor ** Math.floor(counted(per, position) / every);
}
