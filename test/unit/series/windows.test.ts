import { describe, expect, it } from 'vitest';

import { ConfigError, DataError, ShapeError } from '../../../src/errors.js';
import { dataTable, timeSeries, type SeriesOptions, type WindowData } from '../../../src/index.js';

const ramp = (length: number, from = 0) => Array.from({ length }, (_, step) => from + step);

/** Rows of x as nested arrays [N][T][C]. */
function nested({ x: { data, shape } }: WindowData): number[][][] {
  const [n, t, c] = shape as [number, number, number];
  return ramp(n).map((row) =>
    ramp(t).map((step) => [...data.subarray((row * t + step) * c, (row * t + step + 1) * c)]),
  );
}

function rows({ y: { data, shape } }: WindowData): number[][] {
  return ramp(shape[0]!).map((row) => [...data.subarray(row * shape[1]!, (row + 1) * shape[1]!)]);
}

function sameBytes(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}

function windowsOf(values: readonly number[], options: Partial<SeriesOptions>): WindowData {
  const table = dataTable({ v: values });
  return timeSeries({ lookBack: 2, targets: 'v', scaler: 'none', ...options })
    .fit(table)
    .windows(table);
}

describe('windows', () => {
  it('are the steps back and the steps ahead, target by target', () => {
    const table = dataTable({ a: [1, 2, 3, 4, 5], b: [10, 20, 30, 40, 50] });
    const series = timeSeries({ lookBack: 2, horizon: 2, targets: ['b', 'a'], scaler: 'none' }).fit(table);
    const windows = series.windows(table);
    expect(series.channels).toEqual(['b', 'a']);
    expect(nested(windows)).toEqual([
      [
        [10, 1],
        [20, 2],
      ],
      [
        [20, 2],
        [30, 3],
      ],
    ]);
    expect(rows(windows)).toEqual([
      [30, 3, 40, 4],
      [40, 4, 50, 5],
    ]);
  });

  // keras.utils.timeseries_dataset_from_array(data, targets, sequence_length, sequence_stride), from its documentation:
  // starts are 0, stride, ... below min(len(data) - length + 1, len(targets)), and target i belongs to the window at i.
  it.each([
    [20, 3, 1, 1],
    [20, 5, 2, 3],
    [17, 4, 3, 4],
    [9, 8, 1, 2],
    [30, 7, 4, 5],
  ])(
    'of %i values, %i back and %i ahead with a stride of %i are those of Keras',
    (length, lookBack, horizon, stride) => {
      const values = ramp(length).map((step) => Math.sin(step) * 10);
      const data = values.slice(0, length - horizon);
      const targets = ramp(length - lookBack - horizon + 1).map((start) =>
        values.slice(start + lookBack, start + lookBack + horizon),
      );
      const starts = ramp(Math.min(data.length - lookBack + 1, targets.length)).filter(
        (start) => start % stride === 0,
      );
      const windows = windowsOf(values, { lookBack, horizon, stride });
      const single = (list: number[]) => [...Float32Array.from(list)];
      expect(nested(windows).map((window) => window.flat())).toEqual(
        starts.map((start) => single(data.slice(start, start + lookBack))),
      );
      expect(rows(windows)).toEqual(starts.map((start) => single(targets[start]!)));
    },
  );

  it('keep several series apart, whose rows may be mixed', () => {
    const table = dataTable({ shop: ['x', 'y', 'x', 'y', 'x', 'x'], v: [1, 10, 2, 20, 3, 4] });
    const series = timeSeries({ lookBack: 2, targets: 'v', series: 'shop', scaler: 'none' }).fit(table);
    const windows = series.windows(table);
    expect(nested(windows)).toEqual([
      [[1], [2]],
      [[2], [3]],
    ]);
    expect(rows(windows)).toEqual([[3], [4]]);
  });

  it('go on over the steps ahead where columns are known, inputs being 0 there', () => {
    const table = dataTable({ v: [1, 2, 3, 4], price: [5, 6, 7, 8] });
    const series = timeSeries({ lookBack: 2, targets: 'v', known: ['price'], scaler: 'none' }).fit(table);
    expect(series.channels).toEqual(['v', 'price', 'ahead']);
    expect(series.timeSteps).toBe(3);
    expect(nested(series.windows(table))).toEqual([
      [
        [1, 5, 0],
        [2, 6, 0],
        [0, 7, 1],
      ],
      [
        [2, 6, 0],
        [3, 7, 0],
        [0, 8, 1],
      ],
    ]);
  });

  it('show the calendar of the steps ahead where the time is known', () => {
    const time = ['2024-01-01 00:00', '2024-01-01 06:00', '2024-01-01 12:00'];
    const table = dataTable({ time, v: [1, 2, 3] });
    const common = { lookBack: 2, targets: 'v', time: 'time', calendar: ['hour'], scaler: 'none' } as const;
    const past = timeSeries(common).fit(table).windows(table);
    // Sine and cosine of 0 and of a quarter round.
    expect(nested(past)[0]!.map((step) => step.map((value) => Math.round(value * 1e6) / 1e6))).toEqual([
      [1, 0, 1],
      [2, 1, 0],
    ]);
    const ahead = timeSeries({ ...common, known: ['time'] })
      .fit(table)
      .windows(table);
    expect(nested(ahead)[0]![2]![2]).toBeCloseTo(-1);
  });

  it('are what lies above the last value, or above the step before', () => {
    const values = [1, 3, 6, 10, 15];
    const last = windowsOf(values, { horizon: 2, difference: 'last' });
    expect(nested(last)).toEqual([
      [[-2], [0]],
      [[-3], [0]],
    ]);
    expect(rows(last)).toEqual([
      [3, 7],
      [4, 9],
    ]);
    const previous = windowsOf(values, { horizon: 2, difference: 'previous' });
    expect(nested(previous)).toEqual([[[2], [3]]]);
    expect(rows(previous)).toEqual([[4, 5]]);
  });

  it('come one by one as they come together', () => {
    const table = dataTable({ v: ramp(9), w: ramp(9).map((step) => step ** 2) });
    const series = timeSeries({ lookBack: 3, horizon: 2, targets: 'v', inputs: ['v', 'w'] }).fit(table);
    const examples = [...series.examples(table, { from: 4 })];
    const together = series.windows(table, { from: 4 });
    expect(examples.map(({ x }) => x.map((step) => [...step]))).toEqual(nested(together));
    expect(examples.map(({ y }) => [...y])).toEqual(rows(together));
  });
});

describe('missing values', () => {
  const gap = [1, Number.NaN, Number.NaN, 7, 8, 9];
  const firstWindow = (values: readonly number[], options: Partial<SeriesOptions>) =>
    nested(windowsOf(values, { lookBack: 4, ...options }))[0]!.flat();

  it.each([
    ['forward', [1, 1, 1, 7]],
    ['linear', [1, 3, 5, 7]],
    // (1 + 7 + 8 + 9) / 4
    ['mean', [1, 6.25, 6.25, 7]],
    [-5, [1, -5, -5, 7]],
  ] as const)('are filled by the rule %s', (missing, expected) => {
    expect(firstWindow(gap, { missing })).toEqual(expected);
  });

  it('are never filled by what comes after the window', () => {
    const windows = windowsOf([1, 3, Number.NaN, 7, 9], { lookBack: 3, missing: 'linear' });
    expect(nested(windows)).toEqual([
      [[1], [3], [3]],
      [[3], [5], [7]],
    ]);
  });

  it('are filled with the mean where nothing was seen before', () => {
    expect(firstWindow([Number.NaN, 2, 4, 6, 8], { missing: 'forward' })).toEqual([5, 2, 4, 6]);
  });

  it('are told by a mask', () => {
    expect(firstWindow(gap, { missing: 'forward', missingMask: true })).toEqual([1, 0, 1, 1, 1, 1, 7, 0]);
  });

  it('leave out the windows whose targets they are', () => {
    const windows = windowsOf([1, 2, 3, Number.NaN, 5, 6, 7], { missing: 'forward' });
    expect(rows(windows)).toEqual([[3], [5], [6], [7]]);
  });

  it('are refused by default, with their row', () => {
    expect(() => windowsOf([1, 2, Number.NaN, 4], {})).toThrow(
      "column 'v', row 2: expected a number, the rule for missing values being 'error', received NaN",
    );
  });
});

describe('a split', () => {
  const table = dataTable({ v: ramp(100) });
  const series = timeSeries({ lookBack: 5, horizon: 3, targets: 'v', scaler: 'none' });

  it('gives each part targets of its own, with a gap between them', () => {
    const { train, validation, test, places } = series.split(table, { validation: 0.2, test: 10, gap: 4 });
    expect(places).toEqual({
      train: { from: 0, to: 62 },
      validation: { from: 66, to: 86 },
      test: { from: 90, to: 100 },
    });
    const ends = (part: WindowData) => [rows(part)[0]![0], rows(part).at(-1)!.at(-1)];
    expect([train, validation!, test!].map(ends)).toEqual([
      [5, 61],
      [66, 85],
      [90, 99],
    ]);
  });

  it('lets validation look back over the training part', () => {
    const { validation } = series.split(table, { validation: 0.2 });
    expect(nested(validation!)[0]!.flat()).toEqual([75, 76, 77, 78, 79]);
  });

  it('is at one time for all series', () => {
    const time = ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04'];
    const both = dataTable({
      time: [...time, ...time.slice(2), '2024-01-05'],
      id: ['a', 'a', 'a', 'a', 'b', 'b', 'b'],
      v: [1, 2, 3, 4, 30, 40, 50],
    });
    const split = timeSeries({ lookBack: 1, targets: 'v', time: 'time', series: 'id', scaler: 'none' }).split(
      both,
      { validation: 2 },
    );
    expect(rows(split.train)).toEqual([[2], [3]]);
    expect(rows(split.validation!)).toEqual([[4], [40], [50]]);
  });

  const seasons = (step: number) => 20 + 5 * Math.sin(step / 3) + (step % 7);
  const options = {
    lookBack: 6,
    horizon: 2,
    targets: 'v',
    inputs: ['v', 'w'],
    known: ['k'],
    missing: 'linear',
    missingMask: true,
  } as const satisfies SeriesOptions;
  const columns = () => ({
    v: ramp(60).map((step) => (step % 11 === 4 ? Number.NaN : seasons(step))),
    // The gap up to the boundary: what ends it lies behind.
    w: ramp(60).map((step) => (step % 13 === 6 || (step > 35 && step < 40) ? Number.NaN : seasons(step * 2))),
    k: ramp(60).map((step) => (step % 17 === 9 ? Number.NaN : step % 5)),
  });

  it.each(
    (['standard', 'minMax', 'robust', 'log'] as const).flatMap((scaler) =>
      (['none', 'last', 'previous'] as const).map((difference) => [scaler, difference] as const),
    ),
  )('fits and trains on nothing after its boundary: scaler %s, difference %s', (scaler, difference) => {
    const chosen = timeSeries({ ...options, scaler: { v: scaler, w: scaler }, difference });
    const original = chosen.split(dataTable(columns()), { validation: 20 });
    for (const name of ['v', 'w', 'k'] as const) {
      for (let step = 40; step < 60; step++) {
        for (const value of [1e6, Number.NaN]) {
          const changed = columns();
          changed[name][step] = value;
          const { series: fitted, train } = chosen.split(dataTable(changed), { validation: 20 });
          expect(JSON.stringify(fitted)).toBe(JSON.stringify(original.series));
          expect(sameBytes(train.x.data, original.train.x.data)).toBe(true);
          expect(sameBytes(train.y.data, original.train.y.data)).toBe(true);
        }
      }
    }
    // What the loop proves is not that nothing ever changes anything.
    const before = columns();
    before.v[39] = 1e6;
    const { train } = chosen.split(dataTable(before), { validation: 20 });
    expect(sameBytes(train.y.data, original.train.y.data)).toBe(false);
  });

  // sklearn.model_selection.TimeSeriesSplit(n_splits=3, gap=2).split(range(20)): test parts of 20 // 4 rows from 5, 10
  // and 15 on, training rows up to 3, 8 and 13.
  it('into folds goes forward in time', () => {
    const short = dataTable({ v: ramp(20) });
    const folds = [...timeSeries({ lookBack: 2, targets: 'v' }).folds(short, { folds: 3, gap: 2 })];
    expect(folds.map(({ places }) => places)).toEqual([
      { train: { from: 0, to: 3 }, validation: { from: 5, to: 10 } },
      { train: { from: 0, to: 8 }, validation: { from: 10, to: 15 } },
      { train: { from: 0, to: 13 }, validation: { from: 15, to: 20 } },
    ]);
    // Means of 0, 1, 2 and of 0 to 7 and of 0 to 12.
    expect(folds.map(({ series: fitted }) => fitted.columns['v']!.mean)).toEqual([1, 3.5, 6]);
    expect(folds.map(({ train, validation }) => [train.y.shape[0], validation.y.shape[0]])).toEqual([
      [1, 5],
      [6, 5],
      [11, 5],
    ]);
    const all = () => [...series.folds(short, { folds: 4, validation: 5 })];
    expect(all).toThrow(
      'folds: expected less than 20 steps for all parts but training, and gaps, received 20',
    );
  });

  it('refuses parts that leave nothing to train on', () => {
    expect(() => series.split(table, { validation: 60, test: 40 })).toThrow(ConfigError);
    expect(() => series.split(table, { validation: 1.5 })).toThrow(
      'split.validation: expected a share from 0 to less than 1, or a whole number of steps, received 1.5',
    );
    expect(() => series.split(table, { validation: 93 })).toThrow(DataError);
  });
});

describe('what cannot be', () => {
  const table = dataTable({ v: [1, 2, 3, 4], name: ['a', 'b', 'c', 'd'] });

  it.each([
    ['an empty table', { v: [] }, {}, 'table: expected at least one row, received an empty table'],
    [
      'a window longer than the table',
      { v: [1, 2, 3] },
      { lookBack: 3 },
      'table: expected a window of 3 steps back and 1 ahead, with targets from place 0 to 3, received 3 steps',
    ],
    ['a column that is not there', { w: [1, 2, 3] }, {}, "column 'v': expected one of w"],
    ['texts for numbers', { v: ['1', '2', '3'] }, {}, "column 'v', row 0: expected a number, received '1'"],
    [
      'infinity',
      { v: [1, Infinity, 3] },
      {},
      "column 'v', row 1: expected a finite number or NaN, received Infinity",
    ],
    [
      '0 under log',
      { v: [1, 0, 3] },
      { scaler: 'log' },
      "column 'v', row 1: expected a number above 0 for the scaler 'log', received 0",
    ],
    [
      'a time that is none',
      { v: [1, 2, 3], t: ['2024-01-01', '2024-02-30', '2024-03-01'] },
      { time: 't' },
      "column 't', row 1: expected a time such as '2016-07-01 13:00:00', or milliseconds, received '2024-02-30'",
    ],
    [
      'times that fall',
      { v: [1, 2, 3], t: ['2024-01-02', '2024-01-01', '2024-03-01'] },
      { time: 't' },
      "column 't', row 1: expected times that rise, received 2024-01-01T00:00:00.000Z after 2024-01-02T00:00:00.000Z",
    ],
  ] as const)('is refused: %s', (_, columns, options, message) => {
    const series = timeSeries({ lookBack: 1, targets: 'v', ...options });
    const bad = dataTable(columns as never);
    expect(() => series.fit(bad).windows(bad)).toThrow(DataError);
    expect(() => series.fit(bad).windows(bad)).toThrow(message);
  });

  it.each([
    [{ lookBack: 0 }, 'timeSeries.lookBack: expected a whole number from 1, received 0'],
    [{ targets: [] }, 'timeSeries.targets: expected a column or an array of different columns'],
    [{ scaler: 'zscore' }, "timeSeries.scaler: expected 'standard' | 'minMax'"],
    [{ scaler: { w: 'log' } }, "timeSeries.scaler: expected columns of v, received 'w'"],
    [{ missing: { v: 'backward' } }, "timeSeries.missing.v: expected 'error' | 'forward'"],
    [{ missing: 0, scaler: 'log' }, "timeSeries.missing.v: expected a number above 0 for the scaler 'log'"],
    [{ known: ['v'] }, "timeSeries.known: expected columns that are no inputs, received 'v'"],
    [{ calendar: ['hour'] }, 'timeSeries.time: expected the column that the calendar is read from'],
    [{ calendar: ['minute'] }, 'timeSeries.calendar[0]'],
    [{ horizons: 2 }, "did you mean 'horizon'?"],
  ])('is refused: the options %j', (options, message) => {
    const call = () => timeSeries({ lookBack: 1, targets: 'v', ...options } as SeriesOptions);
    expect(call).toThrow(ConfigError);
    expect(call).toThrow(message);
  });

  it.each([
    [null, 'table: expected a table: dataTable({ name: column, ... }), received null'],
    [{ columns: 5, rows: 1 }, 'table: expected a table'],
    [{ columns: { v: [1, 2] }, rows: 3 }, 'table: expected 2 rows, as its columns have, received 3'],
    [{ columns: { v: [1, 2], w: [1] }, rows: 2 }, "column 'w': expected 2 rows, received 1"],
    [{ columns: { v: 'abc' }, rows: 3 }, "column 'v': expected a list of numbers or texts, received 'abc'"],
  ])('is refused: the table %j', (value, message) => {
    const fit = () => timeSeries({ lookBack: 1, targets: 'v' }).fit(value as never);
    expect(fit).toThrow(ShapeError);
    expect(fit).toThrow(message);
  });

  it('is refused: a place that is none', () => {
    const series = timeSeries({ lookBack: 1, targets: 'v' }).fit(table);
    expect(() => series.windows(table, { from: 5 })).toThrow('from: expected a step from 0 to 4, received 5');
    expect(() => series.windows(table, { to: '2024-01-01' })).toThrow(
      'to: expected a step: there is no time',
    );
  });
});
