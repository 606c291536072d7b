import { choice, flag, nonNegative, real, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { cosineBetween } from './cosineDecay.js';
import type { Position } from './position.js';

/** Up from max / startDivisor to `max`, down to max / startDivisor / endDivisor. */
export interface OneCycle {
  readonly kind: 'oneCycle';
  readonly max: number;
  readonly length?: number | undefined;
  readonly warmupShare: number;
  readonly startDivisor: number;
  readonly endDivisor: number;
  readonly anneal: 'cosine' | 'linear';
  readonly threePhase: boolean;
}

/** What {@link oneCycle} takes. */
export interface OneCycleOptions {
  /** The highest rate. */
  readonly max: number;
  /** Steps of the cycle. Default all steps of the run. */
  readonly length?: number | undefined;
  /** Share of the steps in which the rate rises. Default 0.3. */
  readonly warmupShare?: number | undefined;
  /** The first rate is max / startDivisor. Default 25. */
  readonly startDivisor?: number | undefined;
  /** The last rate is the first / endDivisor. Default 1e4. */
  readonly endDivisor?: number | undefined;
  /** Default `cosine`. */
  readonly anneal?: 'cosine' | 'linear' | undefined;
  /** Come down to the first rate as fast as up, and to the last one in the rest. Default false. */
  readonly threePhase?: boolean | undefined;
}

const atLeastOne = real('a number from 1', (value) => value >= 1);

/** The settings of {@link oneCycle}. */
export const oneCycleSettings = settings({
  max: nonNegative,
  length: whole(1).optional(),
  warmupShare: real('a number from 0 to 1', (value) => value >= 0 && value <= 1).default(0.3),
  startDivisor: atLeastOne.default(25),
  endDivisor: atLeastOne.default(1e4),
  anneal: choice('cosine', 'linear').default('cosine'),
  threePhase: flag.default(false),
}).refine(({ threePhase, warmupShare }) => !threePhase || warmupShare <= 0.5, {
  path: ['warmupShare'],
  error: () => 'at most 0.5 with threePhase',
});

/**
 * The one-cycle policy (Smith 2018, "A disciplined approach to neural network hyper-parameters"), counted in steps, in the
 * conventions of PyTorch's OneCycleLR with cycle_momentum=False: `max` as max_lr, `warmupShare` as pct_start,
 * `startDivisor` as div_factor, `endDivisor` as final_div_factor. Momentum is not cycled.
 *
 * @throws ConfigError; in `fit`, where `length` is longer than the run.
 * @example
 * ```ts
 * const { suggestion } = await model.findLearningRate(data, { loss: 'mse' });
 * adam({ learningRate: oneCycle({ max: suggestion ?? 1e-3 }) });
 * ```
 */
export function oneCycle(options: OneCycleOptions): OneCycle {
  return Object.freeze({ kind: 'oneCycle', ...parseConfig(oneCycleSettings, options, 'oneCycle') });
}

export function oneCycleRate(schedule: OneCycle, { step, totalSteps }: Position): number {
  const { max, anneal, startDivisor, endDivisor } = schedule;
  const first = max / startDivisor;
  let from = { end: 0, rate: first };
  for (const phase of phases(schedule, schedule.length ?? totalSteps, first, first / endDivisor)) {
    if (step <= phase.end) {
      const share = phase.end > from.end ? (step - from.end) / (phase.end - from.end) : 1;
      return anneal === 'cosine'
        ? cosineBetween(from.rate, phase.rate, share)
        : from.rate + (phase.rate - from.rate) * share;
    }
    from = phase;
  }
  return from.rate;
}

/** The last step of each phase and the rate there; PyTorch counts shares of all the steps, less one. */
function phases({ warmupShare, max, threePhase }: OneCycle, length: number, first: number, last: number) {
  const up = { end: warmupShare * length - 1, rate: max };
  const down = { end: 2 * warmupShare * length - 2, rate: first };
  return [up, ...(threePhase ? [down] : []), { end: length - 1, rate: last }];
}
