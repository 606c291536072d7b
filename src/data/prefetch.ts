/**
 * Asks for items ahead of the one that is used, `depth` of them at most, so that a source reads and parses while a device
 * computes. What the source throws arrives in its place, after the items before it.
 */
export async function* prefetched<T>(items: AsyncGenerator<T>, depth: number): AsyncGenerator<T> {
  // A generator's own queue runs one request after the other.
  const ahead: Promise<IteratorResult<T>>[] = [];
  try {
    for (;;) {
      while (ahead.length <= depth) ahead.push(quietly(items.next()));
      const { done, value } = await ahead.shift()!;
      if (done) return;
      yield value;
    }
  } finally {
    // The reads under way may never end (a silent socket), so whoever stops early does not wait for them.
    const closed = quietly(items.return(undefined));
    if (ahead.length === 0) await closed;
  }
}

/** A promise that nobody may come to wait for: its failure is then nobody's. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
