import { describe } from '../config/describe.js';
import { DataError } from '../errors.js';
import {
  describeArray,
  firstNonFinite,
  isList,
  numberReader,
  type NumberList,
  packRows,
  packedOffsets,
  placeOf,
  rankOf,
  type Rows,
  rowsOf,
  unexpected,
} from './rows.js';
import { isId, requireIntegers } from './sequences.js';
import { isTensor, type Tensor, typedArrayName } from './tensor.js';

/**
 * What a model is taught: a tensor or nested arrays.
 * `crossEntropy` takes class ids ([N], for sequence outputs [N, T]) or distributions ([N, K], [N, T, K]);
 * the other losses take values ([N, K], [N, T, K]; without the last axis where K is 1).
 */
export type TargetInput = Tensor | NumberList | readonly NumberList[] | readonly (readonly NumberList[])[];

/** Checked targets, copied: [N, width], or for sequence outputs the live steps back to back, [Σ lengths, width]. */
export interface Targets {
  readonly kind: 'ids' | 'values';
  readonly perStep: boolean;
  /** K, or 1 for ids. */
  readonly width: number;
  readonly data: Int32Array | Float32Array;
}

export interface TargetOptions {
  readonly loss: 'mse' | 'crossEntropy' | 'binaryCrossEntropy';
  /** K of the model's output. */
  readonly classes: number;
  /** The output is a sequence: one target a step. */
  readonly perStep: boolean;
  /** [N] lengths of the inputs; targets beyond them are padding and are not looked at. */
  readonly lengths: Int32Array;
  /** What messages call the targets; default `y`. */
  readonly name?: string;
}

type Named = TargetOptions & { readonly name: string };

/** How far the sum of a distribution may be from 1: ample for float32 rounding over 10^5 classes. */
const sumTolerance = 1e-3;

/**
 * Targets as the batches need them, held against the loss and the model's output.
 *
 * @throws ShapeError for a rank or size that does not fit loss and output, and for other rows or steps than the input's.
 * @throws DataError for a class id outside 0..K-1, NaN, a probability outside 0..1, and a distribution that does not
 *   sum to 1 (each with its row).
 */
export function targetsFor(y: TargetInput, options: TargetOptions): Targets {
  const named = { ...options, name: options.name ?? 'y' };
  const { loss, classes, perStep, name } = named;
  const fullRank = perStep ? 3 : 2;
  const rank = rankOf(y);
  if (loss === 'crossEntropy' && rank === fullRank - 1) return idTargets(y, named);
  if (rank === fullRank || (rank === fullRank - 1 && classes === 1)) return valueTargets(y, rank, named);
  throw unexpected(name, expectation(named), describeArray(y));
}

function expectation({ loss, classes, perStep }: TargetOptions): string {
  const rows = perStep ? 'N, T' : 'N';
  if (loss === 'crossEntropy')
    return `class ids [${rows}] or distributions [${rows}, ${classes}] for ${loss}`;
  return classes === 1
    ? `values [${rows}] or [${rows}, 1] for ${loss}`
    : `values [${rows}, ${classes}] for ${loss}`;
}

function idTargets(y: TargetInput, options: Named): Targets {
  const { classes, perStep, name } = options;
  const shaped = withSteps(y, perStep, false);
  requireIntegers(shaped, name);
  const format = { name, rank: 2, width: 1, expected: expectation(options) } as const;
  const rows = rowsOf(shaped, format, (value, row, step) => {
    if (isId(value, classes)) return value;
    throw wrongValue(`a class id from 0 to ${classes - 1}`, value, { row, step }, options);
  });
  const lengths = targetLengths(rows, options);
  const { offsets, total } = packedOffsets(lengths);
  const data = packRows(rows, lengths, offsets, new Int32Array(total));
  const bad = data.findIndex((id) => id < 0 || id >= classes);
  if (bad >= 0) {
    throw wrongValue(`a class id from 0 to ${classes - 1}`, data[bad], placeOf(bad, 1, offsets), options);
  }
  return { kind: 'ids', perStep, width: 1, data };
}

function valueTargets(y: TargetInput, rank: number, options: Named): Targets {
  const { classes, perStep, name } = options;
  const addClass = rank === (perStep ? 2 : 1);
  const format = { name, rank: 3, width: classes, expected: expectation(options) } as const;
  const rows = rowsOf(withSteps(y, perStep, addClass), format, numberReader(name));
  const lengths = targetLengths(rows, options);
  const { offsets, total } = packedOffsets(lengths);
  const data = packRows(rows, lengths, offsets, new Float32Array(total * classes));
  checkValues(data, offsets, options);
  return { kind: 'values', perStep, width: classes, data };
}

/** A vector target is a sequence of one step, a number a step of one channel: then one path reads them all. */
function withSteps(y: TargetInput, perStep: boolean, addClass: boolean): unknown {
  if (isTensor(y)) {
    const [count = 0, ...rest] = y.shape;
    return { data: y.data, shape: [count, ...(perStep ? [] : [1]), ...rest, ...(addClass ? [1] : [])] };
  }
  if (typedArrayName(y) !== undefined)
    return withSteps({ data: y, shape: [y.length] } as Tensor, perStep, addClass);
  const rows: unknown[] = Array.from(y as ArrayLike<unknown>);
  if (!perStep) return rows.map((row) => [addClass ? [row] : row]);
  if (!addClass) return rows;
  return rows.map((row) => (isList(row) ? Array.from(row, (value) => [value]) : row));
}

/** Rows have their input's steps, or are all padded to one number of steps that is enough for every input. */
function targetLengths(rows: Rows, { lengths, perStep, name }: Named): Int32Array {
  const own = rows.ownLengths;
  if (own.length !== lengths.length) {
    throw unexpected(name, `one row for each of the ${lengths.length} sequences`, `${own.length}`);
  }
  if (!perStep) return own;
  const padded = own.every((length) => length === own[0]);
  const bad = lengths.findIndex((length, row) => (padded ? own[row]! < length : own[row] !== length));
  if (bad < 0) return lengths;
  const expected = `a target for each of its ${lengths[bad]} time steps`;
  throw unexpected(`${name} row ${bad}`, expected, `${own[bad]}`, { row: bad });
}

function checkValues(data: Float32Array, offsets: Float64Array, options: Named): void {
  const { loss, classes } = options;
  const check = (bad: number, expected: string, received: unknown = data[bad]) => {
    if (bad >= 0) throw wrongValue(expected, received, placeOf(bad, classes, offsets), options);
  };
  check(firstNonFinite(data), 'finite float32 numbers');
  if (loss === 'mse') return;
  const outside = data.findIndex((value) => value < 0 || value > 1 + sumTolerance);
  check(outside, `probabilities from 0 to 1 for ${loss}`);
  if (loss === 'binaryCrossEntropy') return;
  for (let start = 0; start < data.length; start += classes) {
    const sum = data.subarray(start, start + classes).reduce((a, b) => a + b, 0);
    if (Math.abs(sum - 1) > sumTolerance) check(start, `a distribution that sums to 1 for ${loss}`, sum);
  }
}

function wrongValue(
  expected: string,
  received: unknown,
  { row, step }: { readonly row: number; readonly step: number },
  { name, perStep }: Named,
): DataError {
  const where = perStep ? `row ${row}, step ${step}` : `row ${row}`;
  return new DataError(`${name} ${where}: expected ${expected}, received ${describe(received)}`, {
    name,
    expected,
    received,
    row,
    ...(perStep && { step }),
  });
}
