import { z } from 'zod';
import { choice } from '../config/fields.js';
import { ConfigError } from '../errors.js';
import type { LossKind } from '../losses/loss.js';

/** The metrics by name. */
export type Metric = 'accuracy' | 'mae' | 'mse';

/** Values of the metrics that were asked for. */
export type MetricValues = { readonly [M in Metric]?: number };

/** Sums over live elements, from which metrics are formed. */
export interface MetricSums {
  readonly elements: number;
  readonly correct: number;
  readonly absoluteError: number;
  readonly squaredError: number;
}

/** A list of metrics as a setting. */
export const metricsSchema = z.array(choice('accuracy', 'mae', 'mse'), { error: () => 'a list of metrics' });

const losses: Record<Metric, readonly LossKind[]> = {
  accuracy: ['crossEntropy', 'binaryCrossEntropy'],
  mae: ['mse', 'binaryCrossEntropy'],
  mse: ['mse', 'binaryCrossEntropy'],
};

/** @throws ConfigError for a metric that means nothing beside this loss. */
export function checkMetrics(metrics: readonly Metric[], loss: LossKind, path: string): void {
  for (const metric of metrics) {
    if (losses[metric].includes(loss)) continue;
    const expected = `a loss that '${metric}' can be measured with (${losses[metric].join(' or ')})`;
    throw new ConfigError(`${path}: expected ${expected}, received '${loss}'`, {
      path,
      expected,
      received: loss,
    });
  }
}

/**
 * `accuracy`: share of rows (crossEntropy: the largest output is at the target's class) or of elements
 * (binaryCrossEntropy: output and target on the same side of ½) that are right. `mae`, `mse`: mean absolute and mean
 * squared error over live elements.
 */
export function metricValues(metrics: readonly Metric[], sums: MetricSums): MetricValues {
  const numerators = { accuracy: sums.correct, mae: sums.absoluteError, mse: sums.squaredError };
  return Object.fromEntries(metrics.map((metric) => [metric, numerators[metric] / sums.elements]));
}
