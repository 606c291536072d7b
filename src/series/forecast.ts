import { describe, shapeText } from '../config/describe.js';
import { abortSignal, field, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { DataTable } from '../data/table.js';
import type { Tensor } from '../data/tensor.js';
import { ConfigError, ShapeError } from '../errors.js';
import { lossSchema, type Loss } from '../losses/loss.js';
import { normalHalfWidth } from '../metrics/normalQuantile.js';
import { FittedSeries, type SeriesRange } from './fittedSeries.js';
import { readSeries } from './seriesRows.js';
import { SeriesWindows, type Origin } from './windows.js';

/** What {@link forecast} needs of a model: windows [N, T, C] in, [N, K] out. */
export interface ForecastModel {
  readonly series?: FittedSeries | undefined;
  /** What it was trained for, which says what its outputs are. */
  readonly loss?: Loss | undefined;
  predict(
    x: Tensor<Float32Array>,
    options: { readonly batchSize: number; readonly signal?: AbortSignal },
  ): Promise<{ readonly y: Tensor<Float32Array> }>;
}

/** What {@link forecast} takes beside model and table. */
export interface ForecastOptions extends SeriesRange {
  /** Default: the model's own. */
  readonly series?: FittedSeries | undefined;
  /** What the model was trained for. Default: what it says itself, else one output for each target and step. */
  readonly loss?: Loss | undefined;
  /** Of a `gaussianNll` model: which quantiles of its distributions to give, rising. Default 0.1, 0.5, 0.9. */
  readonly levels?: readonly number[] | undefined;
  /** Windows computed together. Default 32. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Forecasts in the units of the table. */
export interface Forecast {
  /** [N, horizon, targets]. Of quantiles the one nearest 0.5; of a normal distribution its median. */
  readonly y: Tensor<Float64Array>;
  /** [N, horizon, targets, levels], of a model trained with `quantile` or `gaussianNll`. */
  readonly quantiles?: Tensor<Float64Array>;
  /** Which quantiles these are. */
  readonly levels?: readonly number[];
  /** [N, horizon, targets]: what the table says, NaN where it says nothing. */
  readonly actual: Tensor<Float64Array>;
  /** [N] row of the table that each forecast is made at, the last one it knows. */
  readonly rows: Uint32Array;
  /** [N] what the series column says there; only where there is one. */
  readonly ids?: readonly string[];
  /** The last axis but quantiles. */
  readonly targets: readonly string[];
}

const schema = settings({
  from: field<SeriesRange['from']>('a place', () => true).optional(),
  to: field<SeriesRange['to']>('a place', () => true).optional(),
  series: field<FittedSeries>(
    'a fitted series: timeSeries(options).fit(table)',
    (value) => value instanceof FittedSeries,
  ).optional(),
  loss: lossSchema.optional(),
  levels: field<readonly number[]>(
    'rising numbers between 0 and 1',
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((level, i) => level > 0 && level < 1 && !(level <= value[i - 1])),
  ).default([0.1, 0.5, 0.9]),
  batchSize: whole(1).default(32),
  signal: abortSignal.optional(),
});

/**
 * Forecasts in the units of the table, scaling and differences undone. Without `from` and `to` each series is forecast
 * once, the steps after its last row; with known columns the table holds `horizon` rows more, whose other columns may be
 * missing. With `from` or `to` it is one forecast for each of `series.windows(table, { from, to })`.
 *
 * @throws ConfigError for a model without a series, with another output than the series', and for spreads of several
 *   steps under `difference: 'previous'`, where those of the sums are not known. DataError as `windows`.
 * @example
 * ```ts
 * const { y, actual } = await forecast(model, table, places.test);
 * meanAbsoluteError(actual.data, y.data);
 * ```
 */
export async function forecast(
  model: ForecastModel,
  table: DataTable,
  options: ForecastOptions = {},
): Promise<Forecast> {
  const {
    from,
    to,
    series = model.series,
    loss = model.loss,
    levels,
    batchSize,
    signal,
  } = parseOptions(schema, options, 'forecast');
  if (series === undefined) {
    throw wrong('model', 'one with a series: sequential(layers, { series })', 'one without');
  }
  const head = headOf(loss, levels);
  checkHead(series, head);
  const windows = new SeriesWindows(series, readSeries(table, series.options));
  const origins = windows.originsOf({ from, to });
  const x = windows.inputs(origins);
  const { y } = await model.predict(x, { batchSize, ...(signal && { signal }) });
  const width = series.outputSize * head.channels;
  if (y.shape.length !== 2 || y.shape[1] !== width) {
    const expected = `outputs [N, ${width}] for ${series.options.horizon} steps of ${series.options.targets.join(', ')}`;
    throw new ShapeError(`model: expected ${expected}, received ${shapeText(y.shape)}`, {
      name: 'model',
      expected,
      received: y.shape,
    });
  }
  return restored(
    series,
    windows,
    origins,
    (index) => y.data.subarray(index * width, (index + 1) * width),
    head,
  );
}

/** What the channels of one target say. */
interface Head {
  readonly channels: number;
  /** The point forecast, from the target's channels. */
  readonly point: (channels: Float32Array) => number;
  readonly levels: readonly number[];
  /** The quantile of a level. */
  readonly quantile: (channels: Float32Array, level: number) => number;
}

function headOf(loss: Loss | undefined, levels: readonly number[]): Head {
  if (loss?.kind === 'quantile') {
    const { quantiles } = loss;
    const distances = quantiles.map((level) => Math.abs(level - 0.5));
    const middle = distances.indexOf(Math.min(...distances));
    return {
      channels: quantiles.length,
      point: (channels) => channels[middle]!,
      levels: quantiles,
      quantile: (channels, level) => channels[quantiles.indexOf(level)]!,
    };
  }
  if (loss?.kind === 'gaussianNll') {
    return {
      channels: 2,
      point: (channels) => channels[0]!,
      levels,
      quantile: ([mean, logVariance], level) =>
        mean! + normalQuantile(level) * Math.sqrt(Math.max(Math.exp(logVariance!), 1e-6)),
    };
  }
  return { channels: 1, point: (channels) => channels[0]!, levels: [], quantile: () => Number.NaN };
}

function normalQuantile(level: number): number {
  return Math.sign(level - 0.5) * normalHalfWidth(Math.abs(2 * level - 1));
}

function checkHead({ options }: FittedSeries, { levels }: Head): void {
  if (levels.length === 0 || options.difference !== 'previous' || options.horizon === 1) return;
  throw wrong(
    'forecast',
    "difference 'none' or 'last' for a spread of several steps",
    "'previous', whose steps are sums",
  );
}

function restored(
  series: FittedSeries,
  windows: SeriesWindows,
  origins: readonly Origin[],
  outputs: (index: number) => Float32Array,
  { channels, point, levels, quantile }: Head,
): Forecast {
  const { outputSize } = series;
  const y = new Float64Array(origins.length * outputSize);
  const quantiles = new Float64Array(y.length * levels.length);
  origins.forEach((origin, index) => {
    const out = outputs(index);
    const channelsOf = (k: number) => out.subarray(k * channels, (k + 1) * channels);
    const restore = (read: (own: Float32Array) => number) =>
      windows.restore(
        origin,
        Float64Array.from({ length: outputSize }, (_, k) => read(channelsOf(k))),
      );
    y.set(restore(point), index * outputSize);
    levels.forEach((level, q) => {
      restore((own) => quantile(own, level)).forEach((value, k) => {
        quantiles[(index * outputSize + k) * levels.length + q] = value;
      });
    });
  });
  const forecasts = forecastOf(series, windows, origins, y);
  if (levels.length === 0) return forecasts;
  const shape = [...forecasts.y.shape, levels.length];
  return { ...forecasts, quantiles: { data: quantiles, shape }, levels: Object.freeze([...levels]) };
}

/** Values [N * horizon * targets], made at origins, with what is known about them. */
export function forecastOf(
  { options: { horizon, targets }, outputSize }: FittedSeries,
  windows: SeriesWindows,
  origins: readonly Origin[],
  values: Float64Array,
): Forecast {
  const shape = [origins.length, horizon, targets.length];
  const actual = new Float64Array(values.length);
  origins.forEach((origin, index) => actual.set(windows.actual(origin), index * outputSize));
  const ids = origins.map((origin) => windows.seriesOf(origin).id);
  return {
    y: { data: values, shape },
    actual: { data: actual, shape },
    rows: Uint32Array.from(origins, (origin) => windows.seriesOf(origin).rows[origin.step]!),
    targets,
    ...(ids.every((id) => id !== undefined) && { ids }),
  };
}

function wrong(path: string, expected: string, received: unknown): ConfigError {
  const text = typeof received === 'string' ? received : describe(received);
  return new ConfigError(`${path}: expected ${expected}, received ${text}`, { path, expected, received });
}
