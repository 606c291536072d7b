import { parseOptions } from '../config/parseConfig.js';
import { runSearch } from './search.js';
import { halvingSchema, type HalvingOptions, type SearchOptions, type TrialSource } from './searchOptions.js';
import type { SearchResult } from './searchResult.js';
import { drawnConfig, invalid, leavesOf, type ConfigOf, type DrawSpace } from './space.js';

/** What {@link asha} takes. */
export type AshaOptions<S extends DrawSpace, B> = SearchOptions<S, B, ConfigOf<S, B>> &
  TrialSource<ConfigOf<S, B>> &
  HalvingOptions;

/**
 * Asynchronous successive halving, ASHA (Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020):
 * every config is given a little, r; of those that have reached a rung the best 1/η go on to the next with η times as much, up
 * to R, and a free thread takes whoever may go on, or a new config. Rungs are r, rη, rη², … below R, and R.
 *
 * A trial reports at each rung (`trial.callback()` in `fit`, or `trial.report`) and is told whether to go on. Without a
 * `folder` it waits in memory for that; with one, and in worker threads, it ends and goes on from its checkpoint. Models by
 * `build` do so by themselves. With one trial at a time the course is a function of the seed; beside each other, who is
 * promoted depends on who is done first.
 *
 * @throws ConfigError before any trial; CheckpointError for a folder that cannot be gone on with; AbortError, what was done
 *   being stored
 * @example
 * ```ts
 * const { best } = await asha({
 *   space: { hiddenSize: draw.integer(16, 256), learningRate: draw.logUniform(1e-4, 1e-1) },
 *   trials: 27,
 *   maxResource: 27,
 *   data: { x, y },
 *   split: { by: 'stratified', validation: 0.2 },
 *   build: ({ hiddenSize, learningRate }) => ({
 *     layers: [lstm({ hiddenSize, returnSequences: false }), dense({ units: 9, activation: 'softmax' })],
 *     options: { inputSize: 12 },
 *     fit: { loss: 'crossEntropy', optimizer: adam({ learningRate }) },
 *   }),
 * });
 * ```
 */
export async function asha<const S extends DrawSpace, const B = unknown>(
  options: AshaOptions<S, B>,
): Promise<SearchResult<ConfigOf<S, B>>> {
  const parsed = parseOptions(halvingSchema, options, 'asha');
  const { base, seed, trials, minResource: min, maxResource: max, reductionFactor } = parsed;
  if (min > max) throw invalid('asha.minResource', `at most maxResource, ${max}`, min);
  const leaves = leavesOf(parsed.space, 'asha.space', true);
  return runSearch(parsed, {
    owner: 'asha',
    method: 'halving',
    leaves,
    trials,
    configOf: (number) => drawnConfig(leaves, base, seed, number),
    halving: { min, max, reductionFactor },
  });
}
