import { choice, field, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { describe } from '../config/describe.js';
import { DataError } from '../errors.js';
import { RandomWords, streams } from './philox.js';
import {
  isList,
  numberReader,
  packRows,
  packedOffsets,
  rankOf,
  type Rows,
  rowsOf,
  unexpected,
} from './rows.js';
import { type FeatureInput, isId, requireIntegers, type TokenInput } from './sequences.js';
import { isTensor, type Tensor } from './tensor.js';

export interface PadSequencesOptions {
  /** T of the result. Default: the longest sequence. */
  readonly maxLength?: number | undefined;
  /**
   * Where shorter sequences are filled up. At the end, padding stays padding: the lengths say so, and the model never sees it.
   * At the start, or divided between both sides at random, padding becomes time steps like any other, as in Keras without a
   * mask. Default `end`.
   */
  readonly padding?: 'end' | 'start' | 'random' | undefined;
  /** Which side of a longer sequence is cut off. Default `end`. */
  readonly truncation?: 'end' | 'start' | undefined;
  /** What fills: a feature's value in every channel, or a token id. Default 0. */
  readonly value?: number | undefined;
  /** For `padding: 'random'`. Default 0. */
  readonly seed?: number | undefined;
}

/** Sequences of one length, as `fit`, `evaluate` and `predict` take them. */
export interface PaddedSequences {
  /** [N, T, C] features in float32, or [N, T] token ids in int32. */
  readonly x: Tensor<Float32Array> | Tensor<Int32Array>;
  /** [N] time steps that count: with padding at the end a sequence's own, else T. */
  readonly seqLengths: Int32Array;
}

const schema = settings({
  maxLength: whole(1).optional(),
  padding: choice('end', 'start', 'random').default('end'),
  truncation: choice('end', 'start').default('end'),
  value: field<number>('a finite number', Number.isFinite).default(0),
  seed: whole(0).default(0),
});

/**
 * Makes sequences one length. `fit` needs none of this: it takes sequences of different lengths and gives lengths to the
 * device. It is for models that were trained on padding, for a longest length, and for data to be kept as one tensor.
 *
 * @param x Features `[sequence][step][channel]` or token ids `[sequence][step]`.
 *
 * @example
 * ```ts
 * const padded = padSequences(tokens, { maxLength: 100, truncation: 'start' }); // the last 100 of longer ones
 * await model.fit({ ...padded, y }, { loss: 'binaryCrossEntropy' });
 * ```
 *
 * @throws ConfigError, ShapeError.
 * @throws DataError for no sequences, a sequence without steps, and ids that are no whole numbers from 0.
 */
export function padSequences(
  x: FeatureInput | TokenInput,
  options: PadSequencesOptions = {},
): PaddedSequences {
  const parsed = parseConfig(schema, options, 'padSequences');
  const rank = rankOf(x);
  const rows = rank === 3 ? featureRows(x as FeatureInput) : tokenRows(x as TokenInput, rank);
  const own = rows.ownLengths;
  requireSteps(own);
  const timeSteps = parsed.maxLength ?? own.reduce((a, b) => Math.max(a, b), 0);
  const data =
    rank === 3
      ? new Float32Array(own.length * timeSteps * rows.width)
      : new Int32Array(own.length * timeSteps);
  if (rank !== 3 && !isId(parsed.value, idLimit)) throw refused('value', 'a token id', parsed.value, {});
  data.fill(parsed.value);
  const place = placing(parsed.padding, new RandomWords(parsed.seed, streams.padding, 0));
  const packed = packAll(rows, data);
  own.forEach((length, row) => {
    const kept = Math.min(length, timeSteps);
    const from = packed.offsets[row]! + (parsed.truncation === 'start' ? length - kept : 0);
    const to = row * timeSteps + place(timeSteps - kept);
    data.set(packed.data.subarray(from * rows.width, (from + kept) * rows.width), to * rows.width);
  });
  return {
    x: {
      data,
      shape: rank === 3 ? [own.length, timeSteps, rows.width] : [own.length, timeSteps],
    } as PaddedSequences['x'],
    seqLengths: own.map((length) => (parsed.padding === 'end' ? Math.min(length, timeSteps) : timeSteps)),
  };
}

/** Steps before a sequence that is `missing` steps too short. */
function placing(padding: 'end' | 'start' | 'random', words: RandomWords): (missing: number) => number {
  if (padding === 'end') return () => 0;
  return padding === 'start' ? (missing) => missing : (missing) => words.below(missing + 1);
}

function packAll(rows: Rows, like: Float32Array | Int32Array) {
  const { offsets, total } = packedOffsets(rows.ownLengths);
  const size = total * rows.width;
  const data = like instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);
  return { offsets, data: packRows(rows, rows.ownLengths, offsets, data) };
}

function featureRows(x: FeatureInput): Rows {
  const width = isTensor(x) ? x.shape[2]! : x[0]![0]!.length;
  return rowsOf(x, { name: 'x', rank: 3, width, expected: 'features [N, T, C]' }, numberReader('x'));
}

function tokenRows(x: TokenInput, rank: number): Rows {
  requireIntegers(x, 'x');
  if (Array.isArray(x) && x.length === 0) throw refused('x', 'at least one sequence', 'none', {});
  if (rank !== 2) {
    const received = isList(x) || isTensor(x) ? `rank ${rank}` : describe(x);
    throw unexpected('x', 'features [N, T, C] or token ids [N, T]', received);
  }
  return rowsOf(x, { name: 'x', rank: 2, width: 1, expected: 'token ids [N, T]' }, (id, row, step) => {
    if (isId(id, idLimit)) return id;
    throw refused(`x row ${row}, step ${step}`, 'a token id, a whole number from 0', id, { row, step });
  });
}

/** Ids are int32. */
const idLimit = 2 ** 31;

function requireSteps(lengths: Int32Array): void {
  if (lengths.length === 0) throw refused('x', 'at least one sequence', 'none', {});
  const row = lengths.indexOf(0);
  if (row >= 0) throw refused(`x row ${row}`, 'at least one time step', 'none', { row });
}

function refused(where: string, expected: string, received: unknown, place: object): DataError {
  const text = received === 'none' ? received : describe(received);
  return new DataError(`${where}: expected ${expected}, received ${text}`, {
    name: where === 'value' ? 'value' : 'x',
    expected,
    received,
    ...place,
  });
}
