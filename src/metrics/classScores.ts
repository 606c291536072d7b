import type { Average, ClassReport } from './metric.js';

/** Counts of one class. */
export interface ClassCount {
  readonly right: number;
  readonly predicted: number;
  readonly actual: number;
}

type Score = 'precision' | 'recall' | 'f1';

/** The rows of a [K, 3] table of counts. */
export function classRows(counts: Float64Array): ClassCount[] {
  return Array.from({ length: counts.length / 3 }, (_, k) => ({
    right: counts[3 * k]!,
    predicted: counts[3 * k + 1]!,
    actual: counts[3 * k + 2]!,
  }));
}

/** Classes 0 and 1 from the counts of class 1 among `count` rows. */
export function bothClasses({ right, predicted, actual }: ClassCount, count: number): ClassCount[] {
  const neither = count - predicted - actual + right;
  return [
    { right: neither, predicted: count - predicted, actual: count - actual },
    { right, predicted, actual },
  ];
}

/** One class's score; 0 / 0 = 0. */
export function scoreOf(score: Score, { right, predicted, actual }: ClassCount): number {
  if (score === 'f1') return ratio(2 * right, predicted + actual);
  return ratio(right, score === 'precision' ? predicted : actual);
}

/**
 * Classes' scores as one number.
 *
 * @param everyClass Classes that never occur count in a mean as well: labels of a multi-label model.
 */
export function averageScore(
  score: Score,
  classes: readonly ClassCount[],
  average: Average,
  everyClass: boolean,
): number {
  if (average === 'binary') return scoreOf(score, classes[1]!);
  if (average === 'micro') return scoreOf(score, total(classes));
  const counted = everyClass ? classes : classes.filter(({ predicted, actual }) => predicted + actual > 0);
  const weights = counted.map(({ actual }) => (average === 'weighted' ? actual : 1));
  const scores = counted.map((one) => scoreOf(score, one));
  return ratio(
    scores.reduce((sum, value, k) => sum + weights[k]! * value, 0),
    weights.reduce((a, b) => a + b, 0),
  );
}

export function classReport(classes: readonly ClassCount[]): ClassReport {
  const each = (score: Score) => Object.freeze(classes.map((one) => scoreOf(score, one)));
  return Object.freeze({
    precision: each('precision'),
    recall: each('recall'),
    f1: each('f1'),
    support: Object.freeze(classes.map(({ actual }) => actual)),
  });
}

function total(classes: readonly ClassCount[]): ClassCount {
  return classes.reduce((sum, { right, predicted, actual }) => ({
    right: sum.right + right,
    predicted: sum.predicted + predicted,
    actual: sum.actual + actual,
  }));
}

function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}
