import { describe, expect, it } from 'vitest';
import {
  backtracking,
  type EpochRecord,
  reduceOnPlateau,
  type Schedule,
  warmup,
} from '../../../src/index.js';
import { RunRate, type WatchedState } from '../../../src/training/runRate.js';

/** Feeds the losses of epochs of two steps; tells the rate after each and what was asked of the best state. */
async function follow(schedule: Schedule, losses: readonly number[], kept?: WatchedState, held = false) {
  const asked: string[] = [];
  const best = {
    held,
    keep: async () => void asked.push('keep'),
    goBack: async () => void asked.push('back'),
  };
  const rate = new RunRate(schedule, { stepsPerEpoch: 2, epochs: 20 }, best, kept);
  await rate.begin();
  const rates: number[] = [];
  for (const [i, valLoss] of losses.entries()) {
    await rate.epochEnd({ valLoss } as unknown as EpochRecord, 2 * (i + 1));
    rates.push(rate.at(2 * (i + 1)));
  }
  return { asked, rates, state: rate.state };
}

describe('backtracking in a run', () => {
  const schedule = backtracking({ initial: 8, factor: 0.5, min: 1 });

  it('keeps the start and each best epoch, and goes back at each that is no better, down to the lowest rate', async () => {
    const { asked, rates } = await follow(schedule, [5, 4, 4, 4.5, 3, 3.5, 6, 6]);
    expect(asked).toEqual(['keep', 'keep', 'keep', 'back', 'back', 'keep', 'back', 'back', 'back']);
    expect(rates).toEqual([8, 8, 4, 2, 2, 1, 1, 1]);
  });

  it('goes back to the start where no epoch gave a number', async () => {
    const { asked, rates } = await follow(schedule, [Number.NaN, Infinity]);
    expect(asked).toEqual(['keep', 'back', 'back']);
    expect(rates).toEqual([4, 2]);
  });

  it('waits for more than `patience` epochs, and counts small gains as none', async () => {
    const patient = backtracking({ initial: 8, patience: 1, minDelta: 0.5 });
    const { asked, rates } = await follow(patient, [5, 4.8, 4.7, 4.6, 4]);
    expect(asked).toEqual(['keep', 'keep', 'back', 'keep']);
    expect(rates).toEqual([8, 8, 4, 4, 4]);
  });

  it('takes up what an earlier run came to, with the state that one held', async () => {
    const { state } = await follow(schedule, [5, 6]);
    expect(state).toEqual({ kind: 'backtracking', rate: 4, best: 5, waited: 0, cooldown: 0 });
    const { asked, rates } = await follow(schedule, [7, 4], state, true);
    expect(asked).toEqual(['back', 'keep']);
    expect(rates).toEqual([2, 2]);
    expect((await follow(reduceOnPlateau({ initial: 8 }), [7], state)).rates).toEqual([8]);
  });
});

describe('a schedule that watches, behind a warm-up', () => {
  it('looks at no epoch before the warm-up is over', async () => {
    const learningRate = reduceOnPlateau({ initial: 8, patience: 0, factor: 0.5 });
    const { rates } = await follow(warmup({ length: 4, learningRate }), [1, 2, 2, 2, 2]);
    // Epoch 1 ends at step 2 of 4: its loss of 1 is not seen. Epoch 2 ends with the warm-up.
    expect(rates).toEqual([4, 8, 4, 2, 1]);
  });
});
