import { describe } from '../config/describe.js';
import { checkTable, columnOf, numberColumn, type DataTable } from '../data/table.js';
import { DataError } from '../errors.js';
import { parseTime, timeColumn } from './calendar.js';
import { numericColumns, type ResolvedSeriesOptions } from './options.js';

/** One series of a table: its rows in order of time. */
export interface OneSeries {
  /** What the series column says; undefined where there is none. */
  readonly id: string | undefined;
  /** [S] rows of the table. */
  readonly rows: Uint32Array;
  /** [S] places on the table's time axis. */
  readonly places: Float64Array;
  /** [S] milliseconds, where there is a time column. */
  readonly times: Float64Array | undefined;
  /** Values [S] of each numeric column, NaN where missing. */
  readonly values: Readonly<Record<string, Float64Array>>;
}

/** The series of a table, and the time axis that they share. */
export interface SeriesTable {
  readonly series: readonly OneSeries[];
  /**
   * Places on the axis. With a time column they are its different times, else the steps of the longest series, all of
   * which start at 0.
   */
  readonly length: number;
  /** [length] milliseconds of each place, where there is a time column. */
  readonly axis: Float64Array | undefined;
}

/** A place on the time axis: its number, or with a time column a date that stands for the first place not before it. */
export type Place = number | string | Date;

/**
 * Reads the columns that options name.
 *
 * @throws ShapeError for what is no table. DataError for a table without rows, a column that is missing or holds what it must not, times that do not rise.
 */
export function readSeries(given: DataTable, options: ResolvedSeriesOptions): SeriesTable {
  const table = checkTable(given);
  if (table.rows === 0) throw wrong('table', 'at least one row', 'an empty table');
  const times = options.time === undefined ? undefined : timeColumn(table, options.time);
  const columns = numericColumns(options).map((name) => [name, finiteColumn(table, name)] as const);
  const axis = times && Float64Array.from(new Set(times)).sort();
  const series = groups(table, options.series).map(({ id, rows }): OneSeries => {
    const own = times && pick(times, rows);
    if (own !== undefined) requireRising(own, rows, options.time!, id);
    return {
      id,
      rows,
      places: axis && own ? placesOf(own, axis) : Float64Array.from(rows, (_, step) => step),
      times: own,
      values: Object.fromEntries(columns.map(([name, values]) => [name, pick(values, rows)])),
    };
  });
  const longest = series.reduce((most, { rows }) => Math.max(most, rows.length), 0);
  return { series, axis, length: axis?.length ?? longest };
}

/**
 * The number of a place, 0 to `length` (its end).
 *
 * @throws DataError
 */
export function placeNumber(place: Place, name: string, { length, axis }: SeriesTable): number {
  if (typeof place === 'number') {
    if (Number.isSafeInteger(place) && place >= 0 && place <= length) return place;
    throw wrong(name, `a step from 0 to ${length}`, describe(place));
  }
  if (axis === undefined) throw wrong(name, 'a step: there is no time column', describe(place));
  const time = parseTime(place);
  if (time === undefined) throw wrong(name, 'a step or a date', describe(place));
  return lowerBound(axis, time);
}

function groups(table: DataTable, column: string | undefined) {
  if (column === undefined)
    return [{ id: undefined, rows: Uint32Array.from({ length: table.rows }, (_, i) => i) }];
  const byId = new Map<string, number[]>();
  Array.from(columnOf(table, column) as ArrayLike<unknown>, (value, row) => {
    if ((typeof value !== 'string' && !Number.isFinite(value)) || value === '') {
      throw wrong(`column '${column}', row ${row}`, 'the id of a series', describe(value), { row });
    }
    const id = String(value);
    const rows = byId.get(id);
    if (rows === undefined) byId.set(id, [row]);
    else rows.push(row);
  });
  return [...byId].map(([id, rows]) => ({ id, rows: Uint32Array.from(rows) }));
}

function finiteColumn(table: DataTable, name: string): Float64Array {
  const values = numberColumn(table, name);
  const row = values.findIndex((value) => value === Infinity || value === -Infinity);
  if (row < 0) return values;
  throw wrong(`column '${name}', row ${row}`, 'a finite number or NaN', String(values[row]), { row });
}

function requireRising(times: Float64Array, rows: Uint32Array, name: string, id: string | undefined): void {
  const at = times.findIndex((time, step) => step > 0 && time <= times[step - 1]!);
  if (at < 0) return;
  const row = rows[at]!;
  const of = id === undefined ? '' : ` of series '${id}'`;
  const received = `${new Date(times[at]!).toISOString()} after ${new Date(times[at - 1]!).toISOString()}`;
  throw wrong(`column '${name}', row ${row}`, `times${of} that rise`, received, { row });
}

function placesOf(times: Float64Array, axis: Float64Array): Float64Array {
  return times.map((time) => lowerBound(axis, time));
}

function lowerBound(sorted: Float64Array, value: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

function pick(values: Float64Array, rows: Uint32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row]!);
}

function wrong(name: string, expected: string, received: string, more: object = {}): DataError {
  const message = `${name}: expected ${expected}, received ${received}`;
  return new DataError(message, { name, expected, received, ...more });
}
