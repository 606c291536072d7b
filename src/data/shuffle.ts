import { RandomWords, streams } from './philox.js';

/**
 * The order in which an epoch visits its rows: a permutation of 0 .. count-1.
 * It depends on nothing but its arguments, so a resumed run sees the same order.
 */
export function permutation(count: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  return shuffleInPlace(order, new RandomWords(seed, streams.shuffle, epoch));
}

/**
 * Puts a list into a random order, each equally likely.
 *
 * Fisher and Yates as in Durstenfeld, "Algorithm 235: Random permutation", CACM 7 (1964).
 */
export function shuffleInPlace<L extends Uint32Array | unknown[]>(list: L, words: RandomWords): L {
  for (let last = list.length - 1; last > 0; last--) {
    const other = words.below(last + 1);
    const held = list[last]!;
    list[last] = list[other]!;
    list[other] = held;
  }
  return list;
}
