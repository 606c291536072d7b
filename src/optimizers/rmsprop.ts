import { flag, fraction, positive, settings } from '../config/fields.js';
import { deepFreeze, parseConfig } from '../config/parseConfig.js';
import { learningRateSchema } from '../schedules/schedule.js';
import { commonFields, epsilonOf, type CommonOptions, type CommonSettings } from './common.js';

/** RMSprop's settings, resolved. */
export interface Rmsprop extends CommonSettings {
  readonly kind: 'rmsprop';
  readonly rho: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly centered: boolean;
}

/** What {@link rmsprop} takes. */
export interface RmspropOptions extends CommonOptions {
  readonly rho?: number | undefined;
  readonly epsilon?: number | undefined;
  readonly momentum?: number | undefined;
  readonly centered?: boolean | undefined;
}

/** The settings of {@link rmsprop}. */
export const rmspropSettings = settings({
  learningRate: learningRateSchema.optional(),
  rho: fraction.optional(),
  epsilon: positive.optional(),
  momentum: fraction.default(0),
  centered: flag.default(false),
  ...commonFields,
});

/**
 * RMSprop (Tieleman and Hinton 2012, lecture 6.5): v = ρ v + (1 - ρ) g², move = g / (sqrt(v) + epsilon),
 * p -= learningRate · move; with `momentum` b = momentum · b + move stands for move. `centered` (Graves 2013,
 * equations 38 to 41) takes v - a² for v, with a = ρ a + (1 - ρ) g.
 *
 * With `convention: 'keras'` epsilon is under the root, and the rate inside the momentum:
 * move = learningRate · g / sqrt(v + epsilon), p -= move. State: 4 bytes of a parameter, 4 more each with `momentum` and
 * `centered`.
 *
 * @param options `learningRate` 0.01 (Keras: 1e-3), `rho` 0.99 (PyTorch's alpha; Keras: 0.9), `epsilon` 1e-8 (Keras:
 *   1e-7), `momentum` 0, `centered` false, and what every optimiser has: {@link CommonOptions}.
 * @throws ConfigError
 * @example
 * ```ts
 * const optimizer = rmsprop({ learningRate: 1e-3, centered: true });
 * ```
 */
export function rmsprop(options: RmspropOptions = {}): Rmsprop {
  const parsed = parseConfig(rmspropSettings, options, 'rmsprop');
  const isKeras = parsed.convention === 'keras';
  return deepFreeze({
    ...parsed,
    kind: 'rmsprop' as const,
    learningRate: parsed.learningRate ?? (isKeras ? 1e-3 : 0.01),
    rho: parsed.rho ?? (isKeras ? 0.9 : 0.99),
    epsilon: epsilonOf(parsed, 1e-8),
  });
}
