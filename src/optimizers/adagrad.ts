import { nonNegative, positive, settings } from '../config/fields.js';
import { deepFreeze, parseConfig } from '../config/parseConfig.js';
import { learningRateSchema } from '../schedules/schedule.js';
import { commonFields, epsilonOf, type CommonOptions, type CommonSettings } from './common.js';

/** Adagrad's settings, resolved. */
export interface Adagrad extends CommonSettings {
  readonly kind: 'adagrad';
  readonly epsilon: number;
  readonly initialAccumulator: number;
}

/** What {@link adagrad} takes. */
export interface AdagradOptions extends CommonOptions {
  readonly epsilon?: number | undefined;
  readonly initialAccumulator?: number | undefined;
}

/** The settings of {@link adagrad}. */
export const adagradSettings = settings({
  learningRate: learningRateSchema.optional(),
  epsilon: positive.optional(),
  initialAccumulator: nonNegative.optional(),
  ...commonFields,
});

/**
 * Adagrad (Duchi, Hazan and Singer 2011): v = v + g², p -= learningRate · g / (sqrt(v) + epsilon), v beginning with
 * `initialAccumulator`. With `convention: 'keras'` epsilon is under the root. State: 4 bytes of a parameter.
 *
 * @param options `learningRate` 0.01 (Keras: 1e-3), `epsilon` 1e-10 (Keras: 1e-7), `initialAccumulator` 0 (Keras: 0.1),
 *   and what every optimiser has: {@link CommonOptions}.
 * @throws ConfigError
 * @example
 * ```ts
 * const optimizer = adagrad({ learningRate: 0.1 });
 * ```
 */
export function adagrad(options: AdagradOptions = {}): Adagrad {
  const parsed = parseConfig(adagradSettings, options, 'adagrad');
  const isKeras = parsed.convention === 'keras';
  return deepFreeze({
    ...parsed,
    kind: 'adagrad' as const,
    learningRate: parsed.learningRate ?? (isKeras ? 1e-3 : 0.01),
    epsilon: epsilonOf(parsed, 1e-10),
    initialAccumulator: parsed.initialAccumulator ?? (isKeras ? 0.1 : 0),
  });
}
