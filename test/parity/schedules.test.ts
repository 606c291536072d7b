import { describe, expect, it } from 'vitest';
import { adam, learningRateAt, type Schedule } from '../../src/index.js';
import type { EpochRecord } from '../../src/training/history.js';
import { RunRate } from '../../src/training/runRate.js';
import { readGolden } from '../support/golden.js';

// PyTorch's schedulers step after step; golden/makeSchedules.py makes the file and holds its version.
interface Case {
  readonly kind: Schedule['kind'];
  readonly options: object;
  readonly totalSteps: number;
  readonly rates: readonly number[];
}
interface Plateau {
  readonly options: object;
  readonly values: readonly (number | null)[];
  readonly rates: readonly number[];
}
const { cases, plateaus } = readGolden<{ cases: Case[]; plateaus: Plateau[] }>('schedules.json');

// PyTorch goes from each rate to the next, which rounds at every step.
const close = (rates: readonly number[]) => rates.map((rate) => expect.closeTo(rate, 12) as number);
const scheduleOf = (kind: string, options: object) =>
  adam({ learningRate: { kind, ...options } as Schedule }).learningRate;

describe("PyTorch's rates", () => {
  it.each(cases)('$kind $options', ({ kind, options, totalSteps, rates }) => {
    const schedule = scheduleOf(kind, options);
    expect(rates.length).toBeGreaterThan(5);
    expect(rates.map((_, step) => learningRateAt(schedule, { step, totalSteps }))).toEqual(close(rates));
  });

  it.each(plateaus)('reduceOnPlateau $options', async ({ options, values, rates }) => {
    const best = { held: false, keep: async () => {}, goBack: async () => {} };
    const run = { stepsPerEpoch: 3, epochs: values.length };
    const rate = new RunRate(scheduleOf('reduceOnPlateau', options), run, best, undefined);
    const taken: number[] = [];
    for (const [epoch, value] of values.entries()) {
      taken.push(rate.at(epoch * 3));
      await rate.epochEnd({ valLoss: value ?? Number.NaN } as unknown as EpochRecord, (epoch + 1) * 3);
    }
    expect(new Set(rates).size).toBeGreaterThan(1);
    expect(taken).toEqual(close(rates));
  });
});
