import { field } from '../config/fields.js';
import { ConfigError } from '../errors.js';
import { checkedSchedule, isPlainSchedule, isRate, type PlainSchedule } from './plainSchedule.js';
import { warmup, type Warmup } from './warmup.js';

/** How the learning rate changes during training: a frozen descriptor, made by the function of its kind's name. */
export type Schedule = PlainSchedule | Warmup;

/** A learning rate as an optimiser takes it: a number from 0, or a schedule that `fit` follows. */
export type LearningRate = number | Schedule;

/** A learning rate as a setting; a schedule is checked again. */
export const learningRateSchema = field<LearningRate>(
  'a number from 0, or a schedule such as cosineDecay()',
  (value) => isRate(value) || isPlainSchedule(value) || isWarmup(value),
).transform((value): LearningRate => {
  if (typeof value === 'number') return value;
  if (value.kind !== 'warmup') return checkedSchedule(value);
  const { kind: _, ...settings } = value;
  return warmup(settings);
});

function isWarmup(value: unknown): value is Warmup {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'warmup';
}

/**
 * The rate of an optimiser where there is no run that a schedule could follow.
 *
 * @throws ConfigError for a schedule.
 */
export function fixedRate(rate: LearningRate): number {
  if (typeof rate === 'number') return rate;
  const path = 'optimizer.learningRate';
  const expected = 'a number: fit alone follows a schedule, learningRateAt gives the rate of a step';
  throw new ConfigError(`${path}: expected ${expected}, received '${rate.kind}'`, {
    path,
    expected,
    received: rate.kind,
  });
}
