import { ConfigError, ShapeError } from '../errors.js';
import { averageScore, classReport as reportOf, type ClassCount } from './classScores.js';
import type { Average, ClassReport } from './metric.js';
import { targetSumNames } from './metricSums.js';
import { errorValue } from './metricValues.js';
import { meanAreaUnderRoc } from './ranking.js';

/** Class ids, or numbers of one target, one a row. */
export type Column = ArrayLike<number>;

/** [rows] or [rows][W]. */
export type Table = Column | readonly Column[];

/** Weights of rows. */
export interface WeightOption {
  /** [rows], each >= 0. Default 1. */
  readonly weights?: Column | undefined;
}

/** What the scores of classes take. */
export interface ScoreOptions extends WeightOption {
  /** K; default one more than the largest id. */
  readonly classes?: number | undefined;
  /** Default `binary` for two classes, else `macro`. */
  readonly average?: Average | undefined;
}

/**
 * Share of rows whose predicted class is the target's.
 *
 * @throws ShapeError
 * @example
 * ```ts
 * accuracyScore([0, 2, 1], [0, 1, 1]); // 0.667
 * ```
 */
export function accuracyScore(targets: Column, predicted: Column, options: WeightOption = {}): number {
  const weights = weightsOf(targets, predicted, options);
  let right = 0;
  for (let row = 0; row < targets.length; row++) if (targets[row] === predicted[row]) right += weights[row]!;
  return right / total(weights);
}

/**
 * Counts [K][K], a row for each actual class, a column for each predicted one.
 *
 * @throws ShapeError
 * @example
 * ```ts
 * confusionMatrix([0, 1, 1], [0, 1, 0]); // [[1, 0], [1, 1]]
 * ```
 */
export function confusionMatrix(
  targets: Column,
  predicted: Column,
  options: Omit<ScoreOptions, 'average'> = {},
): number[][] {
  const weights = weightsOf(targets, predicted, options);
  const size = classCount(targets, predicted, options.classes);
  const cells = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (let row = 0; row < targets.length; row++) cells[targets[row]!]![predicted[row]!]! += weights[row]!;
  return cells;
}

/** Precision from class ids; averages as for the metric of that name. @throws ShapeError, ConfigError */
export function precisionScore(targets: Column, predicted: Column, options: ScoreOptions = {}): number {
  return classScore('precision', targets, predicted, options);
}

/** Recall from class ids; averages as for the metric of that name. @throws ShapeError, ConfigError */
export function recallScore(targets: Column, predicted: Column, options: ScoreOptions = {}): number {
  return classScore('recall', targets, predicted, options);
}

/** F1 from class ids; averages as for the metric of that name. @throws ShapeError, ConfigError */
export function f1Score(targets: Column, predicted: Column, options: ScoreOptions = {}): number {
  return classScore('f1', targets, predicted, options);
}

/** Precision, recall, f1 and support of each class. @throws ShapeError */
export function classificationReport(
  targets: Column,
  predicted: Column,
  options: Omit<ScoreOptions, 'average'> = {},
): ClassReport {
  return reportOf(countsOf(targets, predicted, options));
}

/**
 * Share of rows whose target is among the k largest scores; of equal scores the later class stands first.
 *
 * @param scores [rows][K]
 * @throws ShapeError
 */
export function topKAccuracyScore(
  targets: Column,
  scores: readonly Column[],
  options: WeightOption & { readonly k?: number | undefined } = {},
): number {
  const weights = weightsOf(targets, scores, options);
  let right = 0;
  scores.forEach((row, at) => {
    const target = targets[at]!;
    let before = 0;
    for (let k = 0; k < row.length; k++) {
      if (row[k]! > row[target]! || (row[k] === row[target] && k > target)) before++;
    }
    if (before < (options.k ?? 5)) right += weights[at]!;
  });
  return right / total(weights);
}

/**
 * Area under the ROC curve. One column of scores: of class 1. Several: probabilities of classes, each against the rest;
 * or, with targets [rows][K] of 0 and 1, scores of labels.
 *
 * @throws ShapeError
 * @example
 * ```ts
 * rocAucScore([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]); // 0.75
 * ```
 */
export function rocAucScore(
  targets: Table,
  scores: Table,
  options: WeightOption & { readonly average?: 'macro' | 'weighted' | undefined } = {},
): number {
  const weights = weightsOf(targets, scores, options);
  const rows = Array.from(scores as ArrayLike<number | Column>, (row) =>
    typeof row === 'number' ? [row] : row,
  );
  const labels = Array.from(targets as ArrayLike<number | Column>);
  return meanAreaUnderRoc({ scores: rows, labels, weights }, options.average ?? 'macro', false);
}

/**
 * exp of the mean -log p of the target's class.
 *
 * @param probabilities [rows][K]
 * @throws ShapeError
 */
export function perplexityScore(
  targets: Column,
  probabilities: readonly Column[],
  options: WeightOption = {},
): number {
  const weights = weightsOf(targets, probabilities, options);
  const sum = probabilities.reduce((a, row, at) => a - weights[at]! * Math.log(row[targets[at]!]!), 0);
  return Math.exp(sum / total(weights));
}

/** The mean -log₂ p of the target's class. @throws ShapeError */
export function bitsPerCharacterScore(
  targets: Column,
  probabilities: readonly Column[],
  options: WeightOption = {},
): number {
  return Math.log2(perplexityScore(targets, probabilities, options));
}

/** Mean |p - t|. @throws ShapeError */
export function meanAbsoluteError(targets: Table, predictions: Table, options: WeightOption = {}): number {
  return errorValue({ kind: 'mae' }, targetSumsOf(targets, predictions, options));
}

/** Mean (p - t)². @throws ShapeError */
export function meanSquaredError(targets: Table, predictions: Table, options: WeightOption = {}): number {
  return errorValue({ kind: 'mse' }, targetSumsOf(targets, predictions, options));
}

/** The root of the mean (p - t)² of each target, their mean. @throws ShapeError */
export function rootMeanSquaredError(targets: Table, predictions: Table, options: WeightOption = {}): number {
  return errorValue({ kind: 'rmse' }, targetSumsOf(targets, predictions, options));
}

/** Mean |p - t| / max(|t|, 2⁻⁵²): a share. @throws ShapeError */
export function meanAbsolutePercentageError(
  targets: Table,
  predictions: Table,
  options: WeightOption = {},
): number {
  return errorValue({ kind: 'mape' }, targetSumsOf(targets, predictions, options));
}

/** Mean 2|p - t| / (|p| + |t|), 0 where both are 0; from 0 to 2 (Makridakis 1993). @throws ShapeError */
export function symmetricMeanAbsolutePercentageError(
  targets: Table,
  predictions: Table,
  options: WeightOption = {},
): number {
  return errorValue({ kind: 'smape' }, targetSumsOf(targets, predictions, options));
}

/** Mean |p - t| / scale, see the metric {@link mase}. @throws ShapeError */
export function meanAbsoluteScaledError(
  targets: Table,
  predictions: Table,
  options: WeightOption & { readonly scale: number | readonly number[] },
): number {
  return errorValue({ kind: 'mase', scale: options.scale }, targetSumsOf(targets, predictions, options));
}

/** 1 - Σ(p - t)² / Σ(t - mean t)², the mean over targets; without any spread 1 if all is right, else 0. @throws ShapeError */
export function r2Score(targets: Table, predictions: Table, options: WeightOption = {}): number {
  return errorValue({ kind: 'r2' }, targetSumsOf(targets, predictions, options));
}

/** Share of targets from `lower` to `upper`, ends included. @throws ShapeError */
export function intervalCoverageScore(
  targets: Column,
  lower: Column,
  upper: Column,
  options: WeightOption = {},
): number {
  const weights = weightsOf(targets, lower, options);
  requireLength('upper', upper, targets.length);
  let inside = 0;
  for (let row = 0; row < targets.length; row++) {
    if (lower[row]! <= targets[row]! && targets[row]! <= upper[row]!) inside += weights[row]!;
  }
  return inside / total(weights);
}

/**
 * Mean absolute error of the naive forecast on a series: mean |x_t - x_{t-m}|, m the seasonality. What `mase` divides by.
 *
 * @param options `seasonality` 1: steps of a season.
 * @throws ShapeError for a series of no more than m numbers; ConfigError
 * @example
 * ```ts
 * naiveScale([1, 3, 2, 4]); // (2 + 1 + 2) / 3
 * ```
 */
export function naiveScale(
  series: Column,
  options: { readonly seasonality?: number | undefined } = {},
): number {
  const { seasonality = 1 } = options;
  if (!Number.isSafeInteger(seasonality) || seasonality < 1) {
    const expected = 'a whole number from 1';
    throw new ConfigError(`naiveScale.seasonality: expected ${expected}, received ${String(seasonality)}`, {
      path: 'naiveScale.seasonality',
      expected,
      received: seasonality,
    });
  }
  const pairs = series.length - seasonality;
  if (pairs < 1) throw wrongShape('series', `more than ${seasonality} numbers`, `${series.length}`);
  let sum = 0;
  for (let t = seasonality; t < series.length; t++) sum += Math.abs(series[t]! - series[t - seasonality]!);
  return sum / pairs;
}

/** The sums that metrics of numbers are formed from, [W, 8]. */
export function targetSumsOf(targets: Table, predictions: Table, options: WeightOption): Float64Array {
  const weights = weightsOf(targets, predictions, options);
  const rowOf = (table: Table, row: number): Column => {
    const value = table[row]!;
    return typeof value === 'number' ? [value] : value;
  };
  const width = targets.length === 0 ? 1 : rowOf(targets, 0).length;
  const sums = new Float64Array(width * targetSumNames.length);
  for (let row = 0; row < targets.length; row++) {
    const [t, p] = [rowOf(targets, row), rowOf(predictions, row)];
    requireLength(`targets row ${row}`, t, width);
    requireLength(`predictions row ${row}`, p, width);
    for (let k = 0; k < width; k++) addTarget(sums, k, t[k]!, p[k]!, weights[row]!);
  }
  return sums;
}

function addTarget(sums: Float64Array, target: number, t: number, p: number, weight: number): void {
  const error = Math.abs(p - t);
  const sizes = Math.abs(p) + Math.abs(t);
  const terms = [
    1,
    error,
    error * error,
    t,
    t * t,
    error / Math.max(Math.abs(t), Number.EPSILON),
    sizes === 0 ? 0 : (2 * error) / sizes,
    0,
  ];
  terms.forEach((term, i) => (sums[target * terms.length + i]! += weight * term));
}

function classScore(
  kind: 'precision' | 'recall' | 'f1',
  targets: Column,
  predicted: Column,
  options: ScoreOptions,
): number {
  const counts = countsOf(targets, predicted, options);
  const average = options.average ?? (counts.length === 2 ? 'binary' : 'macro');
  if (average === 'binary' && counts.length !== 2) {
    const path = `${kind}Score.average`;
    const expected = "another average than 'binary', which is of two classes";
    throw new ConfigError(`${path}: expected ${expected}, received ${counts.length} classes`, {
      path,
      expected,
    });
  }
  return averageScore(kind, counts, average, false);
}

function countsOf(targets: Column, predicted: Column, options: ScoreOptions): ClassCount[] {
  const weights = weightsOf(targets, predicted, options);
  const size = classCount(targets, predicted, options.classes);
  const counts = Array.from({ length: size }, () => ({ right: 0, predicted: 0, actual: 0 }));
  for (let row = 0; row < targets.length; row++) {
    if (targets[row] === predicted[row]) counts[targets[row]!]!.right += weights[row]!;
    counts[predicted[row]!]!.predicted += weights[row]!;
    counts[targets[row]!]!.actual += weights[row]!;
  }
  return counts;
}

function classCount(targets: Column, predicted: Column, given: number | undefined): number {
  let largest = -1;
  for (const ids of [targets, predicted]) {
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row]!;
      if (!Number.isSafeInteger(id) || id < 0 || (given !== undefined && id >= given)) {
        const expected = given === undefined ? 'class ids from 0' : `class ids from 0 to ${given - 1}`;
        throw wrongShape(`row ${row}`, expected, String(id));
      }
      largest = Math.max(largest, id);
    }
  }
  return given ?? largest + 1;
}

function weightsOf(targets: Table, others: Table, { weights }: WeightOption): number[] {
  if (targets.length === 0) throw wrongShape('targets', 'at least one row', 'none');
  requireLength('predictions', others, targets.length);
  if (weights === undefined) return new Array<number>(targets.length).fill(1);
  requireLength('weights', weights, targets.length);
  return Array.from(weights);
}

function total(weights: readonly number[]): number {
  return weights.reduce((a, b) => a + b, 0);
}

function requireLength(name: string, values: ArrayLike<unknown>, length: number): void {
  if (values.length !== length) throw wrongShape(name, `${length} numbers or rows`, `${values.length}`);
}

function wrongShape(name: string, expected: string, received: string): ShapeError {
  return new ShapeError(`${name}: expected ${expected}, received ${received}`, { name, expected, received });
}
