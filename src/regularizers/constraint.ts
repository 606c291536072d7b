import type { z } from 'zod';
import { choice, positive, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';

/** What a parameter is held to after each update, as in Keras. Frozen. */
export type Constraint =
  | { readonly kind: 'maxNorm'; readonly limit: number; readonly axis: 'row' | 'column' }
  | { readonly kind: 'nonNegative' };

/** A constraint as a setting. */
export const constraintSchema = settings({
  kind: choice('maxNorm', 'nonNegative'),
  limit: positive.optional(),
  axis: choice('row', 'column').optional(),
}).refine(
  ({ kind, limit, axis }) =>
    kind === 'maxNorm'
      ? limit !== undefined && axis !== undefined
      : limit === undefined && axis === undefined,
  { error: 'a constraint, such as maxNorm(2) or nonNegative()' },
) as unknown as z.ZodType<Constraint, Constraint>;

const maxNormSettings = settings({ limit: positive, axis: choice('row', 'column').default('row') });

/**
 * Holds the L2 norm of each row of a parameter to a limit: the weights into one unit of `weight_ih` [4H, in],
 * `weight_hh` [4H, H] and a dense `weight` [units, in], one token's vector of an embedding; a bias is one row. As Keras'
 * `MaxNorm`, w · min(norm, limit) / (1e-7 + norm), whose `axis=0` of kernels [in, out] is `row` here, and whose `axis=0`
 * of an embedding [vocabulary, size] is `column`. (Srivastava et al. 2014 for its use beside dropout.)
 *
 * @param options `axis` 'row'.
 * @throws ConfigError for a limit that is not above 0.
 * @example
 * ```ts
 * lstm({ hiddenSize: 64, recurrentConstraint: maxNorm(3) });
 * ```
 */
export function maxNorm(limit: number, options: { readonly axis?: 'row' | 'column' } = {}): Constraint {
  return Object.freeze({
    kind: 'maxNorm',
    ...parseConfig(maxNormSettings, { ...options, limit }, 'maxNorm'),
  });
}

/**
 * Puts negative weights to 0 after each update, as Keras' `NonNeg`.
 *
 * @example
 * ```ts
 * dense({ units: 1, constraint: nonNegative() });
 * ```
 */
export function nonNegative(): Constraint {
  return Object.freeze({ kind: 'nonNegative' });
}
