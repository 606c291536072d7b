import { describe, shapeText } from '../config/describe.js';
import { DataError, ShapeError } from '../errors.js';
import { checkTensor, isTensor, type TensorData, typedArrayName } from './tensor.js';

/** A flat list of numbers, typed or plain. */
export type NumberList = readonly number[] | TensorData;

/** The rows of an input, whatever form it came in: what {@link packRows} needs to put them back to back. */
export interface Rows {
  readonly name: string;
  /** Steps each row came with. */
  readonly ownLengths: Int32Array;
  /** Numbers in a step. */
  readonly width: number;
  /** The caller's own array, where all rows came back to back in one. */
  readonly whole?: TensorData;
  /** Copies the first `steps` steps of a row to `target[at]` and after. */
  copy(row: number, steps: number, target: Float32Array | Int32Array, at: number): void;
}

/** Reads one element of nested arrays, or refuses it. */
export type ReadElement = (value: unknown, row: number, step: number) => number;

/** What the rows of an input must look like: [N, T] (rank 2, width 1) or [N, T, width] (rank 3). */
export interface RowFormat {
  readonly name: string;
  readonly rank: 2 | 3;
  readonly width: number;
  /** For messages: `features [N, T, 4]`. */
  readonly expected: string;
}

/** A typed array of numbers or a plain array. */
export function isList(value: unknown): value is ArrayLike<unknown> {
  const type = typedArrayName(value);
  return type === undefined ? Array.isArray(value) : !type.startsWith('Big');
}

/** Axes of a tensor, or how many lists lie inside each other, judged by the first element of each. */
export function rankOf(value: unknown): number {
  if (isTensor(value)) return Array.isArray(value.shape) ? value.shape.length : 0;
  let rank = 0;
  // The bound ends an array that holds itself.
  for (let inner = value; isList(inner) && rank < 8; inner = inner[0]) rank += 1;
  return rank;
}

/** What came instead of an array of the right rank: `a tensor [2, 3]`, `nested arrays of rank 2`. */
export function describeArray(value: unknown): string {
  if (isTensor(value))
    return Array.isArray(value.shape) ? `a tensor ${shapeText(value.shape)}` : describe(value);
  return Array.isArray(value) && value.length > 0
    ? `nested arrays of rank ${rankOf(value)}`
    : describe(value);
}

/** Rows of a tensor, or of arrays nested as deep as the format says. */
export function rowsOf(input: unknown, format: RowFormat, read: ReadElement): Rows {
  const { name, rank, width } = format;
  if (isTensor(input)) {
    const { data, shape } = checkTensor(input, name);
    if (shape.length !== rank || (rank === 3 && shape[2] !== width)) throw wrongFormat(input, format);
    return tensorRows(data, shape[0]!, shape[1]!, format);
  }
  if (!Array.isArray(input) || (input.length > 0 && rankOf(input) !== rank)) throw wrongFormat(input, format);
  const lists = input.map((row: unknown, index) => {
    if (isList(row)) return row;
    throw unexpected(`${name} row ${index}`, 'an array of time steps', describe(row), { row: index });
  });
  return nestedRows(lists, {
    name,
    width,
    readStep: rank === 2 ? flatSteps(read) : vectorSteps(format, read),
  });
}

function tensorRows(data: TensorData, count: number, timeSteps: number, { name, width }: RowFormat): Rows {
  return {
    name,
    width,
    ownLengths: new Int32Array(count).fill(timeSteps),
    whole: data,
    copy(row, steps, target, at) {
      const start = row * timeSteps * width;
      target.set(data.subarray(start, start + steps * width), at);
    },
  };
}

type ReadStep = (
  value: unknown,
  row: number,
  step: number,
  target: Float32Array | Int32Array,
  at: number,
) => void;

function nestedRows(
  lists: readonly ArrayLike<unknown>[],
  { name, width, readStep }: { name: string; width: number; readStep: ReadStep },
): Rows {
  return {
    name,
    width,
    ownLengths: Int32Array.from(lists, (list) => list.length),
    copy(row, steps, target, at) {
      const list = lists[row]!;
      for (let step = 0; step < steps; step++) readStep(list[step], row, step, target, at + step * width);
    },
  };
}

function flatSteps(read: ReadElement): ReadStep {
  return (value, row, step, target, at) => {
    target[at] = read(value, row, step);
  };
}

function vectorSteps({ name, width }: RowFormat, read: ReadElement): ReadStep {
  return (values, row, step, target, at) => {
    if (!isList(values) || values.length !== width) {
      const received = isList(values) ? `${values.length}` : describe(values);
      throw unexpected(`${name} row ${row}, step ${step}`, `${width} numbers`, received, { row, step });
    }
    for (let k = 0; k < width; k++) target[at + k] = read(values[k], row, step);
  };
}

function wrongFormat(input: unknown, { name, expected }: RowFormat): ShapeError {
  return unexpected(name, expected, describeArray(input));
}

/** A shape error in the one form all of them have. */
export function unexpected(
  name: string,
  expected: string,
  received: string,
  place: { readonly row?: number; readonly step?: number } = {},
): ShapeError {
  const details = { name, expected, received, ...place };
  return new ShapeError(`${name}: expected ${expected}, received ${received}`, details);
}

/** Takes any number; whether it is finite is seen when all are in one array. */
export function numberReader(name: string): ReadElement {
  return (value, row, step) => {
    if (typeof value === 'number') return value;
    const received = describe(value);
    throw new DataError(`${name} row ${row}, step ${step}: expected numbers, received ${received}`, {
      name,
      expected: 'numbers',
      received,
      row,
      step,
    });
  };
}

/** Where each sequence starts, in steps, and how many steps all of them have. */
export function packedOffsets(lengths: Int32Array): {
  readonly offsets: Float64Array;
  readonly total: number;
} {
  const offsets = new Float64Array(lengths.length);
  let total = 0;
  lengths.forEach((length, row) => {
    offsets[row] = total;
    total += length;
  });
  return { offsets, total };
}

/** Puts the live steps of all rows back to back: [Σ lengths, width]. */
export function packRows<A extends Float32Array | Int32Array>(
  rows: Rows,
  lengths: Int32Array,
  offsets: Float64Array,
  target: A,
): A {
  lengths.forEach((length, row) => rows.copy(row, length, target, offsets[row]! * rows.width));
  return target;
}

/** Index of the first element that is NaN or infinite, or -1. */
export function firstNonFinite(data: Float32Array): number {
  // v - v is 0, or NaN where v is not finite: sums without a branch, several, as each waits for its last addition.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length & ~3;
  for (let index = 0; index < whole; index += 4) {
    a += data[index]! - data[index]!;
    b += data[index + 1]! - data[index + 1]!;
    c += data[index + 2]! - data[index + 2]!;
    d += data[index + 3]! - data[index + 3]!;
  }
  for (let index = whole; index < data.length; index++) a += data[index]! - data[index]!;
  return a + b + c + d === 0 ? -1 : data.findIndex((value) => !Number.isFinite(value));
}

/** The row, step and channel of an element of a packed array. */
export function placeOf(
  index: number,
  width: number,
  offsets: Float64Array,
): { readonly row: number; readonly step: number; readonly channel: number } {
  const position = Math.floor(index / width);
  let row = offsets.length - 1;
  while (offsets[row]! > position) row -= 1;
  return { row, step: position - offsets[row]!, channel: index % width };
}
