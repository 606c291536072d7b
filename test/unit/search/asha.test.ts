import { describe, expect, it } from 'vitest';
import { asha, draw, type Trial } from '../../../src/index.js';
import { Halving, rungResources } from '../../../src/search/halving.js';

/** The value of a trial at any resource: its number's place in this list. */
const values = [5, 3, 8, 1, 9, 2, 7, 4, 6];

const space = { a: draw.uniform(0, 1) };

/** A trial that counts as it goes: one unit of resource at a time, reporting at each. */
function counting(log: string[]) {
  return async (_config: unknown, trial: Trial): Promise<number> => {
    const value = values[trial.number]!;
    for (let resource = trial.reached + 1; resource <= trial.rungs.at(-1)!; resource++) {
      log.push(`${trial.number}@${resource}`);
      if (!(await trial.report(resource, value))) break;
    }
    return value;
  };
}

describe('rungs', () => {
  it('are r, rη, rη² … below R, and R', () => {
    expect(rungResources(1, 9, 3)).toEqual([1, 3, 9]);
    expect(rungResources(1, 10, 3)).toEqual([1, 3, 9, 10]);
    expect(rungResources(2, 16, 4)).toEqual([2, 8, 16]);
    expect(rungResources(4, 4, 2)).toEqual([4]);
  });
});

describe('promotion', () => {
  it('takes the best ⌊n/η⌋ of a rung, the highest rung first, each trial once', () => {
    const halving = new Halving(3, 3, 'min');
    halving.record(0, 0, 5);
    halving.record(1, 0, 3);
    expect(halving.promote()).toBeUndefined(); // ⌊2/3⌋ = 0
    halving.record(2, 0, 8);
    expect(halving.promote()).toEqual({ number: 1, rung: 1 }); // the best of 5, 3, 8
    expect(halving.promote()).toBeUndefined();
    for (const number of [3, 4, 5]) halving.record(number, 0, values[number]!);
    expect(halving.promote()).toEqual({ number: 3, rung: 1 }); // of 5, 3, 8, 1, 9, 2 the best two are 1 and 2
    expect(halving.promote()).toEqual({ number: 5, rung: 1 });
    halving.record(1, 1, 3);
    halving.record(3, 1, 1);
    halving.record(5, 1, 2);
    for (const number of [6, 7, 8]) halving.record(number, 0, values[number]!);
    // Rung 1 has three, so one goes on from there, before rung 0 is asked: its best three are promoted already.
    expect(halving.promote()).toEqual({ number: 3, rung: 2 });
    expect(halving.promote()).toBeUndefined();
  });

  it('takes the largest values where they are to rise, and the earlier of equal ones', () => {
    const halving = new Halving(2, 2, 'max');
    for (const [number, value] of [4, 9, 9, 1].entries()) halving.record(number, 0, value);
    expect(halving.promote()).toEqual({ number: 1, rung: 1 });
    expect(halving.promote()).toEqual({ number: 2, rung: 1 });
    expect(halving.promote()).toBeUndefined();
  });

  it('passes over trials that have ended, and takes back what came to nothing', () => {
    const halving = new Halving(2, 2, 'min');
    for (const number of [0, 1, 2, 3]) halving.record(number, 0, number);
    halving.end(0);
    expect(halving.promote()).toEqual({ number: 1, rung: 1 });
    halving.putBack({ number: 1, rung: 1 });
    expect(halving.promote()).toEqual({ number: 1, rung: 1 });
  });
});

describe('asha', () => {
  // One at a time with η 3 and rungs 1, 3, 9, by hand: of 5, 3, 8 trial 1 goes on; of 5, 3, 8, 1 trial 3 is the best and goes
  // on; of 5, 3, 8, 1, 9, 2 the best two are 3 and 5, so 5 goes on as well. Then rung 1 has three values, 3, 1, 2, and its
  // best, trial 3, goes on to the end. The last three change nothing: the best three of nine have all gone on.
  const ladder = (number: number, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => `${number}@${from + i}`);
  const course = [
    ['0@1', '1@1', '2@1', ...ladder(1, 2, 3), '3@1', ...ladder(3, 2, 3), '4@1', '5@1', ...ladder(5, 2, 3)],
    [...ladder(3, 4, 9), '6@1', '7@1', '8@1'],
  ].flat();

  it('gives each trial the resource that hand arithmetic gives it, waiting in memory', async () => {
    const log: string[] = [];
    const result = await asha({ space, trials: 9, maxResource: 9, run: counting(log) });
    expect(log).toEqual(course);
    expect(result.trials.map(({ resource }) => resource)).toEqual([1, 3, 1, 9, 1, 3, 1, 1, 1]);
    expect(result.trials.map(({ state }) => state === 'finished')).toEqual(
      values.map((value) => value === 1),
    );
    expect(result.best).toMatchObject({ number: 3, value: 1, resource: 9 });
    expect(result.trials[3]!.reports).toEqual([
      { resource: 1, value: 1 },
      { resource: 3, value: 1 },
      { resource: 9, value: 1 },
    ]);
  });

  it('compares only trials that came as far', async () => {
    // The longer the worse: at resource 3 nothing is as low as at 1.
    const run = async ({ a }: { a: number }, trial: Trial) => {
      for (const rung of trial.rungs) if (!(await trial.report(rung, a + rung))) break;
      return a;
    };
    const result = await asha({ space, trials: 6, maxResource: 3, run });
    expect(result.best.resource).toBe(3);
  });

  it('records a failing trial and goes on; one that reports no number has failed', async () => {
    const run = async (_: unknown, trial: Trial) => {
      if (trial.number === 1) throw new Error('broken');
      const value = trial.number === 2 ? Number.NaN : trial.number;
      for (const rung of trial.rungs) if (!(await trial.report(rung, value))) break;
      return 0;
    };
    const { trials, best } = await asha({ space, trials: 9, maxResource: 3, run });
    expect(trials.filter(({ state }) => state === 'failed').map(({ number }) => number)).toEqual([1, 2]);
    expect(trials[2]!.error!.message).toBe("the trial's value: expected a finite number, received NaN");
    expect(best).toMatchObject({ number: 0, resource: 3 });
  });

  it('takes what a trial gives that ends before its rung, and does not promote it', async () => {
    const { trials } = await asha({ space, trials: 4, maxResource: 4, reductionFactor: 2, run: () => 1 });
    expect(trials.map(({ state, resource, value }) => ({ state, resource, value }))).toEqual(
      Array.from({ length: 4 }, () => ({ state: 'finished', resource: 1, value: 1 })),
    );
  });

  it('refuses a least resource above the most', async () => {
    await expect(asha({ space, trials: 1, minResource: 5, maxResource: 4, run: () => 0 })).rejects.toThrow(
      'asha.minResource: expected at most maxResource, 4, received 5',
    );
  });
});
