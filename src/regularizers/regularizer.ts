import { nonNegative, real, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';

/** A penalty l1·Σ|p| + l2·Σp² on a parameter, added to the loss as in Keras (no factor ½). Frozen. */
export interface Regularizer {
  readonly l1: number;
  readonly l2: number;
}

/** A penalty as a setting. */
export const regularizerSchema = settings({ l1: nonNegative.default(0), l2: nonNegative.default(0) });

/**
 * Penalty value·Σ|p|.
 *
 * @throws ConfigError for a negative value.
 * @example
 * ```ts
 * dense({ units: 10, regularizer: l1(1e-5) });
 * ```
 */
export function l1(value: number): Regularizer {
  return l1l2({ l1: value });
}

/**
 * Penalty value·Σp². Its gradient is 2·value·p.
 *
 * @throws ConfigError for a negative value.
 * @example
 * ```ts
 * lstm({ hiddenSize: 64, recurrentRegularizer: l2(1e-4) });
 * ```
 */
export function l2(value: number): Regularizer {
  return l1l2({ l2: value });
}

/**
 * Both penalties: l1·Σ|p| + l2·Σp².
 *
 * @param options Each 0 unless given.
 * @throws ConfigError for a negative value.
 * @example
 * ```ts
 * dense({ units: 10, regularizer: l1l2({ l1: 1e-6, l2: 1e-4 }) });
 * ```
 */
export function l1l2(options: { readonly l1?: number; readonly l2?: number }): Regularizer {
  return parseConfig(regularizerSchema, options, 'regularizer');
}

/**
 * Elastic net (Zou and Hastie 2005) in glmnet's and scikit-learn's terms:
 * alpha · (l1Ratio · Σ|p| + (1 - l1Ratio) / 2 · Σp²).
 *
 * @param options `l1Ratio` 0.5, from 0 to 1.
 * @throws ConfigError for a negative alpha or a ratio outside 0 to 1.
 * @example
 * ```ts
 * embedding({ vocabSize: 1000, size: 64, regularizer: elasticNet(1e-5, { l1Ratio: 0.2 }) });
 * ```
 */
export function elasticNet(alpha: number, options: { readonly l1Ratio?: number } = {}): Regularizer {
  const parsed = parseConfig(elasticNetSettings, { ...options, alpha }, 'elasticNet');
  return l1l2({ l1: parsed.alpha * parsed.l1Ratio, l2: (parsed.alpha * (1 - parsed.l1Ratio)) / 2 });
}

const elasticNetSettings = settings({
  alpha: nonNegative,
  l1Ratio: real('a number from 0 to 1', (value) => value >= 0 && value <= 1).default(0.5),
});
