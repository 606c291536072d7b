import { describe } from '../config/describe.js';
import { DataError } from '../errors.js';
import type { MissingRule } from './options.js';
import { levelOf, type FittedScaler } from './scaler.js';
import type { OneSeries } from './seriesRows.js';

/** What fitting learnt of a column. */
export interface FittedColumn {
  /** Of values seen in the training part. */
  readonly mean: number;
  /** Of levels, or with `difference: 'previous'` of a target's differences. */
  readonly scaler: FittedScaler;
}

/**
 * A column of one series as levels, with its missing values filled by what is known at a time. A value after that time
 * never decides what stands for a missing one before it.
 */
export class FilledColumn {
  readonly #series: OneSeries;
  readonly #name: string;
  readonly #values: Float64Array;
  readonly #levels: Float64Array;
  readonly #rule: MissingRule;
  readonly #fitted: FittedColumn;
  /** [S] the last step up to this one that has a value; -1 for none. */
  readonly #before: Int32Array;
  /** [S] the first step from this one on that has a value; S for none. */
  readonly #after: Int32Array;

  /** @throws DataError for a value without logarithm under `log`. */
  constructor(series: OneSeries, name: string, rule: MissingRule, fitted: FittedColumn) {
    this.#series = series;
    this.#name = name;
    this.#values = series.values[name]!;
    this.#levels = levels(series, name, fitted.scaler);
    this.#rule = rule;
    this.#fitted = fitted;
    const steps = this.#values.length;
    this.#before = new Int32Array(steps);
    this.#after = new Int32Array(steps);
    for (let step = 0, last = -1; step < steps; step++) {
      if (!this.missing(step)) last = step;
      this.#before[step] = last;
    }
    for (let step = steps - 1, next = steps; step >= 0; step--) {
      if (!this.missing(step)) next = step;
      this.#after[step] = next;
    }
  }

  missing(step: number): boolean {
    return Number.isNaN(this.#values[step]!);
  }

  /** The level at a step, with what is known at step `now`. @throws DataError for a missing value under `error`. */
  level(step: number, now: number): number {
    if (!this.missing(step)) return this.#levels[step]!;
    return levelOf(this.#fitted.scaler.kind, this.#fill(step, now));
  }

  /** The level of the last value up to a step; the mean's where there is none. */
  lastLevel(step: number): number {
    const before = this.#before[step]!;
    return before < 0 ? levelOf(this.#fitted.scaler.kind, this.#fitted.mean) : this.#levels[before]!;
  }

  #fill(step: number, now: number): number {
    if (typeof this.#rule === 'number') return this.#rule;
    if (this.#rule === 'error') requireValues(this.#series, this.#name, step, step + 1);
    const before = this.#before[step]!;
    if (this.#rule === 'mean' || before < 0) return this.#fitted.mean;
    const value = this.#values[before]!;
    const after = this.#after[step]!;
    if (this.#rule === 'forward' || after > now) return value;
    return value + ((step - before) / (after - before)) * (this.#values[after]! - value);
  }
}

/**
 * The levels of a column of a series, NaN where a value is missing.
 *
 * @throws DataError for a value without logarithm under `log`.
 */
export function levels(
  { rows, values }: OneSeries,
  name: string,
  { kind }: Pick<FittedScaler, 'kind'>,
): Float64Array {
  return values[name]!.map((value, step) => {
    if (kind === 'log' && value <= 0) {
      throw wrongValue(name, rows[step]!, "a number above 0 for the scaler 'log'", value);
    }
    return levelOf(kind, value);
  });
}

/** For the rule `error`. @throws DataError for a missing value from step `from` to, but not, `to`. */
export function requireValues({ rows, values }: OneSeries, name: string, from: number, to: number): void {
  const step = values[name]!.subarray(from, to).findIndex(Number.isNaN);
  if (step < 0) return;
  const expected = "a number, the rule for missing values being 'error'";
  throw wrongValue(name, rows[from + step]!, expected, Number.NaN);
}

function wrongValue(name: string, row: number, expected: string, received: number): DataError {
  const message = `column '${name}', row ${row}: expected ${expected}, received ${describe(received)}`;
  return new DataError(message, { name, row, expected, received });
}
