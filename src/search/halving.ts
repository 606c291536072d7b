/** A value at a rung. */
interface Entry {
  readonly number: number;
  readonly value: number;
}

/** A trial and the rung, from 0, that it is to reach next. */
export interface Promotion {
  readonly number: number;
  readonly rung: number;
}

/**
 * Asynchronous successive halving: who goes on, decided from the values so far (Li, Jamieson, Rostamizadeh, Gonina,
 * Ben-tzur, Hardt, Recht, Talwalkar, "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2).
 * Of the n trials at a rung the best ⌊n/η⌋ may go on; the highest rung is asked first, so that none waits for a rung to
 * fill up.
 */
export class Halving {
  readonly #rungs: readonly Map<number, Entry>[];
  readonly #promoted: readonly Set<number>[];
  readonly #ended = new Set<number>();
  readonly #reductionFactor: number;
  readonly #sign: number;

  constructor(rungs: number, reductionFactor: number, mode: 'min' | 'max') {
    this.#rungs = Array.from({ length: rungs }, () => new Map<number, Entry>());
    this.#promoted = Array.from({ length: rungs }, () => new Set<number>());
    this.#reductionFactor = reductionFactor;
    this.#sign = mode === 'min' ? 1 : -1;
  }

  /** A trial's value at a rung; it was promoted from the rungs below. */
  record(number: number, rung: number, value: number): void {
    this.#rungs[rung]!.set(number, { number, value });
    for (let below = 0; below < rung; below++) this.#promoted[below]!.add(number);
  }

  /** A trial that cannot go on. */
  end(number: number): void {
    this.#ended.add(number);
  }

  /** The next trial to go on, which then counts as promoted; undefined while none may. */
  promote(): Promotion | undefined {
    for (let rung = this.#rungs.length - 2; rung >= 0; rung--) {
      const promoted = this.#promoted[rung]!;
      const entry = this.#best(rung).find(({ number }) => !promoted.has(number) && !this.#ended.has(number));
      if (entry === undefined) continue;
      promoted.add(entry.number);
      return { number: entry.number, rung: rung + 1 };
    }
    return undefined;
  }

  /** A promotion that came to nothing and has to be made again. */
  putBack({ number, rung }: Promotion): void {
    this.#promoted[rung - 1]!.delete(number);
  }

  // Of equal values the earlier trial comes first.
  #best(rung: number): Entry[] {
    const entries = [...this.#rungs[rung]!.values()];
    entries.sort((a, b) => this.#sign * (a.value - b.value) || a.number - b.number);
    return entries.slice(0, Math.floor(entries.length / this.#reductionFactor));
  }
}

/** The resources of the rungs: r, rη, rη², … below R, and R. */
export function rungResources(min: number, max: number, reductionFactor: number): number[] {
  const rungs: number[] = [];
  for (let resource = min; resource < max; resource *= reductionFactor) rungs.push(resource);
  return [...rungs, max];
}
