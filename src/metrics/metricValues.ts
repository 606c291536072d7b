import type { Loss } from '../losses/loss.js';
import { averageScore, bothClasses, classReport, classRows, type ClassCount } from './classScores.js';
import type { MetricDescriptor, MetricName, MetricValues } from './metric.js';
import { targetSumNames, type MetricSums } from './metricSums.js';
import { meanAreaUnderRoc } from './ranking.js';

/** The values of metrics from the sums of a batch, an epoch or a data set. */
export function metricValues(
  metrics: readonly MetricDescriptor[],
  sums: MetricSums,
  loss: Loss['kind'],
): MetricValues {
  return Object.fromEntries(metrics.map((metric) => [metric.kind, valueOf(metric, sums, loss)]));
}

type Value = NonNullable<MetricValues[MetricName]>;

function valueOf(metric: MetricDescriptor, sums: MetricSums, loss: Loss['kind']): Value {
  const { correct, count, logLikelihood } = sums;
  switch (metric.kind) {
    case 'accuracy':
      return correct / count;
    case 'topK':
      return sums.ranked! / count;
    case 'perplexity':
      return Math.exp(-logLikelihood / count);
    case 'bitsPerCharacter':
      return -logLikelihood / count / Math.LN2;
    case 'precision':
    case 'recall':
    case 'f1': {
      const { classes, single, labels } = classesOf(sums, loss);
      return averageScore(metric.kind, classes, metric.average ?? (single ? 'binary' : 'macro'), labels);
    }
    case 'classReport':
      return classReport(classesOf(sums, loss).classes);
    case 'confusionMatrix':
      return square(sums.confusion!);
    case 'rocAuc':
      return meanAreaUnderRoc(sums.scored!, metric.average, true);
    case 'mae':
    case 'mse':
      if (sums.targetSums === undefined || sums.targetSums.length === 0) {
        return (metric.kind === 'mae' ? sums.absoluteError : sums.squaredError) / count;
      }
      return errorValue({ kind: metric.kind }, sums.targetSums);
    case 'rmse':
    case 'mape':
    case 'smape':
    case 'r2':
      return errorValue({ kind: metric.kind }, sums.targetSums!);
    case 'mase':
    case 'intervalCoverage':
      return errorValue(metric, sums.targetSums!);
  }
}

function classesOf({ classCounts, count }: MetricSums, loss: Loss['kind']) {
  const rows = classRows(classCounts!);
  const single = loss === 'binaryCrossEntropy' && rows.length === 1;
  const classes: ClassCount[] = single ? bothClasses(rows[0]!, count) : rows;
  return { classes, single, labels: loss === 'binaryCrossEntropy' && !single };
}

function square(cells: Float64Array): number[][] {
  const side = Math.sqrt(cells.length);
  return Array.from({ length: side }, (_, k) => Array.from(cells.subarray(k * side, (k + 1) * side)));
}

type TargetSums = Record<(typeof targetSumNames)[number], number>;

/** A metric that is formed from sums of targets. */
export type ErrorMetric =
  | { readonly kind: 'mae' | 'mse' | 'rmse' | 'mape' | 'smape' | 'r2' }
  | Extract<MetricDescriptor, { readonly kind: 'mase' | 'intervalCoverage' }>;

/** Metrics of numbers: the mean over targets of each one's own. */
export function errorValue(metric: ErrorMetric, sums: Float64Array): number {
  const size = targetSumNames.length;
  const targets = sums.length / size;
  let total = 0;
  for (let target = 0; target < targets; target++) {
    const own = Object.fromEntries(targetSumNames.map((name, i) => [name, sums[target * size + i]!]));
    total += errorOf(metric, own as TargetSums, target);
  }
  return total / targets;
}

function errorOf(metric: ErrorMetric, sums: TargetSums, target: number): number {
  const { count, absolute, squared, percentage, symmetric, covered } = sums;
  switch (metric.kind) {
    case 'mae':
      return absolute / count;
    case 'mse':
      return squared / count;
    case 'rmse':
      return Math.sqrt(squared / count);
    case 'mape':
      return percentage / count;
    case 'smape':
      return symmetric / count;
    case 'mase': {
      const scale = typeof metric.scale === 'number' ? metric.scale : metric.scale[target]!;
      return absolute / count / scale;
    }
    case 'r2':
      return determination(sums);
    case 'intervalCoverage':
      return covered / count;
  }
}

// The variance by sums loses digits where the mean is some 10^7 times the spread. scikit-learn's conventions for no spread.
function determination({ count, squared, target, targetSquared }: TargetSums): number {
  const spread = targetSquared - (target * target) / count;
  if (spread > targetSquared * 1e-14) return 1 - squared / spread;
  return squared === 0 ? 1 : 0;
}
