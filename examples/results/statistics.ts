/** Mean and standard deviation (n - 1) of a score over seeds. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  /** NaN for one value. */
  readonly deviation: number;
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  const count = values.length;
  if (count === 0) return undefined;
  const mean = values.reduce((a, b) => a + b, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : Number.NaN };
}
