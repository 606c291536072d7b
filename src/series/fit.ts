import { describe } from '../config/describe.js';
import { DataError } from '../errors.js';
import { levels, requireValues, type FittedColumn } from './filled.js';
import { numericColumns, type ResolvedSeriesOptions } from './options.js';
import { fitScaler, meanOf } from './scaler.js';
import type { OneSeries, SeriesTable } from './seriesRows.js';

/**
 * Statistics of each numeric column over the places before `to`; nothing from there on is looked at.
 *
 * @throws DataError for a column without a value there, a missing one under `error`, one without logarithm under `log`.
 */
export function fitColumns(
  { series }: SeriesTable,
  to: number,
  options: ResolvedSeriesOptions,
): Readonly<Record<string, FittedColumn>> {
  const training = series.map((one) => before(one, to));
  const fitted = numericColumns(options).map((name) => [name, fitColumn(training, name, options)] as const);
  return Object.freeze(Object.fromEntries(fitted));
}

function fitColumn(
  training: readonly OneSeries[],
  name: string,
  options: ResolvedSeriesOptions,
): FittedColumn {
  const kind = options.scaler[name]!;
  if (options.missing[name] === 'error') {
    for (const one of training) requireValues(one, name, 0, one.rows.length);
  }
  const seen = concatenated(training.map(({ values }) => values[name]!));
  if (seen.length === 0) throw tooFew(name, 'a value in the training part', seen.length);
  const differenced = options.difference === 'previous' && options.targets.includes(name);
  const own = training.map((one) => levels(one, name, { kind }));
  const sample = concatenated(differenced ? own.map(differences) : own);
  if (sample.length === 0) throw tooFew(name, 'two values in a row in the training part', seen.length);
  return Object.freeze({ mean: meanOf(seen), scaler: fitScaler(kind, sample) });
}

function before({ id, rows, places, times, values }: OneSeries, to: number): OneSeries {
  const first = places.findIndex((place) => place >= to);
  const end = first < 0 ? rows.length : first;
  const parts = Object.entries(values).map(([name, all]) => [name, all.subarray(0, end)] as const);
  return {
    id,
    rows: rows.subarray(0, end),
    places: places.subarray(0, end),
    times: times?.subarray(0, end),
    values: Object.fromEntries(parts),
  };
}

function differences(list: Float64Array): Float64Array {
  return list.subarray(1).map((level, step) => level - list[step]!);
}

/** All numbers of all lists that are not missing. */
function concatenated(lists: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all.filter((value) => !Number.isNaN(value));
}

function tooFew(name: string, expected: string, received: number): DataError {
  const message = `column '${name}': expected ${expected}, received ${describe(received)}`;
  return new DataError(message, { name, expected, received });
}
