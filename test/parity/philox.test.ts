import { describe, expect, it } from 'vitest';
import { dropoutThreshold, philox4x32, philoxWord, type Words4 } from '../support/philox.js';

// Known answers: the Random123 library 1.14.0, tests/kat_vectors, philox4x32 with 10 rounds.
const KNOWN: readonly { counter: Words4; key: readonly [number, number]; words: Words4 }[] = [
  { counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

describe('the philox4x32-10 of the tests', () => {
  it.each(KNOWN)('gives the known answer for counter $counter', ({ counter, key, words }) => {
    expect(philox4x32(counter, key)).toEqual(words);
  });

  it('spends one block on four elements and takes seed, stream and step from the key', () => {
    const key = { seed: 0xa4093822 + 0x1000 * 2 ** 32, stream: 0x03707344, step: 0x13198a2e };
    const block = philox4x32([3, 0, key.step, key.stream], [0xa4093822, 0x1000]);
    expect([12, 13, 14, 15].map((element) => philoxWord(key, element))).toEqual(block);
  });

  it('drops the share of words that the rate names', () => {
    expect(dropoutThreshold(0)).toBe(0);
    expect(dropoutThreshold(0.5)).toBe(2 ** 31);
    // 0.1 as float32 is 13421773 / 2^27.
    expect(dropoutThreshold(0.1)).toBe(13421773 * 2 ** 5);
  });
});
