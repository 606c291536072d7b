import { describe } from '../config/describe.js';
import { DataError } from '../errors.js';
import {
  firstNonFinite,
  isList,
  numberReader,
  type NumberList,
  packRows,
  packedOffsets,
  placeOf,
  type Rows,
  rowsOf,
  unexpected,
} from './rows.js';
import { isTensor, type Tensor, typedArrayName } from './tensor.js';

/** Features: a tensor [N, T, C], or arrays `[sequence][step][channel]` whose sequences may differ in length. */
export type FeatureInput = Tensor | readonly (readonly NumberList[])[];

/** Token ids: a tensor [N, T] of integers, or one list of ids a sequence; lists may differ in length. */
export type TokenInput = Tensor | readonly NumberList[];

interface SequencesBase {
  /** N */
  readonly count: number;
  /** T: the steps the input came with, padding included. */
  readonly maxLength: number;
  /** [N], each 1..T */
  readonly lengths: Int32Array;
  /** All sequences have the same length. */
  readonly equalLengths: boolean;
  /** [N] first step of each sequence in `data`. */
  readonly offsets: Float64Array;
}

/** Checked features, copied, sequences back to back without padding. */
export interface FeatureSequences extends SequencesBase {
  readonly kind: 'features';
  /** C */
  readonly channels: number;
  /** [Σ lengths, C] */
  readonly data: Float32Array;
}

/** Checked token ids, copied, sequences back to back without padding. */
export interface TokenSequences extends SequencesBase {
  readonly kind: 'tokens';
  /** [Σ lengths] */
  readonly data: Int32Array;
}

export type Sequences = FeatureSequences | TokenSequences;

interface InputOptions {
  /** [N], each 1..T; default: all the steps a row came with. */
  readonly seqLengths?: ArrayLike<number> | undefined;
  /** The result is read before the caller can change its input: what has the result's form is taken as it is. */
  readonly borrowed?: boolean | undefined;
  /** What messages call the input; default `x`. */
  readonly name?: string;
}

/**
 * Features as the batches need them. Steps beyond `seqLengths` are padding and are not looked at.
 *
 * @throws ShapeError for another rank or number of channels, and for a number of `seqLengths` other than N.
 * @throws DataError for no sequences, a length outside 1..T, NaN or an infinity (with row, step and channel).
 */
export function featureSequences(
  x: FeatureInput,
  { channels, seqLengths, borrowed, name = 'x' }: InputOptions & { readonly channels: number },
): FeatureSequences {
  const format = { name, rank: 3, width: channels, expected: `features [N, T, ${channels}]` } as const;
  const rows = rowsOf(x, format, numberReader(name));
  const extent = measure(rows, seqLengths);
  const { offsets, total } = packedOffsets(extent.lengths);
  const whole = borrowed && total === extent.count * extent.maxLength ? rows.whole : undefined;
  const data =
    typedArrayName(whole) === 'Float32Array'
      ? (whole as Float32Array)
      : packRows(rows, extent.lengths, offsets, new Float32Array(total * channels));
  const bad = firstNonFinite(data);
  if (bad >= 0) {
    const place = placeOf(bad, channels, offsets);
    const where = `row ${place.row}, step ${place.step}, channel ${place.channel}`;
    throw new DataError(`${name} ${where}: expected a finite float32 number, received ${data[bad]}`, {
      name,
      expected: 'a finite float32 number',
      received: data[bad],
      ...place,
    });
  }
  return { kind: 'features', ...extent, channels, offsets, data };
}

/**
 * Token ids as the batches need them. Ids beyond `seqLengths` are padding and are not looked at.
 *
 * @throws ShapeError for another rank or element type, and for a number of `seqLengths` other than N.
 * @throws DataError for no sequences, a length outside 1..T, an id outside 0..vocabSize-1 (with row, step and id).
 */
export function tokenSequences(
  x: TokenInput,
  { vocabSize, seqLengths, name = 'x' }: InputOptions & { readonly vocabSize: number },
): TokenSequences {
  requireIntegers(x, name);
  const format = { name, rank: 2, width: 1, expected: 'token ids [N, T]' } as const;
  const rows = rowsOf(x, format, (value, row, step) => {
    // Checked before it is stored: an Int32Array would wrap 2^32 to 0.
    if (isId(value, vocabSize)) return value;
    throw outsideVocabulary(value, { name, row, step, vocabSize });
  });
  const extent = measure(rows, seqLengths);
  const { offsets, total } = packedOffsets(extent.lengths);
  const data = packRows(rows, extent.lengths, offsets, new Int32Array(total));
  const bad = data.findIndex((id) => id < 0 || id >= vocabSize);
  if (bad >= 0) {
    const { row, step } = placeOf(bad, 1, offsets);
    throw outsideVocabulary(data[bad], { name, row, step, vocabSize });
  }
  return { kind: 'tokens', ...extent, offsets, data };
}

/** A whole number from 0 to limit - 1. */
export function isId(value: unknown, limit: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < limit;
}

/** Refuses a tensor of ids that is made of floats. */
export function requireIntegers(ids: unknown, name: string): void {
  if (!isTensor(ids)) return;
  const type = typedArrayName(ids.data);
  if (type?.startsWith('Float'))
    throw unexpected(`${name}.data`, 'integers such as an Int32Array', `a ${type}`);
}

function outsideVocabulary(
  id: unknown,
  { name, row, step, vocabSize }: { name: string; row: number; step: number; vocabSize: number },
): DataError {
  const expected = `an id from 0 to ${vocabSize - 1}`;
  return new DataError(`${name} row ${row}, step ${step}: expected ${expected}, received ${describe(id)}`, {
    name,
    expected,
    received: id,
    row,
    step,
    id,
  });
}

function measure(rows: Rows, seqLengths: ArrayLike<number> | undefined) {
  const { name, ownLengths } = rows;
  const count = ownLengths.length;
  if (count === 0) {
    throw new DataError(`${name}: expected at least one sequence, received none`, {
      name,
      expected: 'at least one sequence',
      received: 0,
    });
  }
  const lengths = seqLengths === undefined ? ownLengths : checkLengths(seqLengths, ownLengths, name);
  const empty = lengths.indexOf(0);
  if (empty >= 0) {
    throw new DataError(`${name} row ${empty}: expected at least one time step, received none`, {
      name,
      expected: 'at least one time step',
      received: 0,
      row: empty,
    });
  }
  return {
    count,
    maxLength: ownLengths.reduce((a, b) => Math.max(a, b), 0),
    lengths,
    equalLengths: lengths.every((length) => length === lengths[0]),
  };
}

function checkLengths(seqLengths: unknown, own: Int32Array, name: string): Int32Array {
  if (!isList(seqLengths) || seqLengths.length !== own.length) {
    const received = isList(seqLengths) ? `${seqLengths.length}` : describe(seqLengths);
    throw unexpected('seqLengths', `one length for each of the ${own.length} rows of ${name}`, received);
  }
  return own.map((limit, row) => {
    const length = seqLengths[row];
    if (isId(length, limit + 1) && length > 0) return length;
    const expected = `a whole number from 1 to ${limit}`;
    throw new DataError(`seqLengths row ${row}: expected ${expected}, received ${describe(length)}`, {
      name: 'seqLengths',
      expected,
      received: length,
      row,
    });
  });
}
