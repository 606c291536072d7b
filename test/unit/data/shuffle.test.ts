import { describe, expect, it } from 'vitest';

import { permutation } from '../../../src/data/shuffle.js';

describe('permutation', () => {
  it('holds every row once', () => {
    expect([...permutation(1000, 1, 0)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
  });

  it('is the same for the same seed and epoch', () => {
    expect(permutation(100, 7, 3)).toEqual(permutation(100, 7, 3));
  });

  it('differs from epoch to epoch and from seed to seed', () => {
    expect(permutation(100, 7, 3)).not.toEqual(permutation(100, 7, 4));
    expect(permutation(100, 7, 3)).not.toEqual(permutation(100, 8, 3));
  });

  it('gives each of the six orders of three rows about equally often', () => {
    const counts = new Map<string, number>();
    for (let epoch = 0; epoch < 6000; epoch++) {
      const order = permutation(3, 11, epoch).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // Five standard deviations of a binomial(6000, 1/6).
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(145);
  });

  it('of no rows and of one row is what it has to be', () => {
    expect([...permutation(0, 1, 1)]).toEqual([]);
    expect([...permutation(1, 1, 1)]).toEqual([0]);
  });
});
