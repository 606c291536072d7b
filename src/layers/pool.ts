import type { z } from 'zod';
import { choice, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { layerName } from './common.js';
import { requireSequence, type Signal } from './signal.js';

/** The settings of {@link pool}. */
export const poolSettings = settings({ mode: choice('last', 'mean', 'max'), name: layerName.optional() });

/** What {@link pool} takes. */
export type PoolOptions = Readonly<z.input<typeof poolSettings>>;

/** A pooling layer's settings, resolved and frozen. */
export type PoolLayer = { readonly kind: 'pool' } & Readonly<z.output<typeof poolSettings>>;

/**
 * One vector from a sequence: its last live step, or the mean or the largest value of each channel over its live
 * steps. [N, T, C] to [N, C]; steps beyond a sequence's length do not count.
 *
 * @param options `mode`: 'last', 'mean' or 'max'. `name` `pool`.
 * @throws ConfigError
 * @example
 * ```ts
 * const layers = [lstm({ hiddenSize: 64 }), pool({ mode: 'mean' }), dense({ units: 1 })];
 * ```
 */
export function pool(options: PoolOptions): PoolLayer {
  return Object.freeze({ kind: 'pool', ...parseConfig(poolSettings, options, 'pool') });
}

export function poolOutput(_layer: PoolLayer, input: Signal, path: string): Signal {
  requireSequence(input, path);
  return { kind: 'vector', size: input.size };
}
