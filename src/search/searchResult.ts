import { StateError } from '../errors.js';
import { csvLine } from '../training/csv.js';
import { resultSvg, type SearchSvgOptions } from './resultSvg.js';
import { resultRows, resultTable } from './resultTable.js';
import type { Leaf } from './space.js';
import type { TrialResult } from './trial.js';

/** A trial that can be compared. */
export type ScoredTrial<C> = TrialResult<C> & { readonly value: number };

/** What a search was made of, as its pictures need it. */
export interface SearchFacts {
  readonly mode: 'min' | 'max';
  readonly leaves: readonly Leaf[];
}

/** What a search came to: frozen. */
export class SearchResult<C = unknown> {
  /** By number. */
  readonly trials: readonly TrialResult<C>[];
  readonly mode: 'min' | 'max';
  readonly #facts: SearchFacts;

  /** @internal */
  constructor(trials: readonly TrialResult<C>[], facts: SearchFacts) {
    this.trials = Object.freeze(trials);
    this.mode = facts.mode;
    this.#facts = facts;
    Object.freeze(this);
  }

  /**
   * The best trial; with halving of those that came furthest, as values at less resource are no measure for more.
   *
   * @throws StateError when every trial failed; the first failure is in the message
   * @example
   * ```ts
   * const { config, value } = result.best;
   * ```
   */
  get best(): ScoredTrial<C> {
    const [best] = this.ranked;
    if (best !== undefined) return best;
    const first = this.trials.find(({ error }) => error !== undefined)?.error;
    throw new StateError(`best: all ${this.trials.length} trials failed, the first with: ${first?.message}`, {
      trials: this.trials.length,
      error: first,
    });
  }

  /** The trials that have a value, the best first; with halving those that came further before the others. */
  get ranked(): readonly ScoredTrial<C>[] {
    const sign = this.mode === 'min' ? 1 : -1;
    const scored = this.trials.filter((trial): trial is ScoredTrial<C> => trial.value !== undefined);
    return scored.toSorted(
      (a, b) => (b.resource ?? 0) - (a.resource ?? 0) || sign * (a.value - b.value) || a.number - b.number,
    );
  }

  /**
   * The trials as text, the best first, failed ones at the end.
   *
   * @example
   * ```ts
   * console.log(result.toTable());
   * ```
   */
  toTable(): string {
    return resultTable(this.#ordered(), this.#facts.leaves);
  }

  /** The same as CSV: a line of names, then one line a trial. */
  toCsv(): string {
    const rows = resultRows(this.#ordered(), this.#facts.leaves);
    const names = Object.keys(rows[0] ?? {});
    const header = Object.fromEntries(names.map((name) => [name, name]));
    return [header, ...rows].map((row) => `${csvLine(row, names)}\n`).join('');
  }

  /**
   * The values in the order of the trials with the best so far, and against each name of the space.
   *
   * @throws ConfigError for options that cannot be
   * @example
   * ```ts
   * await writeFile('search.svg', result.toSvg({ title: 'japanese vowels' }));
   * ```
   */
  toSvg(options: SearchSvgOptions = {}): string {
    return resultSvg(this.trials, this.#facts, options);
  }

  #ordered(): TrialResult[] {
    return [...this.ranked, ...this.trials.filter(({ value }) => value === undefined)];
  }
}
