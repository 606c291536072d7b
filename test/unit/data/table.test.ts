import { describe, expect, it } from 'vitest';

import { numberColumn } from '../../../src/data/table.js';
import { DataError, ShapeError } from '../../../src/errors.js';
import { dataTable, sliceRows } from '../../../src/index.js';

describe('a table', () => {
  it('has the rows of its columns, and gives a part of them', () => {
    const table = dataTable({ a: Float64Array.of(1, 2, 3), b: ['x', 'y', 'z'] });
    expect(table.rows).toBe(3);
    expect(sliceRows(table, 1)).toEqual({ columns: { a: Float64Array.of(2, 3), b: ['y', 'z'] }, rows: 2 });
    expect(sliceRows(table, 0, 1).columns['b']).toEqual(['x']);
    expect(dataTable({}).rows).toBe(0);
  });

  it('reads null and undefined as missing numbers', () => {
    const table = dataTable({ a: [1, null, undefined] as never });
    expect([...numberColumn(table, 'a')]).toEqual([1, Number.NaN, Number.NaN]);
  });

  it('refuses columns of unequal length, and what are no columns', () => {
    expect(() => dataTable({ a: [1], b: [1, 2] })).toThrow("column 'b': expected 1 rows, received 2");
    expect(() => dataTable({ a: 5 as never })).toThrow(ShapeError);
    expect(() => dataTable({ a: BigInt64Array.of(1n) as never })).toThrow(ShapeError);
    expect(() => dataTable(null as never)).toThrow(ShapeError);
    expect(() => numberColumn(dataTable({ a: ['1'] }), 'a')).toThrow(DataError);
    expect(() => numberColumn(dataTable({ a: [1] }), 'toString')).toThrow(
      "column 'toString': expected one of a",
    );
  });
});
