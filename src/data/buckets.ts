import type { RandomWords } from './philox.js';
import { shuffleInPlace } from './shuffle.js';

/**
 * How far rows of different lengths may change places: a row is sorted by its length times 1 to 1 + mixing. Batches
 * of long, nearly equal sequences are then not the same ones each epoch, and padding grows by half of it at most.
 */
const mixing = 0.02;

/** Steps of a length that are told apart, before chance decides. */
const finest = 256;

/** Rows in the order of their length; among rows of nearly one length the order is random. */
export function sortByLength(
  rows: Uint32Array,
  lengthOf: (row: number) => number,
  words: RandomWords,
): Uint32Array {
  const count = rows.length;
  const longest = rows.reduce((most, row) => Math.max(most, lengthOf(row)), 1);
  // Key and place in one number that float64 holds exactly: the built-in sort of numbers is many times faster than one that
  // compares by a function. Between equal keys the place decides.
  const steps = Math.min(finest, Math.floor(Number.MAX_SAFE_INTEGER / (2 * longest * count)));
  const keys = Float64Array.from(rows, (row, place) => {
    const key = lengthOf(row) * (1 + mixing * words.uniform());
    return Math.floor(key * steps) * count + place;
  });
  return Uint32Array.from(keys.sort(), (key) => rows[key % count]!);
}

/**
 * Cuts rows sorted by length into batches and puts the batches into a random order. A batch that is not full comes last
 * and is of any length, so that short batches are not always those of the longest rows.
 */
export function shuffledBatches(sorted: Uint32Array, batchSize: number, words: RandomWords): Uint32Array[] {
  const full = Math.floor(sorted.length / batchSize);
  const rest = sorted.length - full * batchSize;
  const gap = rest > 0 ? words.below(full + 1) * batchSize : sorted.length;
  const startOf = (k: number) => k * batchSize + (k * batchSize >= gap ? rest : 0);
  const batches = Array.from({ length: full }, (_, k) => sorted.subarray(startOf(k), startOf(k) + batchSize));
  shuffleInPlace(batches, words);
  return rest > 0 ? [...batches, sorted.subarray(gap, gap + rest)] : batches;
}
