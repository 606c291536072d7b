/**
 * Items in lists of at most `size`: what has arrived when the last list was dealt with, so that the answer to one line of
 * a pipe does not wait for the next.
 */
export async function* arriving<T>(items: AsyncIterable<T>, size: number): AsyncIterable<readonly T[]> {
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const first = await next;
      if (first.done === true) return;
      const list = [first.value];
      next = iterator.next();
      while (list.length < size) {
        const more = await Promise.race([next, nothingYet()]);
        if (more === undefined || more.done === true) break;
        list.push(more.value);
        next = iterator.next();
      }
      yield list;
    }
  } finally {
    next.catch(() => undefined);
    await iterator.return?.();
  }
}

// A turn of the event loop, in which what a pipe holds has been read.
function nothingYet(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}
