import { describe, expect, it } from 'vitest';

import { tailSplit } from '../../../src/data/split.js';
import { ConfigError, DataError } from '../../../src/errors.js';

describe('tailSplit', () => {
  it('keeps the last rows for validation', () => {
    const { train, validation } = tailSplit(5, 0.4);
    expect([...train]).toEqual([0, 1, 2]);
    expect([...validation]).toEqual([3, 4]);
  });

  it('rounds the training share down, as Keras does', () => {
    // Keras: int(10 * (1 - 0.25)) = 7.
    expect(tailSplit(10, 0.25).train.length).toBe(7);
  });

  it('keeps nothing for validation with a share of 0', () => {
    const { train, validation } = tailSplit(3, 0);
    expect(train.length).toBe(3);
    expect(validation.length).toBe(0);
  });

  it.each([-0.1, 1, 2, Number.NaN])('refuses the share %d', (share) => {
    expect(() => tailSplit(10, share)).toThrow(ConfigError);
  });

  it('refuses a share that leaves nothing to train on', () => {
    expect(() => tailSplit(1, 0.5)).toThrow(DataError);
  });
});
