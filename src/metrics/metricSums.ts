/**
 * What a batch is counted into, and what an epoch's batches add up to. Symbols: K classes or labels, W targets.
 */
export interface MetricSums {
  /** Rows that are right (crossEntropy), or elements (binaryCrossEntropy). */
  readonly correct: number;
  readonly absoluteError: number;
  readonly squaredError: number;
  /** Σ log p of the target. */
  readonly logLikelihood: number;
  /** Rows or elements that count. */
  readonly count: number;
  /** [K, 3]: right, predicted, actual. */
  readonly classCounts?: Float64Array;
  /** [K, K]: actual, predicted. */
  readonly confusion?: Float64Array;
  /** Rows whose target is among the largest outputs. */
  readonly ranked?: number;
  /** [W, 8], see {@link targetSumNames}. */
  readonly targetSums?: Float64Array;
  readonly scored?: ScoredRows;
}

/** What stands in a target's eight sums: of 1, |p - t|, (p - t)², t, t², |p - t| / |t|, smape's terms, covered. */
export const targetSumNames = [
  'count',
  'absolute',
  'squared',
  'target',
  'targetSquared',
  'percentage',
  'symmetric',
  'covered',
] as const;

/** Rows with their scores, for metrics of order. */
export interface ScoredRows {
  /** [rows][K] */
  readonly scores: readonly ArrayLike<number>[];
  /** [rows]: the class, or a label's [K] of 0 and 1. */
  readonly labels: readonly (number | ArrayLike<number>)[];
  /** [rows] */
  readonly weights: readonly number[];
}

/** Adds batches up. */
export class MetricTotals implements MetricSums {
  correct = 0;
  absoluteError = 0;
  squaredError = 0;
  logLikelihood = 0;
  count = 0;
  ranked = 0;
  classCounts = new Float64Array(0);
  confusion = new Float64Array(0);
  targetSums = new Float64Array(0);
  readonly scored = {
    scores: [] as ArrayLike<number>[],
    labels: [] as (number | ArrayLike<number>)[],
    weights: [] as number[],
  };

  add(batch: MetricSums): void {
    this.correct += batch.correct;
    this.absoluteError += batch.absoluteError;
    this.squaredError += batch.squaredError;
    this.logLikelihood += batch.logLikelihood;
    this.count += batch.count;
    this.ranked += batch.ranked ?? 0;
    this.classCounts = sum(this.classCounts, batch.classCounts);
    this.confusion = sum(this.confusion, batch.confusion);
    this.targetSums = sum(this.targetSums, batch.targetSums);
    for (const key of ['scores', 'labels', 'weights'] as const) {
      for (const one of batch.scored?.[key] ?? []) (this.scored[key] as unknown[]).push(one);
    }
  }
}

function sum(total: Float64Array<ArrayBuffer>, batch: Float64Array | undefined): Float64Array<ArrayBuffer> {
  if (batch === undefined) return total;
  if (total.length === 0) return Float64Array.from(batch);
  batch.forEach((value, i) => (total[i]! += value));
  return total;
}
