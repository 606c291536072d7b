import { ConfigError } from '../errors.js';
import type { Loss } from '../losses/loss.js';
import type { MetricDescriptor, MetricName } from './metric.js';

const ofClasses = ['crossEntropy', 'binaryCrossEntropy'] as const;
const ofNumbers = ['mse', 'mae', 'huber', 'logCosh', 'quantile', 'gaussianNll', 'custom'] as const;

const losses: Record<MetricName, readonly Loss['kind'][]> = {
  accuracy: ofClasses,
  topK: ['crossEntropy'],
  precision: ofClasses,
  recall: ofClasses,
  f1: ofClasses,
  classReport: ofClasses,
  confusionMatrix: ofClasses,
  rocAuc: ofClasses,
  perplexity: ['crossEntropy'],
  bitsPerCharacter: ['crossEntropy'],
  mae: [...ofNumbers, 'binaryCrossEntropy'],
  mse: [...ofNumbers, 'binaryCrossEntropy'],
  rmse: ofNumbers,
  mape: ofNumbers,
  smape: ofNumbers,
  mase: ofNumbers,
  r2: ofNumbers,
  intervalCoverage: ['quantile', 'gaussianNll'],
};

/** Confusion counts are kept for at most so many classes. */
const mostConfusionClasses = 1024;

/**
 * Whether metrics can be measured beside a loss.
 *
 * @param channels Of the model's output.
 * @throws ConfigError for a metric that means nothing beside this loss or this output.
 */
export function checkMetrics(
  metrics: readonly MetricDescriptor[],
  loss: Loss,
  channels: number,
  path: string,
): void {
  for (const metric of metrics) {
    const { kind } = metric;
    const fitting = losses[kind];
    if (!fitting.includes(loss.kind)) {
      const expected = `a loss that '${kind}' can be measured with (${fitting.join(' or ')})`;
      throw invalid(path, expected, `'${loss.kind}'`);
    }
    const expected = wanted(metric, loss, channels);
    if (expected !== undefined)
      throw invalid(path, `${expected} for '${kind}'`, received(metric, loss, channels));
  }
}

/** What a metric needs of output and settings and does not have. */
function wanted(metric: MetricDescriptor, loss: Loss, channels: number): string | undefined {
  const labels = loss.kind === 'binaryCrossEntropy' && channels > 1;
  switch (metric.kind) {
    case 'topK':
      return metric.k <= channels ? undefined : `k of at most the ${channels} classes`;
    case 'precision':
    case 'recall':
    case 'f1': {
      const two = loss.kind === 'binaryCrossEntropy' ? channels === 1 : channels === 2;
      return metric.average !== 'binary' || two
        ? undefined
        : "another average than 'binary', which is of two classes";
    }
    case 'confusionMatrix':
      if (labels) return 'one class a row';
      return channels <= mostConfusionClasses ? undefined : `at most ${mostConfusionClasses} classes`;
    case 'mase': {
      const targets = targetsOf(loss, channels);
      const one = typeof metric.scale === 'number' || metric.scale.length === targets;
      return one ? needsMedian(loss) : `a scale for each of the ${targets} targets`;
    }
    case 'intervalCoverage':
      return intervalOf(loss, metric.level) === undefined && loss.kind === 'quantile'
        ? `the quantiles ${edges(metric.level).join(' and ')}`
        : undefined;
    case 'mae':
    case 'mse':
    case 'rmse':
    case 'mape':
    case 'smape':
    case 'r2':
      return needsMedian(loss);
    case 'accuracy':
    case 'classReport':
    case 'rocAuc':
    case 'perplexity':
    case 'bitsPerCharacter':
      return undefined;
  }
}

function needsMedian(loss: Loss): string | undefined {
  return loss.kind === 'quantile' && medianOf(loss) < 0
    ? 'the quantile 0.5 among those of the loss'
    : undefined;
}

function received(metric: MetricDescriptor, loss: Loss, channels: number): string {
  if (metric.kind === 'topK') return `${metric.k}`;
  if (metric.kind === 'mase' && typeof metric.scale !== 'number') return `${metric.scale.length}`;
  if (loss.kind === 'quantile') return `quantiles ${loss.quantiles.join(', ')}`;
  return `${channels} outputs of '${loss.kind}'`;
}

function targetsOf(loss: Loss, channels: number): number {
  if (loss.kind === 'quantile') return channels / loss.quantiles.length;
  return loss.kind === 'gaussianNll' ? channels / 2 : channels;
}

/** Where ½ stands among a quantile loss's quantiles, or -1. */
export function medianOf(loss: Loss): number {
  return loss.kind === 'quantile' ? loss.quantiles.findIndex((q) => near(q, 0.5)) : 0;
}

/** Where the ends of a central interval stand among a quantile loss's quantiles. */
export function intervalOf(
  loss: Loss,
  level: number,
): { readonly lower: number; readonly upper: number } | undefined {
  if (loss.kind !== 'quantile') return undefined;
  const [lower, upper] = edges(level).map((edge) => loss.quantiles.findIndex((q) => near(q, edge)));
  return lower! < 0 || upper! < 0 ? undefined : { lower: lower!, upper: upper! };
}

function edges(level: number): [number, number] {
  const round = (value: number) => Number(value.toPrecision(12));
  return [round((1 - level) / 2), round((1 + level) / 2)];
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-9;
}

function invalid(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
