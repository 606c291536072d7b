import { parseOptions } from '../config/parseConfig.js';
import { runSearch } from './search.js';
import { gridSchema, type SearchOptions, type TrialSource } from './searchOptions.js';
import type { SearchResult } from './searchResult.js';
import { gridConfigs, leavesOf, type ConfigOf, type GridSpace } from './space.js';

/** What {@link gridSearch} takes. */
export type GridSearchOptions<S extends GridSpace, B> = SearchOptions<S, B, ConfigOf<S, B>> &
  TrialSource<ConfigOf<S, B>>;

/**
 * Tries every combination of values, the last name varying fastest. A trial that fails is recorded with its error, and the
 * search goes on.
 *
 * @throws ConfigError before any trial; CheckpointError for a folder that cannot be gone on with; AbortError, what was done
 *   being stored
 * @example
 * ```ts
 * const { best } = await gridSearch({
 *   space: { hiddenSize: [32, 64, 128], learningRate: [1e-3, 1e-2] },
 *   data: { x, y },
 *   folds: { kind: 'stratified', folds: 5 },
 *   monitor: 'valAccuracy',
 *   build: ({ hiddenSize, learningRate }) => ({
 *     layers: [lstm({ hiddenSize, returnSequences: false }), dense({ units: 9, activation: 'softmax' })],
 *     options: { inputSize: 12 },
 *     fit: { loss: 'crossEntropy', metrics: ['accuracy'], optimizer: adam({ learningRate }), epochs: 20 },
 *   }),
 * });
 * console.log(best.config, best.value);
 * ```
 */
export async function gridSearch<const S extends GridSpace, const B = unknown>(
  options: GridSearchOptions<S, B>,
): Promise<SearchResult<ConfigOf<S, B>>> {
  const parsed = parseOptions(gridSchema, options, 'gridSearch');
  const leaves = leavesOf(parsed.space, 'gridSearch.space', false);
  const configs = gridConfigs(leaves, parsed.base);
  return runSearch(parsed, {
    owner: 'gridSearch',
    method: 'grid',
    leaves,
    trials: configs.length,
    configOf: (number) => configs[number],
  });
}
