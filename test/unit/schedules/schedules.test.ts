import { describe, expect, it } from 'vitest';
import {
  adam,
  backtracking,
  ConfigError,
  constantRate,
  cosineDecay,
  cosineRestarts,
  exponentialDecay,
  inverseTimeDecay,
  type LearningRate,
  learningRateAt,
  oneCycle,
  piecewiseConstant,
  polynomialDecay,
  reduceOnPlateau,
  type Schedule,
  stepDecay,
  warmup,
} from '../../../src/index.js';

const all: readonly Schedule[] = [
  constantRate(0.1),
  stepDecay({ initial: 0.1, every: 2 }),
  piecewiseConstant({ boundaries: [1], values: [2, 1] }),
  exponentialDecay({ initial: 0.1, factor: 0.5 }),
  inverseTimeDecay({ initial: 0.1, rate: 1 }),
  polynomialDecay({ initial: 0.1 }),
  cosineDecay({ initial: 0.1 }),
  cosineRestarts({ initial: 0.1, length: 3 }),
  oneCycle({ max: 0.1 }),
  warmup({ length: 2, learningRate: 0.1 }),
  reduceOnPlateau({ initial: 0.1 }),
  backtracking({ initial: 0.1 }),
];

const over = (schedule: LearningRate, steps: number, position = {}) =>
  Array.from({ length: steps }, (_, step) =>
    learningRateAt(schedule, { step, totalSteps: steps, ...position }),
  );
const near = (values: number[]) => values.map((value) => expect.closeTo(value, 12) as number);

// Formulas of Keras' schedules, worked out by hand.
describe('a schedule as Keras defines it', () => {
  it('ExponentialDecay: initial · rate^(step / decay_steps), with staircase in whole steps', () => {
    const options = { initial: 0.8, factor: 0.25, every: 2, per: 'step' } as const;
    expect(over(exponentialDecay(options), 5)).toEqual(near([0.8, 0.4, 0.2, 0.1, 0.05]));
    expect(over(exponentialDecay({ ...options, staircase: true }), 5)).toEqual(
      near([0.8, 0.8, 0.2, 0.2, 0.05]),
    );
  });

  it('InverseTimeDecay: initial / (1 + rate · step / decay_steps)', () => {
    const options = { initial: 0.6, rate: 1, every: 2, per: 'step' } as const;
    expect(over(inverseTimeDecay(options), 5)).toEqual(near([0.6, 0.4, 0.3, 0.24, 0.2]));
    expect(over(inverseTimeDecay({ ...options, staircase: true }), 5)).toEqual(
      near([0.6, 0.6, 0.3, 0.3, 0.2]),
    );
  });

  it('PolynomialDecay: (initial - end) · (1 - step / decay_steps)^power + end, then end', () => {
    const schedule = polynomialDecay({ initial: 0.9, end: 0.1, power: 2, length: 4 });
    expect(over(schedule, 6)).toEqual(near([0.9, 0.55, 0.3, 0.15, 0.1, 0.1]));
  });

  it('CosineDecay: initial · ((1 - alpha) · ½ (1 + cos(π · step / decay_steps)) + alpha), then alpha · initial', () => {
    const schedule = cosineDecay({ initial: 2, end: 0.2, length: 3 });
    expect(over(schedule, 5)).toEqual(near([2, 1.55, 0.65, 0.2, 0.2]));
  });

  it('CosineDecayRestarts: periods of 2 and 4 steps, the second from half the height', () => {
    const schedule = cosineRestarts({ initial: 2, end: 0.2, length: 2, multiply: 2, peakFactor: 0.5 });
    const half = Math.SQRT1_2 / 2;
    expect(over(schedule, 7)).toEqual(
      near([2, 1.1, 1.1, 0.2 + 0.9 * (0.5 + half), 0.65, 0.2 + 0.9 * (0.5 - half), 0.65]),
    );
  });

  it('PiecewiseConstantDecay, but for the step at a boundary, which has the new rate', () => {
    const schedule = piecewiseConstant({ boundaries: [1, 3], values: [3, 2, 1], per: 'step' });
    expect(over(schedule, 5)).toEqual([3, 2, 2, 1, 1]);
  });

  it('CosineDecay warming up: from 0 to the first rate, then from its beginning', () => {
    const schedule = warmup({ length: 4, learningRate: cosineDecay({ initial: 2, end: 0.2, length: 3 }) });
    expect(over(schedule, 9)).toEqual(near([0, 0.5, 1, 1.5, 2, 1.55, 0.65, 0.2, 0.2]));
  });
});

describe('steps and epochs', () => {
  it('counts whole epochs where a schedule is per epoch', () => {
    const schedule = stepDecay({ initial: 1, every: 2, factor: 0.5 });
    expect(over(schedule, 12, { stepsPerEpoch: 2 })).toEqual([
      1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25,
    ]);
  });

  it('spreads a schedule without a length over the run, in its own unit, warm-up left out', () => {
    const line = polynomialDecay({ initial: 1, per: 'epoch' });
    expect(over(line, 8, { stepsPerEpoch: 2 })).toEqual(near([1, 1, 0.75, 0.75, 0.5, 0.5, 0.25, 0.25]));
    const warmed = warmup({
      length: 1,
      per: 'epoch',
      startFactor: 0.5,
      learningRate: polynomialDecay({ initial: 1 }),
    });
    expect(over(warmed, 6, { stepsPerEpoch: 2 })).toEqual(near([0.5, 0.5, 1, 0.75, 0.5, 0.25]));
  });

  it('ends one cycle at max / startDivisor / endDivisor, also when it is one step long', () => {
    expect(over(oneCycle({ max: 1 }), 1)).toEqual(near([1 / 25e4]));
    expect(over(oneCycle({ max: 1, warmupShare: 0 }), 3).at(-1)).toBeCloseTo(1 / 25e4, 12);
  });

  it('stays at the end of one cycle and of a decay that are over', () => {
    expect(over(oneCycle({ max: 1, length: 3 }), 5).slice(2)).toEqual(near([4e-6, 4e-6, 4e-6]));
    expect(over(cosineDecay({ initial: 1, length: 2, end: 0.5 }), 4)).toEqual(near([1, 0.75, 0.5, 0.5]));
  });

  it('asks for the length of the run where a schedule takes it from there', () => {
    expect(() =>
      learningRateAt(warmup({ length: 1, learningRate: oneCycle({ max: 1 }) }), { step: 3 }),
    ).toThrow(
      "learningRateAt.totalSteps: expected the steps of the run, as 'warmup' has no length of its own",
    );
    expect(learningRateAt(0.5, { step: 3 })).toBe(0.5);
  });
});

describe('a schedule as a setting', () => {
  it.each(all)('$kind is frozen, JSON throughout, and an optimizer takes it as it is', (schedule) => {
    expect(Object.isFrozen(schedule)).toBe(true);
    for (const inner of Object.values(schedule)) expect(Object.isFrozen(inner)).toBe(true);
    const again = adam({ learningRate: JSON.parse(JSON.stringify(schedule)) as Schedule });
    expect(again.learningRate).toEqual(schedule);
  });

  it.each(all)('$kind is no number below 0 and no NaN anywhere in a run', (schedule) => {
    for (const rate of over(schedule, 50, { stepsPerEpoch: 5 })) expect(rate).toBeGreaterThanOrEqual(0);
  });

  it.each<[() => unknown, string]>([
    [() => constantRate(-1), 'constantRate.initial: expected a number from 0, received -1'],
    [() => constantRate(Number.NaN), 'constantRate.initial: expected a number from 0, received NaN'],
    [
      () => stepDecay({ initial: 1 } as never),
      'stepDecay.every: expected a whole number from 1, received undefined',
    ],
    [
      () => stepDecay({ initial: 1, every: 0 }),
      'stepDecay.every: expected a whole number from 1, received 0',
    ],
    [
      () => stepDecay({ initial: 1, every: 1, per: 'batch' as never }),
      "stepDecay.per: expected 'step' | 'epoch', received 'batch'",
    ],
    [
      () => stepDecay({ initial: 1, every: 1, gamma: 1 } as never),
      "stepDecay: no setting 'gamma'; known are initial, every, factor, per",
    ],
    [
      () => piecewiseConstant({ boundaries: [3, 3], values: [1, 2, 3] }),
      'piecewiseConstant.boundaries: expected an array of whole numbers from 1, each above the one before',
    ],
    [
      () => piecewiseConstant({ boundaries: [3], values: [1] }),
      'piecewiseConstant.values: expected one rate more than there are boundaries',
    ],
    [
      () => cosineRestarts({ initial: 1, length: 2, multiply: 0.5 }),
      'cosineRestarts.multiply: expected a number from 1, received 0.5',
    ],
    [
      () => oneCycle({ max: 1, warmupShare: 0.6, threePhase: true }),
      'oneCycle.warmupShare: expected at most 0.5 with threePhase, received 0.6',
    ],
    [
      () => warmup({ length: 2, learningRate: { kind: 'linear' } as never }),
      'warmup.learningRate: expected a number from 0, or a schedule such as cosineDecay()',
    ],
    [
      () => warmup({ length: 2, learningRate: { kind: 'stepDecay', initial: -1, every: 1 } as never }),
      'stepDecay.initial: expected a number from 0, received -1',
    ],
    [
      () => reduceOnPlateau({ initial: 1, factor: 1 }),
      'reduceOnPlateau.factor: expected a number above 0 and below 1, received 1',
    ],
    [
      () => backtracking({ initial: 1, monitor: '' }),
      "backtracking.monitor: expected the name of a value of an epoch's record, such as 'valLoss', received ''",
    ],
    [
      () => adam({ learningRate: '0.1' as never }),
      "adam.learningRate: expected a number from 0, or a schedule such as cosineDecay(), received '0.1'",
    ],
    [
      () => adam({ learningRate: { kind: 'toString' } as never }),
      'adam.learningRate: expected a number from 0, or a schedule such as cosineDecay()',
    ],
  ])('refuses what cannot be: %s', (make, message) => {
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
  });
});
