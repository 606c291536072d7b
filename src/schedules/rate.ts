import { ConfigError } from '../errors.js';
import { real, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { Backtracking } from './backtracking.js';
import { cosineRate } from './cosineDecay.js';
import { cosineRestartsRate } from './cosineRestarts.js';
import { exponentialRate } from './exponentialDecay.js';
import { inverseTimeRate } from './inverseTimeDecay.js';
import { oneCycleRate } from './oneCycle.js';
import { piecewiseRate } from './piecewiseConstant.js';
import { polynomialRate } from './polynomialDecay.js';
import { counted, stepsOf, type Position, type ScheduleUnit } from './position.js';
import type { ReduceOnPlateau } from './reduceOnPlateau.js';
import { learningRateSchema, type LearningRate, type Schedule } from './schedule.js';
import { stepDecayRate } from './stepDecay.js';
import type { Warmup } from './warmup.js';

/**
 * The rate of the step at a position.
 *
 * @param watched What a schedule that watches results has come to; its initial rate where nothing is given.
 */
export function rateAt(schedule: Schedule, position: Position, watched?: number): number {
  switch (schedule.kind) {
    case 'constantRate':
      return schedule.initial;
    case 'stepDecay':
      return stepDecayRate(schedule, position);
    case 'piecewiseConstant':
      return piecewiseRate(schedule, position);
    case 'exponentialDecay':
      return exponentialRate(schedule, position);
    case 'inverseTimeDecay':
      return inverseTimeRate(schedule, position);
    case 'polynomialDecay':
      return polynomialRate(schedule, position);
    case 'cosineDecay':
      return cosineRate(schedule, position);
    case 'cosineRestarts':
      return cosineRestartsRate(schedule, position);
    case 'oneCycle':
      return oneCycleRate(schedule, position);
    case 'warmup':
      return warmupRate(schedule, position, watched);
    case 'reduceOnPlateau':
    case 'backtracking':
      return watched ?? schedule.initial;
  }
}

function warmupRate(schedule: Warmup, position: Position, watched: number | undefined): number {
  const { length, startFactor, per, learningRate } = schedule;
  const { stepsPerEpoch, totalSteps } = position;
  const steps = stepsOf(length, per, stepsPerEpoch);
  const after = { step: Math.max(position.step - steps, 0), stepsPerEpoch, totalSteps: totalSteps - steps };
  const rate = rateAt(learningRate, after, watched);
  if (position.step >= steps) return rate;
  return rate * (startFactor + ((1 - startFactor) * counted(per, position)) / length);
}

/** The part of a schedule that watches results, and the step from which it does. */
export function watcherOf(
  schedule: Schedule,
  stepsPerEpoch: number,
): { readonly watcher: ReduceOnPlateau | Backtracking; readonly from: number } | undefined {
  if (schedule.kind === 'reduceOnPlateau' || schedule.kind === 'backtracking') {
    return { watcher: schedule, from: 0 };
  }
  if (schedule.kind !== 'warmup') return undefined;
  const inner = watcherOf(schedule.learningRate, stepsPerEpoch);
  return inner && { ...inner, from: inner.from + stepsOf(schedule.length, schedule.per, stepsPerEpoch) };
}

/** The fewest steps of a run in which a schedule comes to its end; 0 for one without. */
export function scheduleSteps(schedule: Schedule, stepsPerEpoch: number): number {
  const steps = (length: number, per: ScheduleUnit) => stepsOf(length, per, stepsPerEpoch);
  if (schedule.kind === 'oneCycle') return schedule.length ?? 0;
  if (schedule.kind === 'piecewiseConstant') return steps(schedule.boundaries.at(-1)!, schedule.per) + 1;
  if (schedule.kind === 'warmup') {
    return steps(schedule.length, schedule.per) + scheduleSteps(schedule.learningRate, stepsPerEpoch);
  }
  return 'length' in schedule ? steps(schedule.length ?? 0, schedule.per) : 0;
}

/**
 * Whether rates depend on how many steps an epoch or the run has: those that last as long as the run, and a warm-up where
 * it or what follows counts epochs.
 */
export function needsRunLength(schedule: Schedule): boolean {
  if (lastsTheRun(schedule)) return true;
  if (schedule.kind !== 'warmup') return false;
  const { learningRate } = schedule;
  return schedule.per === 'epoch' || ('per' in learningRate && learningRate.per === 'epoch');
}

/** Where {@link learningRateAt} is asked for the rate. */
export interface RatePosition {
  /** Steps before this one. */
  readonly step: number;
  /** For what counts epochs. Default 1: each step is an epoch. */
  readonly stepsPerEpoch?: number | undefined;
  /** Steps of the run, for what lasts as long as that. */
  readonly totalSteps?: number | undefined;
}

const rateSchema = settings({ rate: learningRateSchema });
const positionSchema = settings({
  step: whole(0),
  stepsPerEpoch: real('a number above 0', (value) => value > 0).default(1),
  totalSteps: whole(1).optional(),
});

/**
 * The rate of one step, for a training loop of your own and for looking at a schedule. What watches results
 * (`reduceOnPlateau`, `backtracking`) stays at its initial rate here.
 *
 * @throws ConfigError; where a schedule lasts as long as the run and `totalSteps` is missing.
 * @example
 * ```ts
 * const schedule = warmup({ length: 100, learningRate: cosineDecay({ initial: 1e-3 }) });
 * for (let step = 0; step < 1000; step++) {
 *   const learningRate = learningRateAt(schedule, { step, totalSteps: 1000 });
 *   await model.trainStep(batch(step), { loss: 'mse', optimizer: adam({ learningRate }) });
 * }
 * ```
 */
export function learningRateAt(learningRate: LearningRate, position: RatePosition): number {
  const { rate } = parseOptions(rateSchema, { rate: learningRate }, 'learningRateAt');
  const { totalSteps, ...rest } = parseOptions(positionSchema, position, 'learningRateAt');
  if (typeof rate === 'number') return rate;
  if (totalSteps === undefined && lastsTheRun(rate)) {
    const path = 'learningRateAt.totalSteps';
    const expected = `the steps of the run, as '${rate.kind}' has no length of its own`;
    throw new ConfigError(`${path}: expected ${expected}, received undefined`, { path, expected });
  }
  return rateAt(rate, { ...rest, totalSteps: totalSteps ?? 0 });
}

function lastsTheRun(schedule: Schedule): boolean {
  if (schedule.kind === 'warmup') return lastsTheRun(schedule.learningRate);
  const { kind } = schedule;
  const canLast = kind === 'polynomialDecay' || kind === 'cosineDecay' || kind === 'oneCycle';
  return canLast && schedule.length === undefined;
}
