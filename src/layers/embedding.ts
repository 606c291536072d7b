import type { z } from 'zod';
import { fraction, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { initializerSchema, uniform } from '../initializers/initializer.js';
import { constraintSchema } from '../regularizers/constraint.js';
import { regularizerSchema } from '../regularizers/regularizer.js';
import { layerName, maxSize, parameterSettings } from './common.js';
import { wrongInput, type ParameterShape, type Signal } from './signal.js';

/** The settings of {@link embedding}. */
export const embeddingSettings = settings({
  vocabSize: whole(1, maxSize),
  size: whole(1, maxSize),
  initializer: initializerSchema.default(uniform({ low: -0.05, high: 0.05 })),
  regularizer: regularizerSchema.optional(),
  constraint: constraintSchema.optional(),
  dropout: fraction.default(0),
  ...parameterSettings,
  name: layerName.optional(),
});

/** What {@link embedding} takes. */
export type EmbeddingOptions = Readonly<z.input<typeof embeddingSettings>>;

/** An embedding's settings, resolved and frozen. */
export type EmbeddingLayer = { readonly kind: 'embedding' } & Readonly<z.output<typeof embeddingSettings>>;

/**
 * A table of vectors looked up by token id: [N, T] to [N, T, size]. Only as a model's first layer.
 * Parameter: `weight` [vocabSize, size].
 *
 * @param options `vocabSize`: ids are 0 to vocabSize - 1. `size`: channels of each vector. `initializer`: U(±0.05).
 *   `regularizer`, `constraint`: none. `dropout` 0: in training the share of ids whose whole vector is 0 wherever it
 *   occurs in the batch, the others being multiplied by 1 / (1 - dropout) (Gal and Ghahramani 2016). `trainable`: true.
 *   `name`: `embedding`.
 * @throws ConfigError
 * @example
 * ```ts
 * const first = embedding({ vocabSize: 10_000, size: 128 });
 * ```
 */
export function embedding(options: EmbeddingOptions): EmbeddingLayer {
  return Object.freeze({ kind: 'embedding', ...parseConfig(embeddingSettings, options, 'embedding') });
}

export function embeddingOutput(layer: EmbeddingLayer, input: Signal, path: string): Signal {
  if (input.kind !== 'tokens') throw wrongInput(path, 'token ids [N, T]', input);
  return { kind: 'sequence', size: layer.size };
}

export function embeddingParameters(layer: EmbeddingLayer): readonly ParameterShape[] {
  return [{ name: 'weight', shape: [layer.vocabSize, layer.size] }];
}
