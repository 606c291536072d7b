/** Two symbols that become one. */
export type Merge = readonly [left: number, right: number];

/** A piece of text as symbols, and how often it was seen. */
export interface CountedWord {
  readonly symbols: readonly number[];
  readonly count: number;
}

/** A pair of neighbours: how often it stands in all words, and which words it stands in. */
interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  readonly words: Set<number>;
}

const firstMerged = 256;

/**
 * Up to `limit` merges of the pair seen most often, `minFrequency` times or more; of equal ones that of the lower left,
 * then of the lower right symbol. Merge k makes symbol 256 + k. (Sennrich et al. 2016, algorithm 1, with the counts kept
 * from merge to merge instead of counted anew.)
 */
export function learnMerges(
  counted: readonly CountedWord[],
  limit: number,
  minFrequency: number,
): [left: number, right: number][] {
  const words = counted.map(({ symbols }) => [...symbols]);
  const counts = counted.map(({ count }) => count);
  const pairs = new PairCounts();
  words.forEach((symbols, word) => pairs.add(symbols, word, counts[word]!));
  const merges: [number, number][] = [];
  while (merges.length < limit) {
    const best = pairs.takeMostFrequent();
    if (best === undefined || best.count < minFrequency) break;
    const symbol = firstMerged + merges.length;
    merges.push([best.left, best.right]);
    // A copy: the words of the pair change on the way.
    for (const word of Int32Array.from(best.words)) {
      pairs.add(words[word]!, word, -counts[word]!);
      words[word] = merged(words[word]!, best, symbol);
      pairs.add(words[word]!, word, counts[word]!);
    }
  }
  return merges;
}

function merged(symbols: readonly number[], { left, right }: Pair, symbol: number): number[] {
  const result: number[] = [];
  for (let at = 0; at < symbols.length; at++) {
    const here = symbols[at] === left && symbols[at + 1] === right;
    result.push(here ? symbol : symbols[at]!);
    if (here) at += 1;
  }
  return result;
}

/** A pair with the count it had when it was put in the heap. */
interface Entry {
  readonly pair: Pair;
  readonly count: number;
}

/** Counts of pairs, and a heap of them in which an entry whose count has changed since is skipped. */
class PairCounts {
  readonly #pairs = new Map<number, Pair>();
  readonly #heap: Entry[] = [];
  /** Pairs whose count may have changed since the heap was last asked. */
  readonly #touched = new Set<Pair>();

  /** Adds `count` (below 0: takes away) for each pair of a word. */
  add(symbols: readonly number[], word: number, count: number): void {
    for (let at = 0; at + 1 < symbols.length; at++) {
      const pair = this.#pair(symbols[at]!, symbols[at + 1]!);
      pair.count += count;
      if (count > 0) pair.words.add(word);
      else pair.words.delete(word);
      this.#touched.add(pair);
    }
  }

  takeMostFrequent(): Pair | undefined {
    for (const pair of this.#touched) this.#push({ pair, count: pair.count });
    this.#touched.clear();
    for (let entry = this.#pop(); entry !== undefined; entry = this.#pop()) {
      if (entry.count === entry.pair.count && entry.count > 0) return entry.pair;
    }
    return undefined;
  }

  #pair(left: number, right: number): Pair {
    const key = left * 0x400_0000 + right;
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    const pair = { left, right, count: 0, words: new Set<number>() };
    this.#pairs.set(key, pair);
    return pair;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!comesBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && comesBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!comesBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function comesBefore(a: Entry, b: Entry): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.pair.left === b.pair.left ? a.pair.right < b.pair.right : a.pair.left < b.pair.left;
}
