import { choice } from '../config/fields.js';

/**
 * What a schedule counts from 0 on: `step` the batches trained on since training began, `epoch` the whole epochs, so that
 * the rate stays the same within one. It follows from the epoch and the batch alone: a resumed run goes on where it was.
 */
export type ScheduleUnit = 'step' | 'epoch';

/** Where in a run a rate is asked for. */
export interface Position {
  /** Steps before this one. */
  readonly step: number;
  /** NaN where nobody knows it: for schedules that do not depend on it. */
  readonly stepsPerEpoch: number;
  /** Steps of the whole run; NaN as above. */
  readonly totalSteps: number;
  /** Whole epochs before this step. By default they follow from `stepsPerEpoch`. */
  readonly epoch?: number | undefined;
}

/** A count of schedules as a setting. */
export function unit(standard: ScheduleUnit) {
  return choice('step', 'epoch').default(standard);
}

/** Steps that a length in a unit takes. */
export function stepsOf(length: number, per: ScheduleUnit, stepsPerEpoch: number): number {
  return per === 'step' ? length : length * stepsPerEpoch;
}

/** t: the steps or epochs before a position. */
export function counted(per: ScheduleUnit, { step, stepsPerEpoch, epoch }: Position): number {
  return per === 'step' ? step : (epoch ?? Math.floor(step / stepsPerEpoch));
}

/** min(t / length, 1); the length is the run's where none is given. */
export function progress(length: number | undefined, per: ScheduleUnit, position: Position): number {
  const t = counted(per, position);
  const whole = length ?? position.totalSteps / stepsOf(1, per, position.stepsPerEpoch);
  return t === 0 ? 0 : Math.min(t / whole, 1);
}
