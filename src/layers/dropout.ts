import type { z } from 'zod';
import { flag, fraction, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { layerName } from './common.js';
import { requireNumbers, type Signal } from './signal.js';

/** The settings of {@link dropout}. */
export const dropoutSettings = settings({
  rate: fraction,
  sharedOverTime: flag.default(false),
  name: layerName.optional(),
});

/** What {@link dropout} takes. */
export type DropoutOptions = Readonly<z.input<typeof dropoutSettings>>;

/** A dropout layer's settings, resolved and frozen. */
export type DropoutLayer = { readonly kind: 'dropout' } & Readonly<z.output<typeof dropoutSettings>>;

/**
 * In training sets each element to 0 with probability `rate` and multiplies the others by 1 / (1 - rate)
 * (Srivastava et al. 2014); otherwise passes its input on. The shape stays.
 *
 * @param options `rate`: 0 to less than 1. `sharedOverTime` false: true draws one mask for all time steps of a sequence
 *   (Gal and Ghahramani 2016). `name` `dropout`.
 * @throws ConfigError
 * @example
 * ```ts
 * const noise = dropout({ rate: 0.3, sharedOverTime: true });
 * ```
 */
export function dropout(options: DropoutOptions): DropoutLayer {
  return Object.freeze({ kind: 'dropout', ...parseConfig(dropoutSettings, options, 'dropout') });
}

export function dropoutOutput(_layer: DropoutLayer, input: Signal, path: string): Signal {
  requireNumbers(input, path);
  return input;
}
