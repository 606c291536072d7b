import { describe } from '../config/describe.js';
import { DataError, ShapeError } from '../errors.js';
import { isList } from './rows.js';

/** One column: numbers, NaN where a value is missing, or texts. */
export type TableColumn = Float64Array | readonly number[] | readonly string[];

/** Columns of equal length by name, as {@link dataTable} and `readCsv` give them. */
export interface DataTable {
  readonly columns: Readonly<Record<string, TableColumn>>;
  readonly rows: number;
}

/**
 * A table of columns. The columns are taken as they are, not copied.
 *
 * @throws ShapeError for columns of unequal length or that are no lists.
 * @example
 * ```ts
 * const table = dataTable({ month: ['1949-01', '1949-02'], passengers: [112, 118] });
 * ```
 */
export function dataTable(columns: Readonly<Record<string, TableColumn>>): DataTable {
  if (typeof columns !== 'object' || columns === null) throw noTable(columns);
  const entries = Object.entries(columns);
  let rows: number | undefined;
  for (const [name, column] of entries) {
    if (!isList(column)) throw wrongColumn(name, 'a list of numbers or texts', describe(column));
    rows ??= column.length;
    if (column.length !== rows) throw wrongColumn(name, `${rows} rows`, `${column.length}`);
  }
  return Object.freeze({ columns: Object.freeze(Object.fromEntries(entries)), rows: rows ?? 0 });
}

/** @throws ShapeError for what is no table, and for columns that have not its number of rows. */
export function checkTable(table: unknown): DataTable {
  if (typeof table !== 'object' || table === null || !('columns' in table) || !('rows' in table)) {
    throw noTable(table);
  }
  const checked = dataTable(table.columns as DataTable['columns']);
  if (checked.rows === table.rows) return checked;
  throw new ShapeError(
    `table: expected ${checked.rows} rows, as its columns have, received ${describe(table.rows)}`,
    {
      name: 'table',
      expected: checked.rows,
      received: table.rows,
    },
  );
}

/**
 * Rows `from` to, but not, `to` of a table.
 *
 * @param to Default: to the end.
 */
export function sliceRows(table: DataTable, from: number, to?: number): DataTable {
  const { columns } = checkTable(table);
  return dataTable(
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.slice(from, to)])),
  );
}

/**
 * A column's numbers, NaN where one is missing (also `null` and `undefined`).
 *
 * @throws DataError where there is no such column, or for an element that is no number: its row is in `details`.
 */
export function numberColumn(table: DataTable, name: string): Float64Array {
  const column = columnOf(table, name);
  if (column instanceof Float64Array) return column;
  return Float64Array.from(column as ArrayLike<unknown>, (value, row) => {
    if (typeof value === 'number') return value;
    if (value === null || value === undefined) return Number.NaN;
    const expected = 'a number';
    throw new DataError(`column '${name}', row ${row}: expected ${expected}, received ${describe(value)}`, {
      name,
      row,
      expected,
      received: value,
    });
  });
}

/**
 * A column as it is.
 *
 * @throws DataError where there is no such column.
 */
export function columnOf(table: DataTable, name: string): TableColumn {
  if (Object.hasOwn(table.columns, name)) return table.columns[name]!;
  const expected = `one of ${Object.keys(table.columns).join(', ')}`;
  throw new DataError(`column '${name}': expected ${expected}`, { name, expected, received: name });
}

function noTable(received: unknown): ShapeError {
  const expected = 'a table: dataTable({ name: column, ... })';
  return new ShapeError(`table: expected ${expected}, received ${describe(received)}`, {
    name: 'table',
    expected,
    received,
  });
}

function wrongColumn(name: string, expected: string, received: string): ShapeError {
  const message = `column '${name}': expected ${expected}, received ${received}`;
  return new ShapeError(message, { name, expected, received });
}
