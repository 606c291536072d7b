import { z } from 'zod';
import { choice, field, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { DataError } from '../errors.js';
import { RandomWords, streams } from './philox.js';
import { countOf, type Divisible, type RowKey, rowsByGroup, rowsByLabel, rowsInTime } from './rowKeys.js';
import { shuffleInPlace } from './shuffle.js';
import { dealByClass } from './stratify.js';

export { kFold, type Fold, type KFoldOptions } from './folds.js';
export { selectRows, type RowData } from './selectRows.js';

/** Row numbers of each part, 0 .. N-1, ascending (with `by: 'time'` in the order of time); no row is in two parts. */
export interface Split {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** Empty without `test`. */
  readonly test: Uint32Array;
}

interface Parts {
  /** A share, 0 < share < 1, or a number of rows from 1; of groups with `by: 'group'`. */
  readonly validation: number;
  /** The same for a third part. Default 0: none. */
  readonly test?: number | undefined;
}

interface Seeded {
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** The last rows, in their order, as Keras' validation split. */
export interface TailSplitOptions extends Parts {
  readonly by: 'tail';
}

/** Random rows. */
export interface RandomSplitOptions extends Parts, Seeded {
  readonly by: 'random';
}

/** Random rows with each class's share the same in all parts, to within one row. */
export interface StratifiedSplitOptions extends Parts, Seeded {
  readonly by: 'stratified';
  /** [N] classes; by default `y`, where it is class ids [N]. */
  readonly labels?: ArrayLike<RowKey> | undefined;
}

/** Random groups: rows of one group (a speaker, a patient) are in one part. */
export interface GroupSplitOptions extends Parts, Seeded {
  readonly by: 'group';
  /** [N] */
  readonly groups: ArrayLike<RowKey>;
}

/** The latest rows: train, then validation, then test. */
export interface TimeSplitOptions extends Parts {
  readonly by: 'time';
  /**
   * [N] when each row was; by default rows are in the order of time. Rows as late as the first of the next part belong to no
   * part.
   */
  readonly times?: ArrayLike<number> | undefined;
  /** Rows left out between two parts: windows that overlap then share nothing. Default 0. */
  readonly gap?: number | undefined;
}

export type SplitOptions =
  TailSplitOptions | RandomSplitOptions | StratifiedSplitOptions | GroupSplitOptions | TimeSplitOptions;

// What these hold is checked against the number of rows.
const keys = field<ArrayLike<RowKey>>('one for each row', (value) => value !== undefined);
const times = field<ArrayLike<number>>('one for each row', () => true).optional();
const seeded = { seed: whole(0).default(0) };
const parts = { validation: partSize(1), test: partSize(0).default(0) };
const byName = {
  tail: settings({ by: choice('tail'), ...parts }),
  random: settings({ by: choice('random'), ...parts, ...seeded }),
  stratified: settings({ by: choice('stratified'), ...parts, ...seeded, labels: keys.optional() }),
  group: settings({ by: choice('group'), ...parts, ...seeded, groups: keys }),
  time: settings({ by: choice('time'), ...parts, times, gap: whole(0).default(0) }),
};
const kindSchema = z.looseObject({ by: choice('tail', 'random', 'stratified', 'group', 'time') });

function partSize(least: 0 | 1) {
  return z.custom<number>(
    (value) =>
      typeof value === 'number' &&
      ((value > 0 && value < 1) || (Number.isSafeInteger(value) && value >= least)),
    { error: () => `a share above 0 and below 1, or a whole number from ${least}` },
  );
}

/**
 * Divides rows into a part to train on, one to validate with and, where asked for, one to test with. The same arguments give
 * the same parts. A share of N rows is ceil(share · N) of them; training gets the rest.
 *
 * @param data `{ x, y }`, or only the number of rows.
 *
 * @example
 * ```ts
 * const { train, validation } = split(data, { by: 'group', groups: speakers, validation: 0.2, seed: 1 });
 * ```
 *
 * @throws ConfigError, ShapeError for options that do not fit the data.
 * @throws DataError for parts that would be empty, and for a class with fewer rows than there are parts.
 */
export function split(data: Divisible, options: SplitOptions): Split {
  const { by } = parseOptions(kindSchema, options, 'split');
  const parsed = parseOptions<z.ZodType<SplitOptions>>(byName[by], options, 'split');
  const count = countOf(data);
  switch (parsed.by) {
    case 'tail':
      return tailParts(ascending(count), sizesOf(count, parsed, 'rows'));
    case 'random':
      return sortedParts(
        tailParts(shuffleInPlace(ascending(count), wordsOf(parsed)), sizesOf(count, parsed, 'rows')),
      );
    case 'stratified':
      return stratifiedParts(rowsByLabel(data, parsed.labels), parsed, count);
    case 'group':
      return groupParts([...rowsByGroup(data, parsed.groups).values()], parsed);
    case 'time':
      return timeParts(count, parsed);
  }
}

interface Sizes {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

/** Rounding slack: 0.07 · 100 is 7.000000000000001, and is 7 rows. */
const slack = 1e-9;

function sizesOf(count: number, { validation, test = 0 }: Parts, unit: string, left = count): Sizes {
  const sizeOf = (part: number) => (part < 1 ? Math.ceil(count * part - slack) : part);
  const sizes = { validation: sizeOf(validation), test: sizeOf(test) };
  const train = left - sizes.validation - sizes.test;
  if (train >= 1) return { train, ...sizes };
  const named = `${sizes.validation} to validate with${sizes.test > 0 ? ` and ${sizes.test} to test with` : ''}`;
  const expected = `more than the ${unit} left out and ${named}`;
  throw new DataError(`split: expected ${expected}, received ${count} ${unit}`, {
    name: 'split',
    expected,
    received: count,
  });
}

function tailParts(rows: Uint32Array, { train, validation }: Sizes): Split {
  const end = train + validation;
  return { train: rows.slice(0, train), validation: rows.slice(train, end), test: rows.slice(end) };
}

function sortedParts({ train, validation, test }: Split): Split {
  return { train: train.sort(), validation: validation.sort(), test: test.sort() };
}

function stratifiedParts(
  byClass: Map<RowKey, number[]>,
  options: StratifiedSplitOptions,
  count: number,
): Split {
  const sizes = sizesOf(count, options, 'rows');
  const wanted = sizes.test > 0 ? [sizes.test, sizes.validation] : [sizes.validation];
  const dealt = dealByClass(byClass, [...wanted, sizes.train], wordsOf(options));
  const train = dealt.at(-1)!;
  return sortedParts(
    sizes.test > 0
      ? { train, validation: dealt[1]!, test: dealt[0]! }
      : { train, validation: dealt[0]!, test: new Uint32Array(0) },
  );
}

function groupParts(groups: number[][], options: GroupSplitOptions): Split {
  const order = shuffleInPlace(ascending(groups.length), wordsOf(options));
  const chosen = tailParts(order, sizesOf(groups.length, options, 'groups'));
  const rowsOf = (ids: Uint32Array) => Uint32Array.from([...ids].flatMap((id) => groups[id]!));
  return sortedParts({
    train: rowsOf(chosen.train),
    validation: rowsOf(chosen.validation),
    test: rowsOf(chosen.test),
  });
}

function timeParts(count: number, options: TimeSplitOptions): Split {
  const { gap = 0 } = options;
  const { rows, times } = rowsInTime(count, options.times);
  const gaps = gap * (options.test === undefined || options.test === 0 ? 1 : 2);
  const { train, validation, test } = sizesOf(count, options, 'rows', count - gaps);
  const validationFrom = train + gap;
  const testFrom = count - test;
  const before = (part: Uint32Array, next: number) =>
    next < count ? part.filter((row) => times[row]! < times[rows[next]!]!) : part;
  const split = {
    train: before(rows.slice(0, train), validationFrom),
    validation: before(rows.slice(validationFrom, validationFrom + validation), testFrom),
    test: rows.slice(testFrom),
  };
  if (split.train.length > 0 && split.validation.length > 0) return split;
  const expected = 'rows before the first of the next part';
  throw new DataError(`split: expected ${expected}, received the same time for all`, {
    name: 'times',
    expected,
    received: times[rows[validationFrom]!],
  });
}

function ascending(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, row) => row);
}

function wordsOf({ seed = 0 }: Seeded): RandomWords {
  return new RandomWords(seed, streams.split, 0);
}
