import { DataError } from '../errors.js';
import type { RandomWords } from './philox.js';
import type { RowKey } from './rowKeys.js';
import { shuffleInPlace } from './shuffle.js';

/**
 * Deals rows into parts of the given sizes so that each class has its share of every part, to within one row. Each part in
 * turn takes the share that is due of what the parts before it left, rounded by largest remainders.
 *
 * @throws DataError for a class with fewer rows than there are parts, and for a part smaller than the number of classes.
 */
export function dealByClass(
  byClass: ReadonlyMap<RowKey, readonly number[]>,
  sizes: readonly number[],
  words: RandomWords,
): Uint32Array[] {
  requireEnough(byClass, sizes);
  const left = [...byClass.values()].map((rows) => shuffleInPlace([...rows], words));
  return sizes.map((size) => {
    const counts = largestRemainders(
      left.map((rows) => rows.length),
      size,
      words,
    );
    return Uint32Array.from(left.flatMap((rows, k) => rows.splice(0, counts[k])));
  });
}

/** `size` divided in proportion to `counts`: shares are rounded down, the rest goes to the largest remainders, ties at random. */
function largestRemainders(counts: readonly number[], size: number, words: RandomWords): number[] {
  const total = counts.reduce((a, b) => a + b, 0);
  const shares = counts.map((count) => Math.floor((size * count) / total));
  const missing = size - shares.reduce((a, b) => a + b, 0);
  const remainders = counts.map((count, k) => ({ k, value: (size * count) % total }));
  const largest = shuffleInPlace(remainders, words).sort((a, b) => b.value - a.value);
  for (const { k } of largest.slice(0, missing)) shares[k]! += 1;
  return shares;
}

function requireEnough(byClass: ReadonlyMap<RowKey, readonly number[]>, sizes: readonly number[]): void {
  for (const [name, rows] of byClass) {
    if (rows.length < sizes.length)
      throw tooFewRows(name, rows.length, `a row for each of ${sizes.length} parts`);
  }
  const small = sizes.find((size) => size < byClass.size);
  if (small === undefined) return;
  const expected = `at least ${byClass.size} rows in each part, one for each class`;
  throw new DataError(`split: expected ${expected}, received ${small}`, {
    name: 'split',
    expected,
    received: small,
  });
}

/** A class that cannot be in every part. */
export function tooFewRows(name: RowKey, received: number, expected: string): DataError {
  return new DataError(`class ${JSON.stringify(name)}: expected ${expected}, received ${received}`, {
    name: 'labels',
    expected,
    received,
    class: name,
  });
}
