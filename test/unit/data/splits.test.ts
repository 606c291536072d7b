import { describe, expect, it } from 'vitest';

import {
  ConfigError,
  DataError,
  kFold,
  type KFoldOptions,
  selectRows,
  ShapeError,
  split,
  type Split,
  type SplitOptions,
} from '../../../src/index.js';

const labels = Int32Array.from({ length: 100 }, (_, row) => (row < 60 ? 0 : row < 90 ? 1 : 2));
const groups = Array.from({ length: 100 }, (_, row) => `speaker ${row % 9}`);
const all = (count: number) => Array.from({ length: count }, (_, row) => row);
const rowsOf = ({ train, validation, test }: Split) => [...train, ...validation, ...test];
const ascending = (rows: readonly number[]) => rows.toSorted((a, b) => a - b);

const everySplit: readonly SplitOptions[] = [
  { by: 'tail', validation: 0.2, test: 0.1 },
  { by: 'random', validation: 0.2, test: 0.1, seed: 4 },
  { by: 'stratified', validation: 0.2, test: 0.1, seed: 4, labels },
  { by: 'group', validation: 0.2, test: 0.1, seed: 4, groups },
  { by: 'time', validation: 0.2, test: 0.1 },
];

describe('split', () => {
  it.each(everySplit)('puts every row into exactly one part: $by', (options) => {
    expect(ascending(rowsOf(split(100, options)))).toEqual(all(100));
  });

  it.each(everySplit)('gives the same parts for the same seed: $by', (options) => {
    expect(split(100, options)).toEqual(split(100, options));
  });

  it.each(['random', 'stratified', 'group'] as const)('gives other parts for another seed: %s', (by) => {
    const options = everySplit.find((one) => one.by === by)!;
    expect(split(100, { ...options, seed: 5 } as SplitOptions)).not.toEqual(split(100, options));
  });

  it('takes shares rounded up, and numbers of rows as they are', () => {
    const sizes = (validation: number, test: number) => {
      const parts = split(100, { by: 'random', validation, test });
      return [parts.train.length, parts.validation.length, parts.test.length];
    };
    // 0.07 * 100 is 7.000000000000001 in float64.
    expect(sizes(0.07, 0.001)).toEqual([92, 7, 1]);
    expect(sizes(20, 0)).toEqual([80, 20, 0]);
    expect(sizes(1, 98)).toEqual([1, 1, 98]);
  });

  it('keeps the order of rows for the tail: train, validation, test', () => {
    const { train, validation, test } = split(10, { by: 'tail', validation: 0.2, test: 0.3 });
    expect([[...train], [...validation], [...test]]).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6],
      [7, 8, 9],
    ]);
  });

  it("keeps each class's share in every part", () => {
    const { train, validation, test } = split({ x: all(100), y: labels }, everySplit[2]!);
    const counts = (rows: Uint32Array) =>
      [0, 1, 2].map((name) => rows.filter((row) => labels[row] === name).length);
    // 60, 30 and 10 rows: a tenth, a fifth and seven tenths of them.
    expect([counts(train), counts(validation), counts(test)]).toEqual([
      [42, 21, 7],
      [12, 6, 2],
      [6, 3, 1],
    ]);
  });

  it('takes the classes from y, also from a tensor, or from labels of any text', () => {
    const options = { by: 'stratified', validation: 0.2 } as const;
    const wanted = split({ x: all(100), y: labels }, options);
    expect(split({ x: all(100), y: { data: labels, shape: [100] } }, options)).toEqual(wanted);
    const words = Array.from(labels, (label) => ['a', 'b', 'c'][label]!);
    expect(split(100, { ...options, labels: words })).toEqual(wanted);
  });

  it('keeps the rows of a group together', () => {
    const parts = split(100, everySplit[3]!);
    const sets = [parts.train, parts.validation, parts.test].map(
      (rows) => new Set([...rows].map((row) => groups[row])),
    );
    expect(sets.map((set) => set.size)).toEqual([6, 2, 1]);
    expect(new Set(sets.flatMap((set) => [...set])).size).toBe(9);
  });

  it('leaves a gap between the parts of time', () => {
    const { train, validation, test } = split(20, { by: 'time', validation: 4, test: 3, gap: 2 });
    expect([train.length, [...validation], [...test]]).toEqual([9, [11, 12, 13, 14], [17, 18, 19]]);
  });

  it('sorts by times, and trains on nothing as late as what it validates', () => {
    const times = [5, 1, 3, 3, 2, 9];
    const { train, validation } = split(6, { by: 'time', validation: 3, times });
    // In the order of time: rows 1, 4, 2, 3, 0, 5. Row 2 is as late as row 3.
    expect([[...train], [...validation]]).toEqual([
      [1, 4],
      [3, 0, 5],
    ]);
  });

  it.each<[string, () => unknown, new (...parts: never[]) => Error, RegExp]>([
    ['an unknown way', () => split(9, { by: 'grup' } as never), ConfigError, /did you mean 'group'/],
    [
      'a setting of another way',
      () => split(9, { by: 'random', validation: 2, gap: 1 } as never),
      ConfigError,
      /'gap'/,
    ],
    ['a share of 0', () => split(9, { by: 'tail', validation: 0 }), ConfigError, /validation/],
    [
      'a share that is NaN',
      () => split(9, { by: 'tail', validation: Number.NaN }),
      ConfigError,
      /validation/,
    ],
    ['no groups', () => split(9, { by: 'group', validation: 0.5 } as never), ConfigError, /groups/],
    ['no rows', () => split(0, { by: 'tail', validation: 0.5 }), DataError, /at least one row/],
    ['more rows than row numbers', () => split(2 ** 32, { by: 'tail', validation: 0.5 }), DataError, /data/],
    [
      'something that is no data',
      () => split({} as never, { by: 'tail', validation: 0.5 }),
      DataError,
      /data/,
    ],
    ['nothing to train on', () => split(2, { by: 'tail', validation: 2 }), DataError, /received 2 rows/],
    [
      'a gap as long as the data',
      () => split(9, { by: 'time', validation: 2, gap: 7 }),
      DataError,
      /received 9 rows/,
    ],
    [
      'one group',
      () => split(2, { by: 'group', validation: 0.5, groups: [1, 1] }),
      DataError,
      /received 1 groups/,
    ],
    [
      'labels of other rows',
      () => split(3, { by: 'stratified', validation: 1, labels: [0] }),
      ShapeError,
      /3 rows/,
    ],
    ['no labels', () => split(3, { by: 'stratified', validation: 1 }), ConfigError, /labels/],
    [
      'targets that are no classes',
      () => split({ x: [1, 2], y: [[1], [2]] }, { by: 'stratified', validation: 1 }),
      ConfigError,
      /labels/,
    ],
    [
      'a class with one row',
      () => split(5, { by: 'stratified', validation: 2, labels: [0, 0, 1, 0, 0] }),
      DataError,
      /class 1: .* received 1/,
    ],
    [
      'a part smaller than the number of classes',
      () => split(6, { by: 'stratified', validation: 1, labels: [0, 0, 1, 1, 0, 0] }),
      DataError,
      /2 rows in each part/,
    ],
    [
      'an empty name of a group',
      () => split(2, { by: 'group', validation: 1, groups: ['a', ''] }),
      DataError,
      /groups row 1/,
    ],
    [
      'a group that is NaN',
      () => split(2, { by: 'group', validation: 1, groups: [1, Number.NaN] }),
      DataError,
      /groups row 1/,
    ],
    [
      'times that are not finite',
      () => split(2, { by: 'time', validation: 1, times: [1, Infinity] }),
      DataError,
      /times row 1/,
    ],
    [
      'one time for all',
      () => split(3, { by: 'time', validation: 1, times: [1, 1, 1] }),
      DataError,
      /same time/,
    ],
  ])('refuses %s', (_, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('kFold', () => {
  const everyKind: readonly KFoldOptions[] = [
    { kind: 'plain', folds: 7, seed: 1 },
    { kind: 'stratified', folds: 7, seed: 1, labels },
    { kind: 'grouped', folds: 7, seed: 1, groups },
  ];

  it.each(everyKind)('validates every row exactly once, and trains on all others: $kind', (options) => {
    const folds = kFold(100, options);
    expect(folds).toHaveLength(7);
    expect(ascending(folds.flatMap(({ validation }) => [...validation]))).toEqual(all(100));
    for (const { train, validation } of folds) {
      expect(ascending([...train, ...validation])).toEqual(all(100));
    }
  });

  it.each(everyKind)('gives the same folds for the same seed, others for another: $kind', (options) => {
    expect(kFold(100, options)).toEqual(kFold(100, options));
    expect(kFold(100, { ...options, seed: 2 } as KFoldOptions)).not.toEqual(kFold(100, options));
  });

  it('keeps the rows of a group in one fold', () => {
    const folds = kFold(100, everyKind[2]!);
    const names = folds.map(({ validation }) => new Set([...validation].map((row) => groups[row])));
    expect(names.reduce((sum, set) => sum + set.size, 0)).toBe(9);
  });

  it('never trains on what comes later than, or with, what it validates', () => {
    const times = Array.from({ length: 40 }, (_, row) => Math.floor(((row * 7) % 40) / 3));
    for (const { train, validation } of kFold(40, { kind: 'forward', folds: 4, times, gap: 1 })) {
      const latest = Math.max(...[...train].map((row) => times[row]!));
      expect(Math.min(...[...validation].map((row) => times[row]!))).toBeGreaterThan(latest);
    }
  });

  it.each<[string, () => unknown, new (...parts: never[]) => Error, RegExp]>([
    ['one fold', () => kFold(9, { kind: 'plain', folds: 1 }), ConfigError, /folds/],
    ['fewer rows than folds', () => kFold(3, { kind: 'plain', folds: 4 }), DataError, /at least 4 rows/],
    [
      'a class with fewer rows than folds',
      () => kFold(5, { kind: 'stratified', folds: 2, labels: ['a', 'a', 'b', 'a', 'a'] }),
      DataError,
      /class "b": .* received 1/,
    ],
    [
      'fewer groups than folds',
      () => kFold(4, { kind: 'grouped', folds: 3, groups: [1, 2, 1, 2] }),
      DataError,
      /at least 3 groups/,
    ],
    [
      'folds longer than the data',
      () => kFold(10, { kind: 'forward', folds: 3, validation: 3, gap: 1 }),
      DataError,
      /received 10 rows/,
    ],
    [
      'a shuffle of time',
      () => kFold(10, { kind: 'forward', folds: 3, shuffle: true } as never),
      ConfigError,
      /shuffle/,
    ],
  ])('refuses %s', (_, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe('selectRows', () => {
  it('takes rows of tensors, typed arrays and nested arrays, in the order they are named', () => {
    const x = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2, 1] };
    const data = selectRows(
      { x, y: Int32Array.of(7, 8, 9), seqLengths: [1, 2, 1], sampleWeights: undefined },
      [2, 0],
    );
    expect(data.x).toEqual({ data: Float32Array.of(5, 6, 1, 2), shape: [2, 2, 1] });
    expect(data.y).toEqual(Int32Array.of(9, 7));
    expect(data.seqLengths).toEqual([1, 1]);
  });

  it('takes ragged rows as they are', () => {
    const x = [[1, 2, 3], [4], [5, 6]];
    const data = selectRows({ x, y: [0, 1, 0] }, Uint32Array.of(1, 1));
    expect(data).toEqual({ x: [[4], [4]], y: [1, 1] });
    expect(data.x[0]).toBe(x[1]);
  });

  it('takes the rows of each of several targets', () => {
    const y = { kind: [0, 1, 2], value: { data: Float64Array.of(1, 2, 3), shape: [3, 1] } };
    expect(selectRows({ x: [[1], [2], [3]], y }, [1]).y).toEqual({
      kind: [1],
      value: { data: Float64Array.of(2), shape: [1, 1] },
    });
  });

  it('copies: the data stays as it was', () => {
    const x = { data: Float32Array.of(1, 2), shape: [2, 1] };
    selectRows({ x }, [0, 1]).x.data[0] = 9;
    expect(x.data[0]).toBe(1);
  });

  it.each([[3], [-1], [0.5], [Number.NaN]])('refuses row %s', (row) => {
    expect(() => selectRows({ x: [[1], [2], [3]] }, [row])).toThrow(DataError);
  });

  it('refuses targets of other rows', () => {
    expect(() => selectRows({ x: [[1], [2]], y: [1] }, [0])).toThrow(ShapeError);
    expect(() => selectRows({ x: [[1], [2]], y: 'ab' }, [0])).toThrow(ShapeError);
  });
});
