import { describe, expect, it } from 'vitest';

import { philox4x32, RandomWords } from '../../../src/data/philox.js';

describe('philox4x32', () => {
  // The known-answer vectors of Random123 (kat_vectors, "philox4x32 10").
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('gives the published words for counter %j and key %j', (counter, key, words) => {
    expect(philox4x32(counter, key)).toEqual(words);
  });
});

describe('RandomWords', () => {
  it('gives the words of one block after the other', () => {
    const words = new RandomWords(0, 0, 0);
    const first = philox4x32([0, 0, 0, 0], [0, 0]);
    const second = philox4x32([1, 0, 0, 0], [0, 0]);
    expect(Array.from({ length: 8 }, () => words.next())).toEqual([...first, ...second]);
  });

  it('tells seeds apart that differ beyond 32 bits', () => {
    expect(new RandomWords(2 ** 40 + 7, 1, 0).next()).not.toBe(new RandomWords(7, 1, 0).next());
  });

  it('draws each number below a limit about equally often', () => {
    const words = new RandomWords(3, 1, 0);
    const counts = [0, 0, 0, 0, 0];
    for (let draw = 0; draw < 50_000; draw++) counts[words.below(5)]!++;
    // Five standard deviations of a binomial(50000, 1/5).
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(450);
  });
});
