import { describe } from '../config/describe.js';
import { DataError } from '../errors.js';
import { isList, unexpected } from './rows.js';
import { checkTensor, isTensor, type Tensor, type TensorData, typedArrayName } from './tensor.js';

/** Data in rows: an input and its targets, with or without what else is by row. */
export interface RowData {
  readonly x: unknown;
  readonly y?: unknown;
  readonly seqLengths?: unknown;
  readonly sampleWeights?: unknown;
}

/** N: the first axis of a tensor, the length of an array. */
export function rowCount(value: unknown, name: string): number {
  if (isTensor(value)) return checkTensor(value, name).shape[0] ?? 0;
  if (isList(value)) return value.length;
  throw unexpected(name, 'a tensor or an array of rows', describe(value));
}

/**
 * The chosen rows of data, in the order they are named: of the input, the targets (an object of targets by name as well),
 * lengths and weights. Tensors and typed arrays are copied, the rows of nested arrays are the same arrays.
 *
 * @param rows Row numbers, 0 .. N-1; one may come several times.
 *
 * @example
 * ```ts
 * const { train, validation } = split(data, { by: 'stratified', validation: 0.2, seed: 1 });
 * await model.fit(selectRows(data, train), { loss: 'crossEntropy', validationData: selectRows(data, validation) });
 * ```
 *
 * @throws DataError for a row that is not there. ShapeError for parts with different numbers of rows.
 */
export function selectRows<D extends RowData>(data: D, rows: ArrayLike<number>): D {
  const count = rowCount(data.x, 'x');
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k]!;
    if (!(Number.isInteger(row) && row >= 0 && row < count)) throw noSuchRow(row, k, count);
  }
  const parts = Object.entries(data).map(([name, part]) => [name, select(part, rows, count, name)]);
  return Object.fromEntries(parts) as D;
}

function select(part: unknown, rows: ArrayLike<number>, count: number, name: string): unknown {
  if (part === undefined) return undefined;
  if (isNamed(part)) {
    const inner = Object.entries(part).map(([key, value]) => [
      key,
      select(value, rows, count, `${name}.${key}`),
    ]);
    return Object.fromEntries(inner);
  }
  const own = rowCount(part, name);
  if (own !== count) throw unexpected(name, `one row for each of the ${count} of x`, `${own}`);
  if (isTensor(part)) return selectTensor(part, rows);
  if (typedArrayName(part) !== undefined)
    return selectTensor({ data: part as TensorData, shape: [count] }, rows).data;
  return Array.from(rows, (row) => (part as readonly unknown[])[row]);
}

function selectTensor({ data, shape }: Tensor, rows: ArrayLike<number>): Tensor {
  const [, ...rest] = shape;
  const size = rest.reduce((product, extent) => product * extent, 1);
  const chosen = new (data.constructor as new (length: number) => typeof data)(rows.length * size);
  for (let k = 0; k < rows.length; k++) {
    chosen.set(data.subarray(rows[k]! * size, (rows[k]! + 1) * size), k * size);
  }
  return { data: chosen, shape: [rows.length, ...rest] };
}

/** Targets, or inputs, by the name of their head. */
function isNamed(part: unknown): part is Record<string, unknown> {
  return typeof part === 'object' && part !== null && !isTensor(part) && !isList(part);
}

function noSuchRow(row: unknown, index: number, count: number): DataError {
  const expected = `a row from 0 to ${count - 1}`;
  return new DataError(`rows[${index}]: expected ${expected}, received ${describe(row)}`, {
    name: 'rows',
    expected,
    received: row,
    index,
  });
}
