import { RandomWords, streams } from './philox.js';

/**
 * The order in which an epoch visits its rows: a permutation of 0 .. count-1.
 * It depends on nothing but its arguments, so a resumed run sees the same order.
 *
 * Fisher and Yates as in Durstenfeld, "Algorithm 235: Random permutation", CACM 7 (1964).
 */
export function permutation(count: number, seed: number, epoch: number): Uint32Array {
  const words = new RandomWords(seed, streams.shuffle, epoch);
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = words.below(last + 1);
    const held = order[last]!;
    order[last] = order[other]!;
    order[other] = held;
  }
  return order;
}
