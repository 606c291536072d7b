import { RandomWords, streams } from './philox.js';
import { shuffleInPlace } from './shuffle.js';

/**
 * Rows of an epoch in which every class comes equally often: as many draws as there are rows, in rounds of one row of each
 * class, the classes of a round in random order. A class's rows are gone through in random order, and none comes again
 * before all have come; so rows of small classes come several times and some of large ones not in this epoch.
 */
export function balancedOrder(labels: ArrayLike<number>, seed: number, epoch: number): Uint32Array {
  const words = new RandomWords(seed, streams.balance, epoch);
  const classes = [...rowsByClass(labels).values()].map((rows) => new Cycle(rows, words));
  const order = new Uint32Array(labels.length);
  for (let drawn = 0; drawn < order.length;) {
    for (const rows of shuffleInPlace([...classes], words)) {
      if (drawn < order.length) order[drawn++] = rows.next();
    }
  }
  return order;
}

function rowsByClass(labels: ArrayLike<number>): Map<number, number[]> {
  const byClass = new Map<number, number[]>();
  for (let row = 0; row < labels.length; row++) {
    const rows = byClass.get(labels[row]!);
    if (rows) rows.push(row);
    else byClass.set(labels[row]!, [row]);
  }
  return byClass;
}

/** Gives a class's rows in random order, over and over, each time in another. */
class Cycle {
  readonly #rows: number[];
  readonly #words: RandomWords;
  #next: number;

  constructor(rows: number[], words: RandomWords) {
    this.#rows = rows;
    this.#words = words;
    this.#next = rows.length;
  }

  next(): number {
    if (this.#next === this.#rows.length) {
      shuffleInPlace(this.#rows, this.#words);
      this.#next = 0;
    }
    return this.#rows[this.#next++]!;
  }
}
