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
  /** Its kind; a custom loss takes rows of any width. */
  readonly loss: string;
  /** K of the model's output, or how many targets its channels are of. */
  readonly classes: number;
  /** crossEntropy by ids: the id that does not count. */
  readonly ignoreIndex?: number | undefined;
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
  if (loss === 'custom' && (rank === fullRank || rank === fullRank - 1)) {
    const width = rank === fullRank ? lastExtent(y) : 1;
    return valueTargets(y, rank, { ...named, classes: width });
  }
  if (loss === 'crossEntropy' && rank === fullRank - 1) return idTargets(y, named);
  if (loss === 'crossEntropy' && rank === fullRank && named.ignoreIndex !== undefined) {
    throw unexpected(name, `class ids [${perStep ? 'N, T' : 'N'}] for an ignoreIndex`, describeArray(y));
  }
  if (rank === fullRank || (rank === fullRank - 1 && classes === 1)) return valueTargets(y, rank, named);
  throw unexpected(name, expectation(named), describeArray(y));
}

/** W of rows [N, W] or [N, T, W]. */
function lastExtent(y: TargetInput): number {
  if (isTensor(y)) return y.shape.at(-1)!;
  let inner: unknown = y;
  while (isList(inner) && isList(inner[0])) inner = inner[0];
  return isList(inner) ? inner.length : 1;
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
  const { classes, perStep, name, ignoreIndex } = options;
  const shaped = withSteps(y, perStep, false);
  requireIntegers(shaped, name);
  const format = { name, rank: 2, width: 1, expected: expectation(options) } as const;
  const other = ignoreIndex === undefined ? '' : `, or ${ignoreIndex}`;
  const expected = `a class id from 0 to ${classes - 1}${other}`;
  const accepts = (id: unknown): id is number =>
    isId(id, classes) || (id === ignoreIndex && id !== undefined);
  const rows = rowsOf(shaped, format, (value, row, step) => {
    if (accepts(value)) return value;
    throw wrongValue(expected, value, { row, step }, options);
  });
  const lengths = targetLengths(rows, options);
  const { offsets, total } = packedOffsets(lengths);
  const data = packRows(rows, lengths, offsets, new Int32Array(total));
  const bad = data.findIndex((id) => !accepts(id));
  if (bad >= 0) throw wrongValue(expected, data[bad], placeOf(bad, 1, offsets), options);
  if (ignoreIndex !== undefined && data.every((id) => id === ignoreIndex)) {
    throw wrongValue(
      `at least one id that is not the ignoreIndex ${ignoreIndex}`,
      ignoreIndex,
      { row: 0, step: 0 },
      options,
    );
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
  if (loss !== 'crossEntropy' && loss !== 'binaryCrossEntropy') return;
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

/** Weights of sequences [N], or of the live steps [Σ lengths]. */
export interface SampleWeights {
  readonly perStep: boolean;
  readonly data: Float32Array;
}

/** One weight >= 0 a sequence, or, for sequence outputs, one a step: [N, T] as a tensor or nested arrays. */
export type SampleWeightInput = ArrayLike<number> | Tensor | readonly ArrayLike<number>[];

/**
 * Sample weights as batches need them.
 *
 * @throws ShapeError for other rows or steps than the input's.
 * @throws DataError for a weight below 0 or not finite.
 */
export function sampleWeightsFor(
  weights: SampleWeightInput,
  { perStep, lengths }: { readonly perStep: boolean; readonly lengths: Int32Array },
): SampleWeights {
  const name = 'sampleWeights';
  if (!perStep || rankOf(weights) !== 2)
    return { perStep: false, data: sequenceWeights(weights, lengths.length) };
  const given = { loss: 'mse', classes: 1, perStep, lengths, name };
  const { data } = targetsFor(weights as TargetInput, given);
  const bad = data.findIndex((weight) => !(weight >= 0));
  if (bad >= 0) {
    const { offsets } = packedOffsets(lengths);
    throw wrongValue('a finite number of at least 0', data[bad], placeOf(bad, 1, offsets), given);
  }
  return { perStep, data: data as Float32Array };
}

function sequenceWeights(given: unknown, count: number): Float32Array {
  const weights = isTensor(given) && rankOf(given) === 1 ? given.data : given;
  if (rankOf(weights) > 1) {
    const expected = `one weight for each of the ${count} rows`;
    throw unexpected('sampleWeights', expected, describeArray(weights));
  }
  if (!isList(weights) || weights.length !== count) {
    const received = isList(weights) ? `${weights.length}` : describe(weights);
    throw unexpected('sampleWeights', `one weight for each of the ${count} rows`, received);
  }
  return Float32Array.from(weights, (weight, row) => {
    if (typeof weight === 'number' && weight >= 0 && Number.isFinite(Math.fround(weight))) return weight;
    const place = { row, step: 0 };
    const options = {
      loss: 'mse',
      classes: 1,
      perStep: false,
      lengths: new Int32Array(0),
      name: 'sampleWeights',
    };
    throw wrongValue('a finite number of at least 0', weight, place, options);
  });
}
