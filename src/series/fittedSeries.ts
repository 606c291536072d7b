import { z } from 'zod';

import { describe } from '../config/describe.js';
import { real, settings, whole } from '../config/fields.js';
import { deepFreeze, parseOptions } from '../config/parseConfig.js';
import type { Tensor } from '../data/tensor.js';
import type { DataTable } from '../data/table.js';
import { CheckpointError, ConfigError } from '../errors.js';
import { channelNames } from './channels.js';
import type { FittedColumn } from './filled.js';
import { checkedOptions, numericColumns, resolvedSchema, type ResolvedSeriesOptions } from './options.js';
import { scalerSchema } from './scaler.js';
import { readSeries, type Place } from './seriesRows.js';
import { SeriesWindows } from './windows.js';

/** A part of a table: windows all of whose targets lie in it. */
export interface SeriesRange {
  /** The first place of a target. Default: the table's first. */
  readonly from?: Place | undefined;
  /** The place after the last target's. Default: the table's end. */
  readonly to?: Place | undefined;
}

/** Windows as `fit` and `evaluate` take them. */
export interface WindowData {
  /** [N, timeSteps, inputSize] */
  readonly x: Tensor<Float32Array>;
  /** [N, outputSize], scaled: target k of step h of the forecast at h * targets + k. */
  readonly y: Tensor<Float32Array>;
}

/** One window as an `exampleStream` takes it. */
export interface WindowExample {
  /** [timeSteps][inputSize] */
  readonly x: readonly Float32Array[];
  /** [outputSize] */
  readonly y: Float32Array;
}

/** A fitted time series as a checkpoint holds it; what {@link seriesFromJSON} takes. */
export interface FittedSeriesJSON {
  readonly version: number;
  readonly options: ResolvedSeriesOptions;
  readonly columns: Readonly<Record<string, FittedColumn>>;
}

/** Version of {@link FittedSeriesJSON}; a reader refuses later ones. */
const version = 1;

const jsonSchema = settings({
  version: whole(1),
  options: resolvedSchema,
  columns: z.record(z.string(), settings({ mean: real(), scaler: scalerSchema })),
});

/**
 * How windows are cut from tables, with the statistics of the training part: what `timeSeries(options).fit(table)` gives.
 * Frozen; saved with a model as `SequentialOptions.series`.
 */
export class FittedSeries {
  readonly options: ResolvedSeriesOptions;
  /** What was learnt of each column: its mean and its scaler, z = (g - center) / scale, g = ln v under `log`. */
  readonly columns: Readonly<Record<string, FittedColumn>>;
  /** The channels of x in their order. */
  readonly channels: readonly string[];
  /** T of x: `lookBack`, or with known columns `lookBack + horizon`. */
  readonly timeSteps: number;
  /** C of x: a model's `inputSize`. */
  readonly inputSize: number;
  /** Width of y: `horizon` times the number of targets, the units of a last dense layer with one output for each. */
  readonly outputSize: number;

  /** @internal */
  constructor(options: ResolvedSeriesOptions, columns: Readonly<Record<string, FittedColumn>>) {
    this.options = options;
    this.columns = columns;
    this.channels = Object.freeze(channelNames(options));
    this.timeSteps = options.lookBack + (options.known.length > 0 ? options.horizon : 0);
    this.inputSize = this.channels.length;
    this.outputSize = options.horizon * options.targets.length;
    Object.freeze(this);
  }

  /**
   * The windows of a table whose targets all lie from `from` to, but not, `to`; what they look back on may lie before.
   * A window with a missing target is left out.
   *
   * @throws DataError for a table that does not fit the options, and where there is no window.
   * @example
   * ```ts
   * const { x, y } = series.windows(table, { from: '2017-06-26' });
   * ```
   */
  windows(table: DataTable, range: SeriesRange = {}): WindowData {
    const windows = new SeriesWindows(this, readSeries(table, this.options));
    return windows.gather(windows.origins(range));
  }

  /**
   * The same windows one by one, for data that memory does not hold as windows: they overlap, so x is about `lookBack`
   * times what the table is.
   *
   * @throws as `windows`.
   * @example
   * ```ts
   * const train = exampleStream(() => series.examples(table, places.train), { batchSize: 32, shuffleBuffer: 4096 });
   * ```
   */
  *examples(table: DataTable, range: SeriesRange = {}): Iterable<WindowExample> {
    const windows = new SeriesWindows(this, readSeries(table, this.options));
    for (const origin of windows.origins(range)) {
      const { x, y } = windows.gather([origin]);
      const step = (t: number) => x.data.subarray(t * this.inputSize, (t + 1) * this.inputSize);
      yield { x: Array.from({ length: this.timeSteps }, (_, t) => step(t)), y: y.data };
    }
  }

  /** What {@link seriesFromJSON} takes. */
  toJSON(): FittedSeriesJSON {
    return { version, options: this.options, columns: this.columns };
  }
}

/**
 * The fitted series of a `toJSON()`.
 *
 * @throws CheckpointError for anything else, and for one of a later version.
 */
export function seriesFromJSON(json: unknown): FittedSeries {
  const later: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'version') : undefined;
  if (typeof later === 'number' && later > version) {
    throw unreadable(`version ${version} or earlier`, `version ${later}, of a newer version of this package`);
  }
  try {
    const { options, columns } = parseOptions(jsonSchema, json, 'series');
    const missing = numericColumns(options).find((name) => !Object.hasOwn(columns, name));
    if (missing !== undefined) throw unreadable(`statistics of column '${missing}'`, 'none');
    const checked = checkedOptions(options, 'series.options');
    return new FittedSeries(deepFreeze(checked), deepFreeze(columns));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CheckpointError(error.message, error.details, { cause: error });
  }
}

function unreadable(expected: string, received: unknown): CheckpointError {
  const text = typeof received === 'string' ? received : describe(received);
  return new CheckpointError(`series: expected ${expected}, received ${text}`, {
    name: 'series',
    expected,
    received,
  });
}
