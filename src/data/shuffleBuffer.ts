import { RandomWords, streams } from './philox.js';
import { shuffleInPlace } from './shuffle.js';

/**
 * Items in an order that is random within reach of a buffer: a random one of `size` held items goes on when the next is
 * read. With a buffer of all items every order is equally likely. Depends on seed, epoch and the items' order alone.
 */
export async function* shuffledThrough<T>(
  items: AsyncIterable<T>,
  size: number,
  seed: number,
  epoch: number,
): AsyncGenerator<T> {
  if (size <= 1) {
    yield* items;
    return;
  }
  const words = new RandomWords(seed, streams.shuffleBuffer, epoch);
  const held: T[] = [];
  for await (const item of items) {
    if (held.length < size) {
      held.push(item);
      continue;
    }
    const place = words.below(size);
    const next = held[place]!;
    held[place] = item;
    yield next;
  }
  yield* shuffleInPlace(held, words);
}
