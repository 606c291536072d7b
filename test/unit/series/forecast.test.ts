import { describe, expect, it } from 'vitest';

import { CheckpointError, ConfigError, DataError, ShapeError } from '../../../src/errors.js';
import {
  dataTable,
  forecast,
  gaussianNll,
  leastSquares,
  mse,
  quantile,
  seasonalNaive,
  seriesFromJSON,
  timeSeries,
  type FittedSeries,
  type ForecastModel,
  type Loss,
} from '../../../src/index.js';

const ramp = (length: number) => Array.from({ length }, (_, step) => step);
const values = ramp(40).map((step) => 30 + step + 8 * Math.sin(step));
const table = dataTable({ a: values, b: values.map((value) => value ** 2) });

/** Gives the same channels for each target of every window, or what `outputs` says of the window. */
function constantModel(
  series: FittedSeries,
  channels: readonly number[],
  loss?: Loss,
): ForecastModel & { calls: number } {
  const row = ramp(series.outputSize).flatMap(() => channels);
  return {
    series,
    loss,
    calls: 0,
    predict({ shape }) {
      this.calls += 1;
      const data = Float32Array.from(ramp(shape[0]!).flatMap(() => row));
      return Promise.resolve({ y: { data, shape: [shape[0]!, row.length] } });
    },
  };
}

describe('forecast', () => {
  it.each(
    (['standard', 'minMax', 'robust', 'log', 'none'] as const).flatMap((scaler) =>
      (['none', 'last', 'previous'] as const).map((difference) => [scaler, difference] as const),
    ),
  )(
    'undoes scaler %s with difference %s: the targets themselves give the table',
    async (scaler, difference) => {
      const series = timeSeries({ lookBack: 4, horizon: 3, targets: ['a', 'b'], scaler, difference }).fit(
        table,
        {
          to: 30,
        },
      );
      const { y: targets } = series.windows(table, { from: 25 });
      const oracle: ForecastModel = { series, predict: () => Promise.resolve({ y: targets }) };
      const { y, actual, rows } = await forecast(oracle, table, { from: 25 });
      expect(y.shape).toEqual([13, 3, 2]);
      expect([...rows]).toEqual(ramp(13).map((n) => 24 + n));
      expect(actual.data.subarray(0, 4)).toEqual(
        Float64Array.of(values[25]!, values[25]! ** 2, values[26]!, values[26]! ** 2),
      );
      // Targets are single precision: 6e-8 of what a scaled value can be, over three steps.
      y.data.forEach((value, at) => expect(Math.abs(value / actual.data[at]! - 1)).toBeLessThan(1e-5));
    },
  );

  it('is, of values relative to the last one, that many spreads above it', async () => {
    // Mean 2, population standard deviation 1.
    const small = dataTable({ v: [1, 3, 1, 3, 1, 3] });
    const of = (difference: 'none' | 'last' | 'previous', scaler: 'standard' | 'log' = 'standard') =>
      timeSeries({ lookBack: 2, horizon: 2, targets: 'v', difference, scaler }).fit(small);
    const point = async (series: FittedSeries) =>
      [...(await forecast(constantModel(series, [0.5]), small)).y.data].map((value) =>
        Number(value.toFixed(6)),
      );
    expect(await point(of('none'))).toEqual([2.5, 2.5]);
    expect(await point(of('last'))).toEqual([3.5, 3.5]);
    // Differences 2, -2, 2, -2, 2: mean 0.4, squares 4 · 5, standard deviation √(4 - 0.16).
    const step = 0.4 + 0.5 * Math.sqrt(3.84);
    expect(await point(of('previous'))).toEqual([3 + step, 3 + 2 * step].map((v) => Number(v.toFixed(6))));
    // Logarithms 0 and ln 3: mean and standard deviation are half of ln 3.
    expect(await point(of('none', 'log'))).toEqual([3 ** 0.75, 3 ** 0.75].map((v) => Number(v.toFixed(6))));
  });

  it('starts after the last row, once a series', async () => {
    const two = dataTable({ id: [1, 1, 1, 2, 2, 2], v: [1, 2, 3, 10, 20, 30] });
    const series = timeSeries({ lookBack: 2, targets: 'v', series: 'id', difference: 'last' }).fit(two);
    const { y, actual, rows, ids } = await forecast(constantModel(series, [0]), two);
    expect([...y.data]).toEqual([3, 30]);
    expect([...actual.data]).toEqual([Number.NaN, Number.NaN]);
    expect([[...rows], ids]).toEqual([
      [2, 5],
      ['1', '2'],
    ]);
  });

  it('starts before the steps whose known columns the table gives', async () => {
    const known = dataTable({ v: [1, 2, 3, Number.NaN, Number.NaN], price: [4, 5, 6, 7, 8] });
    const series = timeSeries({
      lookBack: 2,
      horizon: 2,
      targets: 'v',
      known: ['price'],
      scaler: 'none',
    }).fit(known, { to: 3 });
    let seen: number[] = [];
    const model: ForecastModel = {
      predict(x) {
        seen = [...x.data];
        return Promise.resolve({ y: { data: Float32Array.of(4, 5), shape: [1, 2] } });
      },
    };
    const { y, rows } = await forecast(model, known, { series });
    expect(seen).toEqual([2, 5, 0, 3, 6, 0, 0, 7, 1, 0, 8, 1]);
    expect([[...y.data], [...rows]]).toEqual([[4, 5], [2]]);
  });

  it('gives the quantiles of a quantile model, the middle one as the forecast', async () => {
    const series = timeSeries({ lookBack: 2, horizon: 2, targets: ['a', 'b'], scaler: 'minMax' }).fit(table);
    const loss = quantile({ quantiles: [0.1, 0.4, 0.9] });
    const result = await forecast(constantModel(series, [0, 0.5, 1], loss), table);
    const ends = [Math.min(...values), Math.max(...values)] as const;
    expect(result.levels).toEqual([0.1, 0.4, 0.9]);
    expect(result.quantiles!.shape).toEqual([1, 2, 2, 3]);
    expect(result.quantiles!.data[0]).toBeCloseTo(ends[0]);
    expect(result.quantiles!.data[2]).toBeCloseTo(ends[1]);
    expect(result.quantiles!.data[5]).toBeCloseTo(ends[1] ** 2);
    expect(result.y.data[0]).toBeCloseTo((ends[0] + ends[1]) / 2);
  });

  it('gives the quantiles of a normal distribution in the units of the table', async () => {
    const series = timeSeries({ lookBack: 2, targets: 'a', scaler: 'log' }).fit(table);
    const { center, scale } = series.columns['a']!.scaler;
    // Variance e^(2 ln 0.3), so standard deviation 0.3.
    const model = constantModel(series, [0.2, 2 * Math.log(0.3)], gaussianNll());
    const { y, quantiles, levels } = await forecast(model, table, { levels: [0.025, 0.5, 0.975] });
    expect(levels).toEqual([0.025, 0.5, 0.975]);
    // The normal distribution's 97.5 % quantile is 1.959964.
    const expected = [-1.959964, 0, 1.959964].map((z) => Math.exp(center + scale * (0.2 + 0.3 * z)));
    expected.forEach((value, q) => expect(quantiles!.data[q]! / value).toBeCloseTo(1, 5));
    expect(y.data[0]).toBe(quantiles!.data[1]);
  });

  it('refuses spreads of sums, which are not known', async () => {
    const series = timeSeries({ lookBack: 2, horizon: 2, targets: 'a', difference: 'previous' }).fit(table);
    await expect(forecast(constantModel(series, [0, 0], gaussianNll()), table)).rejects.toThrow(ConfigError);
    await expect(forecast(constantModel(series, [0], mse()), table)).resolves.toBeDefined();
  });

  it('refuses a model without a series, or with other outputs', async () => {
    const series = timeSeries({ lookBack: 2, targets: 'a' }).fit(table);
    const bare: ForecastModel = { predict: constantModel(series, [1]).predict };
    await expect(forecast(bare, table)).rejects.toThrow('sequential(layers, { series })');
    await expect(forecast(constantModel(series, [0, 0]), table)).rejects.toThrow(ShapeError);
    await expect(forecast(constantModel(series, [0], gaussianNll()), table)).rejects.toThrow('[N, 2]');
    const short = dataTable({ a: [1], b: [1] });
    await expect(forecast(constantModel(series, [0]), short)).rejects.toThrow(DataError);
  });
});

describe('a fitted series', () => {
  const series = timeSeries({
    lookBack: 3,
    targets: 'a',
    known: ['b'],
    scaler: { a: 'log' },
    missing: { b: 0 },
  }).fit(table);

  it('comes back from its JSON as it was', () => {
    const back = seriesFromJSON(JSON.parse(JSON.stringify(series)));
    expect(back).toEqual(series);
    expect(back.windows(table)).toEqual(series.windows(table));
    expect(Object.isFrozen(back.options.targets)).toBe(true);
  });

  it('of a newer version is refused as such', () => {
    const newer = { ...series.toJSON(), version: 2, seasons: [] };
    expect(() => seriesFromJSON(newer)).toThrow(CheckpointError);
    expect(() => seriesFromJSON(newer)).toThrow(
      'series: expected version 1 or earlier, received version 2, of a newer version of this package',
    );
  });

  it.each([
    ['nothing', null],
    ['an option too many', { ...series.toJSON(), options: { ...series.options, colour: 1 } }],
    [
      'a scale of 0',
      {
        ...series.toJSON(),
        columns: { ...series.columns, a: { mean: 0, scaler: { kind: 'log', center: 0, scale: 0 } } },
      },
    ],
    ['a column without statistics', { ...series.toJSON(), columns: { a: series.columns['a'] } }],
    ['a known target', { ...series.toJSON(), options: { ...series.options, known: ['a'] } }],
  ])('is not read from %s', (_, json) => {
    expect(() => seriesFromJSON(json)).toThrow(CheckpointError);
  });
});

describe('seasonalNaive', () => {
  const weekly = dataTable({ v: [1, 2, 3, 4, 5, 6] });
  const of = (horizon: number) => timeSeries({ lookBack: 2, horizon, targets: 'v' }).fit(weekly);

  it('repeats the last season', () => {
    const { y } = seasonalNaive(of(5), weekly, { season: 3 });
    expect([...y.data]).toEqual([4, 5, 6, 4, 5]);
    expect([...seasonalNaive(of(2), weekly).y.data]).toEqual([6, 6]);
  });

  it('forecasts the windows of a range from what came before each', () => {
    const { y, actual } = seasonalNaive(of(2), weekly, { season: 2, from: 3 });
    expect([...y.data]).toEqual([2, 3, 3, 4]);
    expect([...actual.data]).toEqual([4, 5, 5, 6]);
  });

  it('goes a season further back for a missing value, and says where there is none', () => {
    const gaps = dataTable({ v: [1, 2, 3, Number.NaN, 5, 6] });
    const series = timeSeries({ lookBack: 2, targets: 'v', missing: 'forward' }).fit(gaps);
    expect([...seasonalNaive(series, gaps, { season: 3 }).y.data]).toEqual([1]);
    expect(() => seasonalNaive(series, gaps, { season: 7 })).toThrow(DataError);
    expect(() => seasonalNaive(series, gaps, { season: 0 })).toThrow(ConfigError);
  });
});

describe('leastSquares', () => {
  it('finds the weights of a sum, and forecasts with them', async () => {
    // v(t + 1) = 0.5 v(t) - 0.3 v(t - 1) + 2 from 4 and 1 on: no noise, so the weights are exact.
    const series = [4, 1];
    while (series.length < 30) series.push(0.5 * series.at(-1)! - 0.3 * series.at(-2)! + 2);
    const own = dataTable({ v: series });
    const { series: fitted, train } = timeSeries({ lookBack: 2, targets: 'v', scaler: 'none' }).split(own, {
      validation: 18,
    });
    const linear = leastSquares(train, { series: fitted, ridge: 0 });
    const { y } = await linear.predict({ data: Float32Array.of(10, 20, 0, 0), shape: [2, 2, 1] });
    expect(y.data[0]).toBeCloseTo(0.5 * 20 - 0.3 * 10 + 2, 4);
    expect(y.data[1]).toBeCloseTo(2, 4);
    const result = await forecast(linear, own, { from: 20 });
    result.y.data.forEach((value, at) => expect(value).toBeCloseTo(result.actual.data[at]!, 5));
  });

  it('shrinks the weights but not the intercept', async () => {
    // x = -1, 0, 1 and y = 9, 10, 11: the slope is Σxy / (Σx² + λN) = 2 / (2 + 1·3).
    const data = {
      x: { data: Float32Array.of(-1, 0, 1), shape: [3, 1, 1] },
      y: { data: Float32Array.of(9, 10, 11), shape: [3, 1] },
    };
    const { y } = await leastSquares(data, { ridge: 1 }).predict(data.x);
    [9.6, 10, 10.4].forEach((value, at) => expect(y.data[at]).toBeCloseTo(value, 5));
  });

  it('takes columns that never change', async () => {
    const data = {
      x: { data: Float32Array.of(1, 5, 2, 5, 3, 5), shape: [3, 2, 1] },
      y: { data: Float32Array.of(2, 4, 6), shape: [3, 1] },
    };
    const { y } = await leastSquares(data, { ridge: 0 }).predict(data.x);
    [2, 4, 6].forEach((value, at) => expect(y.data[at]).toBeCloseTo(value, 5));
  });

  it('refuses windows of another size', () => {
    const x = { data: new Float32Array(4), shape: [2, 2, 1] };
    const y = { data: new Float32Array(2), shape: [2, 1] };
    const linear = leastSquares({ x, y });
    expect(() => linear.predict({ data: new Float32Array(3), shape: [1, 3, 1] })).toThrow(ShapeError);
    expect(() => leastSquares({ x, y: { data: new Float32Array(3), shape: [3, 1] } })).toThrow(ShapeError);
  });
});
