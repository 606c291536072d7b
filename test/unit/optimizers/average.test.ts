import { describe, expect, it } from 'vitest';
import { sgd } from '../../../src/index.js';
import { NonMonotonicTrigger } from '../../../src/optimizers/average.js';

describe('NonMonotonicTrigger', () => {
  // Merity et al. 2017, algorithm 1, by hand: with n = 2 the loss of epoch t is held against logs[0..t - n - 1].
  it.each([
    [2, [5, 4, 3, 3.5, 3.9], [false, false, false, false, false]],
    [2, [5, 4, 3, 3.5, 4.1], [false, false, false, false, true]],
    [2, [5, 4, 6, 3], [false, false, false, false]],
    [1, [5, 4, 4.5, 4.6], [false, false, false, true]],
    [4, [1, 2, 3, 4, 5, 6], [false, false, false, false, false, true]],
  ])('interval %d, losses %j', (interval, losses, begun) => {
    const trigger = new NonMonotonicTrigger(interval);
    expect(losses.map((loss) => trigger.observe(loss))).toEqual(begun);
  });

  it('does not end what it has begun', () => {
    const trigger = new NonMonotonicTrigger(1);
    expect([1, 2, 3, 0].map((loss) => trigger.observe(loss))).toEqual([false, false, true, true]);
    expect(trigger.begun).toBe(true);
  });
});

describe('average', () => {
  it.each([
    [{ kind: 'mean', decay: 0.5 }, 'sgd.average: expected decay for ema alone'],
    [{ kind: 'ema', interval: 5 }, 'sgd.average: expected interval for ntAsgd alone'],
    [{ kind: 'emma' }, "'ema' | 'mean' | 'ntAsgd' (did you mean 'ema'?)"],
  ])('row %#: a mistake is named', (average, message) => {
    expect(() => sgd({ average: average as never })).toThrow(message);
  });
});
