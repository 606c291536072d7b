import { parseOptions } from '../config/parseConfig.js';
import { runSearch } from './search.js';
import { randomSchema, type SearchOptions, type TrialSource } from './searchOptions.js';
import type { SearchResult } from './searchResult.js';
import { drawnConfig, leavesOf, type ConfigOf, type DrawSpace } from './space.js';

/** What {@link randomSearch} takes. */
export type RandomSearchOptions<S extends DrawSpace, B> = SearchOptions<S, B, ConfigOf<S, B>> &
  TrialSource<ConfigOf<S, B>> & {
    /** How many configs are drawn. A search that is stored can be called again with more. */
    readonly trials: number;
  };

/**
 * Tries configs that are drawn at random (Bergstra and Bengio, "Random search for hyper-parameter optimization", 2012). A
 * config follows from the seed, the space and the trial's number alone: the same seed gives the same trials, and more of
 * them begin with the same. A trial that fails is recorded with its error, and the search goes on.
 *
 * @throws ConfigError before any trial; CheckpointError for a folder that cannot be gone on with; AbortError, what was done
 *   being stored
 * @example
 * ```ts
 * const result = await randomSearch({
 *   space: { hiddenSize: draw.integer(16, 256), learningRate: draw.logUniform(1e-4, 1e-1) },
 *   trials: 40,
 *   seed: 7,
 *   folder: 'search',
 *   run: new URL('./trial.js', import.meta.url),
 * });
 * console.log(result.toTable());
 * ```
 */
export async function randomSearch<const S extends DrawSpace, const B = unknown>(
  options: RandomSearchOptions<S, B>,
): Promise<SearchResult<ConfigOf<S, B>>> {
  const parsed = parseOptions(randomSchema, options, 'randomSearch');
  const leaves = leavesOf(parsed.space, 'randomSearch.space', true);
  const { base, seed, trials } = parsed;
  return runSearch(parsed, {
    owner: 'randomSearch',
    method: 'random',
    leaves,
    trials,
    configOf: (number) => drawnConfig(leaves, base, seed, number),
  });
}
