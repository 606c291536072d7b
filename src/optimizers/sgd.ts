import { flag, fraction, settings } from '../config/fields.js';
import { deepFreeze, parseConfig } from '../config/parseConfig.js';
import { learningRateSchema } from '../schedules/schedule.js';
import { commonFields, type CommonOptions, type CommonSettings } from './common.js';

/** The settings of stochastic gradient descent, resolved. */
export interface Sgd extends CommonSettings {
  readonly kind: 'sgd';
  readonly momentum: number;
  readonly nesterov: boolean;
}

/** What {@link sgd} takes. */
export interface SgdOptions extends CommonOptions {
  readonly momentum?: number | undefined;
  readonly nesterov?: boolean | undefined;
}

/** The settings of {@link sgd}. */
export const sgdSettings = settings({
  learningRate: learningRateSchema.default(0.01),
  momentum: fraction.default(0),
  nesterov: flag.default(false),
  ...commonFields,
});

/**
 * Gradient descent, stochastic or, with all rows in one batch (or in `accumulate` batches), on the full batch; with
 * momentum as in PyTorch: b = momentum · b + g, p -= learningRate · b, or with `nesterov`
 * p -= learningRate · (g + momentum · b) (Sutskever et al. 2013).
 *
 * With `convention: 'keras'` the rate is inside the momentum, which differs once the rate changes:
 * b = momentum · b + learningRate · g, p -= b, or p -= learningRate · g + momentum · b. State: none, or 4 bytes of a
 * parameter with momentum.
 *
 * @param options `learningRate` 0.01, `momentum` 0, `nesterov` false, and what every optimiser has:
 *   {@link CommonOptions}.
 * @throws ConfigError
 * @example
 * ```ts
 * await model.fit(data, { loss: 'mse', optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) });
 * const awd = sgd({ learningRate: 30, clip: { globalNorm: 0.25 }, average: { kind: 'ntAsgd' } }); // Merity et al. 2017
 * ```
 */
export function sgd(options: SgdOptions = {}): Sgd {
  return deepFreeze({ ...parseConfig(sgdSettings, options, 'sgd'), kind: 'sgd' as const });
}
