import { outputsOf, type ChainLink } from '../layers/chain.js';
import type { MetricDescriptor } from '../metrics/metric.js';
import type { HeadMetrics } from '../metrics/modelMetrics.js';
import type { Goal } from './goal.js';
import { headsObjective } from './headsObjective.js';
import { makeObjective, type Objective } from './objective.js';

/**
 * The objective of a model: of its one output, or of its heads together.
 *
 * @param weighted Metrics are weighed by the sample weights as well.
 */
export function modelObjective(
  chain: readonly ChainLink[],
  { loss, metrics }: Goal,
  weighted: boolean,
): Objective {
  const outputs = outputsOf(chain);
  if (loss.kind === 'heads') return headsObjective(loss, metrics as HeadMetrics, outputs, weighted);
  return makeObjective(loss, metrics as readonly MetricDescriptor[], outputs[0]!.link.output, weighted);
}
