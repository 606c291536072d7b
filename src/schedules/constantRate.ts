import { nonNegative, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';

/** The same rate throughout. */
export interface ConstantRate {
  readonly kind: 'constantRate';
  readonly initial: number;
}

/** The settings of {@link constantRate}. */
export const constantRateSettings = settings({ initial: nonNegative });

/**
 * One rate throughout; a plain number as `learningRate` does the same.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * adam({ learningRate: constantRate(1e-3) });
 * ```
 */
export function constantRate(initial: number): ConstantRate {
  return Object.freeze({
    kind: 'constantRate',
    ...parseConfig(constantRateSettings, { initial }, 'constantRate'),
  });
}
