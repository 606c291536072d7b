import { describe, expect, it } from 'vitest';

import { permutation } from '../../../src/data/shuffle.js';
import {
  batchOrder,
  type BatchOrderOptions,
  ConfigError,
  DataError,
  paddingShare,
  ShapeError,
} from '../../../src/index.js';
import { logNormalLengths, naturalLengths } from '../../support/lengthSpreads.js';

const base = { batchSize: 64, shuffle: true, seed: 5, epoch: 0 } as const;

function order(lengths: ArrayLike<number>, options: Partial<BatchOrderOptions>, labels?: ArrayLike<number>) {
  return batchOrder(lengths, labels, { ...base, ...options }).map((batch) => [...batch]);
}

const ascending = (rows: readonly number[]) => rows.toSorted((a, b) => a - b);
const all = (count: number) => Array.from({ length: count }, (_, row) => row);
const ten = new Int32Array(10).fill(3);

describe('batchOrder', () => {
  it('is the permutation of seed and epoch, cut into batches', () => {
    const rows = [...permutation(10, 5, 2)];
    expect(order(ten, { batchSize: 4, epoch: 2 })).toEqual([
      rows.slice(0, 4),
      rows.slice(4, 8),
      rows.slice(8),
    ]);
  });

  it('keeps the order of the rows without shuffle', () => {
    expect(order(ten, { batchSize: 4, shuffle: false })).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(order(ten, { batchSize: 4, shuffle: false, dropLast: true })).toHaveLength(2);
  });

  it.each([
    { bucketByLength: true },
    { bucketByLength: true, dropLast: true },
    { sampling: 'balanced' as const },
    { sampling: 'balanced' as const, bucketByLength: true },
  ])('is the same for the same arguments and another in each epoch and seed: %o', (options) => {
    const lengths = logNormalLengths(300, 3, 0.6);
    const labels = lengths.map((_, row) => row % 7);
    const first = order(lengths, options, labels);
    expect(order(lengths, options, labels)).toEqual(first);
    expect(order(lengths, { ...options, epoch: 1 }, labels)).not.toEqual(first);
    expect(order(lengths, { ...options, seed: 6 }, labels)).not.toEqual(first);
  });

  it.each([
    ['no rows', [], {}, DataError],
    ['a batch size of 0', ten, { batchSize: 0 }, ConfigError],
    ['dropLast with fewer rows than a batch', ten, { dropLast: true }, ConfigError],
    ['balanced sampling without labels', ten, { sampling: 'balanced' as const }, ConfigError],
  ])('refuses %s', (_, lengths, options, error) => {
    expect(() => order(lengths, options)).toThrow(error);
  });

  it('refuses balanced sampling without shuffle, and labels of other rows', () => {
    expect(() => order(ten, { sampling: 'balanced', shuffle: false }, ten)).toThrow(ConfigError);
    expect(() => order(ten, { sampling: 'balanced' }, [0, 1])).toThrow(ShapeError);
  });
});

describe('bucketByLength', () => {
  it.each(['trec', 'sst2', 'logNormal'] as const)(
    'pads at most a twentieth of the slots at batch 64: %s',
    (name) => {
      const lengths = name === 'logNormal' ? logNormalLengths(8000, 4, 0.5) : naturalLengths(name);
      expect(paddingShare(lengths, batchOrder(lengths, undefined, base))).toBeGreaterThan(0.4);
      for (const epoch of [0, 1, 2]) {
        const batches = batchOrder(lengths, undefined, { ...base, epoch, bucketByLength: true });
        expect(paddingShare(lengths, batches)).toBeLessThan(0.05);
      }
    },
  );

  it('gives every row exactly once, the short batch last', () => {
    const lengths = naturalLengths('trec');
    const batches = order(lengths, { bucketByLength: true });
    expect(ascending(batches.flat())).toEqual(all(lengths.length));
    expect(batches.map((batch) => batch.length)).toEqual([...new Array<number>(85).fill(64), 5452 - 85 * 64]);
  });

  it('leaves out random rows with dropLast, not always the longest', () => {
    const lengths = Int32Array.from({ length: 100 }, (_, row) => row + 1);
    const left = all(40).map((epoch) => {
      const rows = new Set(
        order(lengths, { batchSize: 33, epoch, bucketByLength: true, dropLast: true }).flat(),
      );
      expect(rows.size).toBe(99);
      return all(100).find((row) => !rows.has(row))!;
    });
    expect(new Set(left).size).toBeGreaterThan(20);
    expect(Math.min(...left)).toBeLessThan(30);
    expect(Math.max(...left)).toBeGreaterThan(70);
  });

  it('shuffles the batches: long and short ones come in no order of length', () => {
    const lengths = logNormalLengths(64 * 50, 4, 0.7);
    const longest = order(lengths, { bucketByLength: true }).map((rows) =>
      Math.max(...rows.map((row) => lengths[row]!)),
    );
    const rises = longest.filter((length, k) => k > 0 && length > longest[k - 1]!).length;
    expect(rises).toBeGreaterThan(15);
    expect(rises).toBeLessThan(35);
  });

  it('mixes rows of one length, and of nearly one, anew each epoch', () => {
    const together = (lengths: Int32Array, epoch: number) =>
      order(lengths, { batchSize: 10, epoch, bucketByLength: true })
        .find((rows) => rows.includes(0))!
        .toSorted((a, b) => a - b);
    const equal = new Int32Array(1000).fill(20);
    expect(together(equal, 0)).not.toEqual(together(equal, 1));
    const distinct = Int32Array.from(equal, (_, row) => 3000 + row);
    expect(together(distinct, 0)).not.toEqual(together(distinct, 1));
  });

  it('goes from short to long without shuffle', () => {
    expect(order([5, 1, 4, 2, 4], { batchSize: 2, shuffle: false, bucketByLength: true })).toEqual([
      [1, 3],
      [2, 4],
      [0],
    ]);
  });
});

describe('balanced sampling', () => {
  const labels = Int32Array.from({ length: 200 }, (_, row) => (row < 150 ? 0 : row < 190 ? 1 : 7));
  const lengths = new Int32Array(200).fill(2);
  const batches = order(lengths, { batchSize: 30, sampling: 'balanced' }, labels);
  const classes = (rows: readonly number[]) =>
    [0, 1, 7].map((name) => rows.filter((row) => labels[row] === name).length);

  it('draws as many rows as there are, each class equally often', () => {
    expect(batches.flat()).toHaveLength(200);
    expect(classes(batches.flat()).every((count) => count === 66 || count === 67)).toBe(true);
  });

  it('balances every batch', () => {
    for (const batch of batches.slice(0, -1)) expect(classes(batch)).toEqual([10, 10, 10]);
  });

  it("goes through all of a class's rows before one comes again", () => {
    const timesOf = (name: number) => {
      const rows = batches.flat().filter((row) => labels[row] === name);
      return all(200)
        .filter((row) => labels[row] === name)
        .map((row) => rows.filter((other) => other === row).length);
    };
    expect(Math.max(...timesOf(0))).toBe(1);
    expect(new Set(timesOf(1))).toEqual(new Set([1, 2]));
    expect(new Set(timesOf(7))).toEqual(new Set([6, 7]));
  });

  it('takes other rows of a large class in another epoch', () => {
    const ofLarge = (epoch: number) =>
      ascending(
        order(lengths, { epoch, sampling: 'balanced' }, labels)
          .flat()
          .filter((row) => labels[row] === 0),
      );
    expect(ofLarge(0)).not.toEqual(ofLarge(1));
  });

  it('buckets what it has drawn', () => {
    const spread = logNormalLengths(200, 3, 0.8);
    const natural = order(spread, { batchSize: 10, sampling: 'balanced' }, labels);
    const bucketed = order(spread, { batchSize: 10, sampling: 'balanced', bucketByLength: true }, labels);
    expect(ascending(bucketed.flat())).toEqual(ascending(natural.flat()));
    expect(paddingShare(spread, bucketed)).toBeLessThan(paddingShare(spread, natural) / 2);
  });
});

describe('paddingShare', () => {
  it('is the share of the slots that no step fills', () => {
    // Batches of 2 x 4 and 1 x 2 slots with 4 + 1 and 2 steps: 3 of 10 are padding.
    expect(paddingShare([4, 2, 1], [[0, 2], [1]])).toBeCloseTo(0.3, 12);
    expect(paddingShare([4, 2, 1], [[0], [1], [2]])).toBe(0);
    expect(paddingShare([], [])).toBe(0);
  });

  it('refuses rows that are not there', () => {
    expect(() => paddingShare([4], [[1]])).toThrow(DataError);
  });
});
