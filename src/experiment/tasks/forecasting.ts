import { describe } from '../../config/describe.js';
import { dataTable, sliceRows, type DataTable } from '../../data/table.js';
import { sourceError } from '../../data/sources/sourceError.js';
import { sourceName } from '../../data/sources/text.js';
import { ConfigError, DataError, ShapeError } from '../../errors.js';
import { channelsPerTarget } from '../../losses/loss.js';
import { meanAbsoluteError, rootMeanSquaredError } from '../../metrics/functions.js';
import type { Model } from '../../model/model.js';
import { forecast, type Forecast } from '../../series/forecast.js';
import { numericColumns, seriesSchema, type SeriesOptions } from '../../series/options.js';
import { foldPlaces, splitPlaces, type SeriesPlaces } from '../../series/split.js';
import { readSeries } from '../../series/seriesRows.js';
import { timeSeries } from '../../series/timeSeries.js';
import type { DataConfigOf } from '../dataConfig.js';
import type { FoldPlace } from '../folds.js';
import { keptMetadata } from '../kept.js';
import { readRecords } from '../readRecords.js';
import { collect, fieldOf, numberOf, type SourceRecord } from '../records.js';
import { formatOf, type Reading } from '../source.js';
import type { Preparation, Result, Task, TestPart } from './task.js';

type Data = DataConfigOf<'forecasting'>;

/** Steps ahead of one or more series in a table; the parts of the table follow each other in time. */
export const forecasting: Task<'forecasting'> = {
  loss: 'mse',
  metrics: ['mae'],
  formats: ['csv', 'tsv', 'jsonLines'],

  async prepare(data, { path, loss, model, fold }) {
    const options = seriesOptions(data);
    const { table, origin } = await tableOf(readingOf(data, path), numericNames(options), data.rows);
    return inSource(origin, async () => {
      const places = placesOf(table, data, fold);
      const series = model?.series ?? timeSeries(options).fit(table, { to: places.train.to });
      const train = series.windows(table, places.train);
      const validation = places.validation && series.windows(table, places.validation);
      const { horizon, targets } = series.options;
      return {
        train,
        validation,
        sizes: {
          units: series.outputSize * channelsPerTarget(loss),
          outputs: `${horizon} steps of ${targets.join(', ')} by the loss '${loss.kind}'`,
        },
        options: {
          inputSize: series.inputSize,
          series,
          metadata: keptMetadata('forecasting', {}),
        },
        summary: {
          rows: table.rows,
          windows: train.x.shape[0]!,
          validationWindows: validation?.x.shape[0] ?? 0,
          channels: series.inputSize,
        },
      };
    });
  },

  async labelled(model, reading) {
    const { table, origin } = await tableOf(reading, numericColumns(model.series!.options));
    return inSource(origin, async () => model.series!.windows(table));
  },

  async testPart(model, data, path): Promise<TestPart> {
    const names = numericColumns(model.series!.options);
    const { table, origin } = await tableOf(readingOf(data, path), names, data.rows);
    return inSource(origin, async () => {
      const { test } = placesOf(table, data);
      if (test === undefined) {
        const where = '$.data.test';
        const expected = 'a share or a number of steps to evaluate on';
        throw new ConfigError(`${where}: expected ${expected}, received none`, { path: where, expected });
      }
      return {
        data: model.series!.windows(table, test),
        inUnits: async () => errorsOf(await forecast(model, table, test)),
      };
    });
  },

  async *predict(model, { reading, batchSize, signal }) {
    const { table, origin } = await tableOf(reading, numericColumns(model.series!.options));
    const made = await inSource(origin, () =>
      forecast(model, table, { batchSize, ...(signal && { signal }) }),
    );
    yield* forecastRows(model, made);
  },
};

// What is the file's and the split's is not the series' own.
function seriesOptions(data: Data): SeriesOptions {
  const {
    task: _task,
    train: _train,
    encoding: _encoding,
    format: _format,
    columns: _columns,
    ...rest
  } = data;
  const { validation: _validation, test: _test, gap: _gap, rows: _rows, ...options } = rest;
  return options;
}

function numericNames(options: SeriesOptions): readonly string[] {
  const { inputs, ...rest } = seriesSchema.parse(options);
  return numericColumns({ ...rest, inputs: inputs ?? rest.targets });
}

function readingOf({ train, format, columns, encoding }: Data, path: Preparation['path']): Reading {
  return { source: path(train), format: format ?? formatOf(train) ?? 'csv', columns, encoding };
}

// Folds go forward in time in what lies before the test part.
function placesOf(table: DataTable, data: Data, fold?: FoldPlace): SeriesPlaces {
  const { validation = 0, test = 0, gap } = data;
  const { length } = readSeries(table, timeSeries(seriesOptions(data)).options);
  if (fold === undefined) return splitPlaces(length, { validation, test, gap });
  const { train, test: kept } = splitPlaces(length, { test, gap });
  return { ...foldPlaces(train.to, { folds: fold.folds, gap })[fold.index]!, test: kept };
}

/** Where a table's rows stand. */
interface Origin {
  readonly file: string;
  readonly lines: readonly (number | undefined)[];
}

/** A table of all columns, those of numbers as numbers: a field that is empty, `NA`, `NaN` or null is missing. */
async function tableOf(
  reading: Reading,
  numeric: readonly string[],
  limit?: number,
): Promise<{ readonly table: DataTable; readonly origin: Origin }> {
  const records = await collect(readRecords(reading));
  const file = sourceName(reading.source);
  const [first] = records;
  if (first === undefined) throw sourceError({ file }, 'at least one row', 'none');
  for (const name of numeric) fieldOf(first, name);
  const columns = Object.keys(first.fields).map((name) => [
    name,
    numeric.includes(name)
      ? Float64Array.from(records, (record) =>
          isMissing(record, name) ? Number.NaN : numberOf(record, name),
        )
      : records.map((record) => plainValue(record, name)),
  ]);
  const table = dataTable(Object.fromEntries(columns) as Parameters<typeof dataTable>[0]);
  return {
    table: limit === undefined ? table : sliceRows(table, 0, limit),
    origin: { file, lines: records.map(({ place }) => place.line) },
  };
}

function isMissing({ fields }: SourceRecord, name: string): boolean {
  const value = fields[name];
  return (
    value === undefined || value === null || (typeof value === 'string' && /^\s*(NA|NaN)?\s*$/i.test(value))
  );
}

function plainValue(record: SourceRecord, name: string): string | number {
  const value = record.fields[name];
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw sourceError({ ...record.place, column: name }, 'a text or a number', describe(value));
}

/** Names the file in what a table's checks say, and instead of a row its line. */
async function inSource<T>({ file, lines }: Origin, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof DataError || error instanceof ShapeError)) throw error;
    const { row } = error.details as { readonly row?: number };
    const line = row === undefined ? undefined : lines[row];
    const message =
      line === undefined
        ? `${file}: ${error.message}`
        : `${file}:${line}, ${error.message.replace(`, row ${row}:`, ':')}`;
    throw new DataError(message, { ...error.details, file, line }, { cause: error });
  }
}

function errorsOf({ y, actual }: Forecast): Readonly<Record<string, number>> {
  return {
    mae: meanAbsoluteError(actual.data, y.data),
    rmse: rootMeanSquaredError(actual.data, y.data),
  };
}

/** One row for each step ahead of each series. */
function* forecastRows(
  model: Model,
  { y, ids, targets, quantiles, levels = [] }: Forecast,
): Generator<Result> {
  const { series } = model.series!.options;
  const [count, horizon] = [y.shape[0]!, y.shape[1]!];
  for (let n = 0; n < count; n++) {
    for (let step = 0; step < horizon; step++) {
      const row: Record<string, unknown> = {};
      if (series !== undefined && ids !== undefined) row[series] = ids[n];
      row['step'] = step + 1;
      targets.forEach((target, k) => {
        const at = (n * horizon + step) * targets.length + k;
        row[target] = rounded(y.data[at]!);
        levels.forEach((level, q) => {
          row[`${target}_q${level}`] = rounded(quantiles!.data[at * levels.length + q]!);
        });
      });
      yield row;
    }
  }
}

// What float32 knows of it.
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}
