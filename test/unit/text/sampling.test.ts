import { describe, expect, it } from 'vitest';

import { Sampler } from '../../../src/text/sampling.js';

const logits = [0, Math.log(2), Math.log(5), Math.log(2)];

function frequencies(temperature: number, topK?: number): number[] {
  const sampler = new Sampler(5, { temperature, topK });
  const counts = [0, 0, 0, 0];
  for (let draw = 0; draw < 20_000; draw++) counts[sampler.draw(logits)]!++;
  return counts.map((count) => count / 20_000);
}

/** Five standard deviations of a share near one half of 20,000 draws. */
const tolerance = 0.018;

function expectShares(shares: number[], expected: number[]) {
  shares.forEach((share, id) => expect(Math.abs(share - expected[id]!)).toBeLessThan(tolerance));
}

describe('Sampler', () => {
  it('draws with the probabilities of the softmax', () => {
    expectShares(frequencies(1), [0.1, 0.2, 0.5, 0.2]);
  });

  it('sharpens below a temperature of 1', () => {
    // Temperature ½ squares the weights 1, 2, 5, 2.
    expectShares(frequencies(0.5), [1 / 34, 4 / 34, 25 / 34, 4 / 34]);
  });

  it('takes the likeliest at a temperature of 0', () => {
    expect(frequencies(0)).toEqual([0, 0, 1, 0]);
  });

  it('draws from the k likeliest only, the first of equal ones', () => {
    expectShares(frequencies(1, 2), [0, 2 / 7, 5 / 7, 0]);
  });

  it('never draws what has probability 0', () => {
    const sampler = new Sampler(1, { temperature: 1, topK: undefined });
    const impossible = [Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY];
    expect(Array.from({ length: 100 }, () => sampler.draw(impossible))).toEqual(new Array(100).fill(1));
  });

  it('draws the same ids for the same seed', () => {
    const ids = (seed: number) => {
      const sampler = new Sampler(seed, { temperature: 1, topK: undefined });
      return Array.from({ length: 50 }, () => sampler.draw(logits));
    };
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });
});
