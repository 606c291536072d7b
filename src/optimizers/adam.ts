import { flag, fraction, positive, settings } from '../config/fields.js';
import { deepFreeze, parseConfig } from '../config/parseConfig.js';
import { learningRateSchema } from '../schedules/schedule.js';
import { commonFields, epsilonOf, type CommonOptions, type CommonSettings } from './common.js';

/** Adam's settings, resolved. */
export interface Adam extends CommonSettings {
  readonly kind: 'adam';
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly amsgrad: boolean;
}

/** What {@link adam} takes. */
export interface AdamOptions extends CommonOptions {
  readonly beta1?: number | undefined;
  readonly beta2?: number | undefined;
  readonly epsilon?: number | undefined;
  readonly amsgrad?: boolean | undefined;
}

/** The settings of {@link adam}. */
export const adamSettings = settings({
  learningRate: learningRateSchema.default(1e-3),
  beta1: fraction.default(0.9),
  beta2: fraction.default(0.999),
  epsilon: positive.optional(),
  amsgrad: flag.default(false),
  ...commonFields,
});

/**
 * Adam (Kingma and Ba 2015, algorithm 1) with bias correction: m = β1 m + (1 - β1) g, v = β2 v + (1 - β2) g²,
 * p -= learningRate · m̂ / (sqrt(v̂) + epsilon) with m̂ = m / (1 - β1^t), v̂ = v / (1 - β2^t).
 *
 * With `convention: 'keras'` epsilon stands beside sqrt(v), not sqrt(v̂): the paper's ε̂ of section 2. With `amsgrad`
 * (Reddi, Kale and Kumar 2018) the largest v so far takes the place of v. State: 8 bytes of a parameter, 12 with
 * `amsgrad`.
 *
 * @param options `learningRate` 1e-3, `beta1` 0.9, `beta2` 0.999, `epsilon` 1e-8 (Keras: 1e-7), `amsgrad` false, and
 *   what every optimiser has: {@link CommonOptions}.
 * @throws ConfigError
 * @example
 * ```ts
 * await model.fit(data, { loss: 'mse', optimizer: adam({ learningRate: 2e-3, clip: { globalNorm: 1 } }) });
 * ```
 */
export function adam(options: AdamOptions = {}): Adam {
  return resolve(options, 'adam');
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019): {@link adam} with `weightDecay` 0.01, as PyTorch's
 * AdamW has it; Keras' default is 0.004.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * const optimizer = adamW({ learningRate: 1e-3, weightDecay: 0.05, groups: [{ parameters: '*.bias*', weightDecay: 0 }] });
 * ```
 */
export function adamW(options: Omit<AdamOptions, 'decay'> = {}): Adam {
  return resolve({ ...options, weightDecay: options.weightDecay ?? 0.01 }, 'adamW');
}

function resolve(options: AdamOptions, name: string): Adam {
  const parsed = parseConfig(adamSettings, options, name);
  return deepFreeze({ ...parsed, kind: 'adam' as const, epsilon: epsilonOf(parsed, 1e-8) });
}
