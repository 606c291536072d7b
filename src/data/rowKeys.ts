import { describe } from '../config/describe.js';
import { ConfigError, DataError } from '../errors.js';
import { isList, rankOf, unexpected } from './rows.js';
import { rowCount, type RowData } from './selectRows.js';
import { isTensor } from './tensor.js';

/** What tells rows apart: a class, a group. */
export type RowKey = number | string;

/** Rows to divide: data, or only how many there are. */
export type Divisible = RowData | number;

/** Row numbers are 32 bits wide. */
const mostRows = 2 ** 32;

/** N of data to divide. */
export function countOf(data: Divisible): number {
  const count = typeof data === 'number' ? data : isData(data) ? rowCount(data.x, 'x') : Number.NaN;
  if (Number.isSafeInteger(count) && count > 0 && count < mostRows) return count;
  const expected = 'data { x, y } with at least one row, or a number of rows from 1';
  const received = Number.isNaN(count) ? describe(data) : count;
  throw new DataError(`data: expected ${expected}, received ${received}`, {
    name: 'data',
    expected,
    received,
  });
}

function isData(data: unknown): data is RowData {
  return typeof data === 'object' && data !== null && 'x' in data;
}

/**
 * Rows by class: by the labels given, else by the targets where they are class ids [N].
 *
 * @throws ConfigError where there are no labels. ShapeError, DataError for wrong ones.
 */
export function rowsByLabel(data: Divisible, labels: unknown): Map<RowKey, number[]> {
  const given = labels ?? (typeof data === 'number' ? undefined : data.y);
  const list = isTensor(given) && rankOf(given) === 1 ? given.data : given;
  if (isList(list) && rankOf(list) === 1) return rowsByKey(list, countOf(data), 'labels', 'class');
  const expected = 'one class for each row, as y gives no class ids [N]';
  throw new ConfigError(`labels: expected ${expected}, received ${describe(labels)}`, {
    path: 'labels',
    expected,
    received: labels,
  });
}

/** Rows by group, in the order in which groups come first. */
export function rowsByGroup(data: Divisible, groups: unknown): Map<RowKey, number[]> {
  return rowsByKey(groups, countOf(data), 'groups', 'group');
}

function rowsByKey(keys: unknown, count: number, name: string, word: string): Map<RowKey, number[]> {
  if (!isList(keys) || keys.length !== count) {
    const received = isList(keys) ? `${keys.length}` : describe(keys);
    throw unexpected(name, `one ${word} for each of the ${count} rows`, received);
  }
  const byKey = new Map<RowKey, number[]>();
  for (let row = 0; row < count; row++) {
    const key = keys[row];
    if (!isKey(key)) {
      const expected = `a ${word}: a finite number or a text that is not empty`;
      throw new DataError(`${name} row ${row}: expected ${expected}, received ${describe(key)}`, {
        name,
        expected,
        received: key,
        row,
      });
    }
    const rows = byKey.get(key);
    if (rows) rows.push(row);
    else byKey.set(key, [row]);
  }
  return byKey;
}

function isKey(key: unknown): key is RowKey {
  return typeof key === 'string' ? key !== '' : Number.isFinite(key);
}

/**
 * Rows from the earliest on: sorted by their times, or in their order where there are none.
 *
 * @throws ShapeError, DataError
 */
export function rowsInTime(count: number, times: unknown): { rows: Uint32Array; times: ArrayLike<number> } {
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  if (times === undefined) return { rows, times: rows };
  if (!isList(times) || times.length !== count) {
    const received = isList(times) ? `${times.length}` : describe(times);
    throw unexpected('times', `one time for each of the ${count} rows`, received);
  }
  const bad = Array.from(times).findIndex((time) => !Number.isFinite(time));
  if (bad >= 0) {
    const expected = 'a finite number';
    throw new DataError(`times row ${bad}: expected ${expected}, received ${describe(times[bad])}`, {
      name: 'times',
      expected,
      received: times[bad],
      row: bad,
    });
  }
  const known = times as ArrayLike<number>;
  return { rows: rows.sort((a, b) => known[a]! - known[b]! || a - b), times: known };
}
