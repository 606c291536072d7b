import { z } from 'zod';
import { choice, field, flag, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { DataError } from '../errors.js';
import { RandomWords, streams } from './philox.js';
import { countOf, type Divisible, type RowKey, rowsByGroup, rowsByLabel, rowsInTime } from './rowKeys.js';
import { shuffleInPlace } from './shuffle.js';
import { tooFewRows } from './stratify.js';

/** Row numbers of one fold, ascending (with `forward` in the order of time). */
export interface Fold {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

interface Folds {
  /** How many, from 2. */
  readonly folds: number;
}

interface Shuffled extends Folds {
  /** Deal rows in random order; false takes them as they lie. Default true. */
  readonly shuffle?: boolean | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** Every row is validated once; sizes of folds differ by one at most. */
export interface PlainKFoldOptions extends Shuffled {
  readonly kind: 'plain';
}

/** As `plain`, and a class's rows in two folds differ by one at most. */
export interface StratifiedKFoldOptions extends Shuffled {
  readonly kind: 'stratified';
  /** [N] classes; by default `y`, where it is class ids [N]. */
  readonly labels?: ArrayLike<RowKey> | undefined;
}

/** A group's rows are validated together: the largest group goes to the smallest fold so far, and so on. */
export interface GroupedKFoldOptions extends Folds {
  readonly kind: 'grouped';
  /** [N] */
  readonly groups: ArrayLike<RowKey>;
  /** Which of equally large groups comes first. Default 0. */
  readonly seed?: number | undefined;
}

/** Validation moves forward in time, and training is what was before: no row is judged by a later one. */
export interface ForwardKFoldOptions extends Folds {
  readonly kind: 'forward';
  /** [N] when each row was; by default rows are in the order of time. */
  readonly times?: ArrayLike<number> | undefined;
  /** Rows left out between training and validation. Default 0. */
  readonly gap?: number | undefined;
  /** Rows validated in a fold. Default floor(N / (folds + 1)). */
  readonly validation?: number | undefined;
  /** The latest rows trained on in a fold; by default all. */
  readonly maxTrain?: number | undefined;
}

export type KFoldOptions =
  PlainKFoldOptions | StratifiedKFoldOptions | GroupedKFoldOptions | ForwardKFoldOptions;

// What these hold is checked against the number of rows.
const keys = field<ArrayLike<RowKey>>('one for each row', (value) => value !== undefined);
const times = field<ArrayLike<number>>('one for each row', () => true).optional();
const seeded = { seed: whole(0).default(0) };
const shuffled = { folds: whole(2), shuffle: flag.default(true), ...seeded };
const byName = {
  plain: settings({ kind: choice('plain'), ...shuffled }),
  stratified: settings({ kind: choice('stratified'), ...shuffled, labels: keys.optional() }),
  grouped: settings({ kind: choice('grouped'), folds: whole(2), ...seeded, groups: keys }),
  forward: settings({
    kind: choice('forward'),
    folds: whole(2),
    times,
    gap: whole(0).default(0),
    validation: whole(1).optional(),
    maxTrain: whole(1).optional(),
  }),
};
const kindSchema = z.looseObject({ kind: choice('plain', 'stratified', 'grouped', 'forward') });

/**
 * Divides rows into folds for cross-validation: each fold trains on some rows and validates with others. The same arguments
 * give the same folds.
 *
 * @param data `{ x, y }`, or only the number of rows.
 *
 * @example
 * ```ts
 * for (const { train, validation } of kFold(data, { kind: 'stratified', folds: 5, seed: 1 })) {
 *   await model.fit(selectRows(data, train), { loss: 'crossEntropy', validationData: selectRows(data, validation) });
 * }
 * ```
 *
 * @throws ConfigError, ShapeError for options that do not fit the data.
 * @throws DataError for fewer rows, groups or rows of a class than folds.
 */
export function kFold(data: Divisible, options: KFoldOptions): readonly Fold[] {
  const { kind } = parseOptions(kindSchema, options, 'kFold');
  const parsed = parseOptions<z.ZodType<KFoldOptions>>(byName[kind], options, 'kFold');
  const count = countOf(data);
  requireFolds(count, parsed.folds, 'rows');
  switch (parsed.kind) {
    case 'plain':
      return complements(plainParts(count, parsed), count);
    case 'stratified':
      return complements(stratifiedParts(rowsByLabel(data, parsed.labels), parsed), count);
    case 'grouped':
      return complements(groupedParts([...rowsByGroup(data, parsed.groups).values()], parsed), count);
    case 'forward':
      return forwardFolds(count, parsed);
  }
}

/** Each part validates once, the rest trains. */
function complements(parts: readonly (readonly number[])[], count: number): Fold[] {
  return parts.map((part) => {
    const chosen = new Set(part);
    const all = Uint32Array.from({ length: count }, (_, row) => row);
    return {
      train: all.filter((row) => !chosen.has(row)),
      validation: all.filter((row) => chosen.has(row)),
    };
  });
}

function plainParts(count: number, { folds, shuffle = true, seed = 0 }: Shuffled): number[][] {
  const rows = Array.from({ length: count }, (_, row) => row);
  if (shuffle) shuffleInPlace(rows, wordsOf(seed));
  const small = Math.floor(count / folds);
  const large = count % folds;
  const startOf = (k: number) => k * small + Math.min(k, large);
  return Array.from({ length: folds }, (_, k) => rows.slice(startOf(k), startOf(k + 1)));
}

/** Rows lie class by class and are dealt one to each fold in turn: so classes and folds both come out even. */
function stratifiedParts(
  byClass: ReadonlyMap<RowKey, number[]>,
  { folds, shuffle = true, seed = 0 }: Shuffled,
): number[][] {
  const words = wordsOf(seed);
  for (const [name, rows] of byClass) {
    if (rows.length < folds) throw tooFewRows(name, rows.length, `a row for each of ${folds} folds`);
    if (shuffle) shuffleInPlace(rows, words);
  }
  const parts = Array.from({ length: folds }, (): number[] => []);
  [...byClass.values()].flat().forEach((row, place) => parts[place % folds]!.push(row));
  return parts;
}

function groupedParts(groups: number[][], { folds, seed = 0 }: { folds: number; seed?: number }): number[][] {
  requireFolds(groups.length, folds, 'groups');
  const largestFirst = shuffleInPlace(groups, wordsOf(seed)).sort((a, b) => b.length - a.length);
  const parts = Array.from({ length: folds }, (): number[] => []);
  for (const group of largestFirst) {
    const smallest = parts.reduce((least, part) => (part.length < least.length ? part : least));
    for (const row of group) smallest.push(row);
  }
  return parts;
}

/** As scikit-learn's TimeSeriesSplit: the last folds · v rows are validated, v rows a fold. */
function forwardFolds(count: number, options: ForwardKFoldOptions): Fold[] {
  const { folds, gap = 0, maxTrain = Infinity } = options;
  const size = options.validation ?? Math.floor(count / (folds + 1));
  const { rows, times } = rowsInTime(count, options.times);
  const first = count - folds * size;
  if (size < 1 || first - gap < 1) {
    const expected = `more than ${folds} folds of ${size} rows and a gap of ${gap}`;
    throw new DataError(`kFold: expected ${expected}, received ${count} rows`, {
      name: 'kFold',
      expected,
      received: count,
    });
  }
  return Array.from({ length: folds }, (_, k) => {
    const start = first + k * size;
    const end = start - gap;
    const earlier = rows.slice(Math.max(0, end - maxTrain), end);
    const train = earlier.filter((row) => times[row]! < times[rows[start]!]!);
    if (train.length > 0) return { train, validation: rows.slice(start, start + size) };
    const expected = `rows before those of fold ${k + 1}`;
    throw new DataError(`kFold: expected ${expected}, received the same time for all`, {
      name: 'times',
      expected,
      received: times[rows[start]!],
    });
  });
}

function requireFolds(received: number, folds: number, unit: string): void {
  if (received >= folds) return;
  const expected = `at least ${folds} ${unit}, one for each fold`;
  throw new DataError(`kFold: expected ${expected}, received ${received}`, {
    name: 'kFold',
    expected,
    received,
  });
}

function wordsOf(seed: number): RandomWords {
  return new RandomWords(seed, streams.folds, 0);
}
