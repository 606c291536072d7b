import { describe, expect, it } from 'vitest';

import { randomLengths, type LengthDraw } from '../../../src/data/randomLengths.js';

const drawn = (count: number, draw: LengthDraw): number[] => {
  const lengths = randomLengths(draw);
  return Array.from({ length: count }, () => lengths.next().value);
};

describe('randomLengths', () => {
  // Philox4x32-10 and the two normal distributions written anew in Python from their equations (whole numbers and `math`).
  it.each<[LengthDraw, number[]]>([
    [
      { timeSteps: 70, seed: 1, epoch: 0 },
      [66, 69, 76, 62, 73, 72, 73, 66, 69, 75, 70, 65, 83, 71, 71, 68, 71, 75, 65, 80],
    ],
    [
      { timeSteps: 70, seed: 1, epoch: 1 },
      [72, 70, 61, 72, 76, 63, 76, 66, 70, 77, 65, 74, 34, 63, 60, 73, 69, 68, 53, 36],
    ],
    [{ timeSteps: 70, seed: 2 ** 33 + 5, epoch: 0 }, [68, 60, 76, 72, 74, 64, 65, 70]],
    [{ timeSteps: 8, seed: 1, epoch: 0 }, [5, 7, 14, 5, 11, 10, 11, 5, 7, 13, 8, 5, 21, 9]],
  ])('are those of the equations for %o', (draw, expected) => {
    expect(drawn(expected.length, draw)).toEqual(expected);
  });

  // Cutting off to whole numbers takes 1/2 from the mean and adds 1/12 to the variance.
  // 150 is 10 deviations from both means.
  it('are normal around T, and around T / 2 one time in twenty', () => {
    const lengths = drawn(200_000, { timeSteps: 200, seed: 3, epoch: 0 });
    const upper = lengths.filter((length) => length > 150);
    const lower = lengths.filter((length) => length <= 150);
    expect(lower.length / lengths.length).toBeCloseTo(0.05, 2);
    for (const [part, mean] of [
      [upper, 199.5],
      [lower, 99.5],
    ] as const) {
      const own = part.reduce((sum, length) => sum + length, 0) / part.length;
      const variance = part.reduce((sum, length) => sum + (length - own) ** 2, 0) / part.length;
      // Four standard errors.
      expect(Math.abs(own - mean)).toBeLessThan((4 * 5) / Math.sqrt(part.length));
      expect(Math.abs(variance - 25 - 1 / 12)).toBeLessThan(4 * 25 * Math.sqrt(2 / part.length));
    }
  });

  it('are at least 5 and at most T + 33', () => {
    const lengths = drawn(200_000, { timeSteps: 6, seed: 4, epoch: 7 });
    expect(Math.min(...lengths.slice(0, 1000))).toBe(5);
    expect(lengths.every((length) => Number.isInteger(length) && length >= 5 && length <= 39)).toBe(true);
  });
});
