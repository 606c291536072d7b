import type { z } from 'zod';
import { choice, flag, settings, whole } from '../config/fields.js';
import { describe } from '../config/describe.js';
import { parseConfig } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import { biasInitializerSchema, initializerSchema, xavier, zeros } from '../initializers/initializer.js';
import { constraintSchema } from '../regularizers/constraint.js';
import { regularizerSchema } from '../regularizers/regularizer.js';
import { layerName, maxSize, parameterSettings } from './common.js';
import { requireNumbers, type ParameterShape, type Signal } from './signal.js';

/** The settings of {@link dense}. */
export const denseSettings = settings({
  units: whole(1, maxSize),
  activation: choice('linear', 'relu', 'tanh', 'sigmoid', 'softmax').default('linear'),
  useBias: flag.default(true),
  tiedTo: layerName.optional(),
  initializer: initializerSchema.default(xavier()),
  biasInitializer: biasInitializerSchema.default(zeros()),
  regularizer: regularizerSchema.optional(),
  biasRegularizer: regularizerSchema.optional(),
  constraint: constraintSchema.optional(),
  biasConstraint: constraintSchema.optional(),
  ...parameterSettings,
  name: layerName.optional(),
});

/** What {@link dense} takes. */
export type DenseOptions = Readonly<z.input<typeof denseSettings>>;

/** A dense layer's settings, resolved and frozen. */
export type DenseLayer = { readonly kind: 'dense' } & Readonly<z.output<typeof denseSettings>>;

/**
 * A fully connected layer, activation(W x + b), on each step of a sequence or on a vector: [N, T, C] to
 * [N, T, units], [N, C] to [N, units]. Parameters: `weight` [units, C] and `bias` [units].
 *
 * @param options `units`: outputs. `activation` 'linear' ('relu', 'tanh', 'sigmoid', 'softmax' over the units).
 *   `useBias` true. `tiedTo`: the name of an embedding whose table is the weight, with `units` its vocabSize and C its
 *   size: one table learns from both uses (Press and Wolf 2017; Inan, Khosravi and Socher 2017), with the embedding's
 *   settings. The bias is the layer's own. Default none. `initializer` xavier, `biasInitializer` zeros. `regularizer`, `biasRegularizer`, `constraint`,
 *   `biasConstraint`: none.
 *   `trainable` true. `name` `fc`.
 * @throws ConfigError
 * @example
 * ```ts
 * const head = dense({ units: 6, activation: 'softmax' });
 * ```
 */
export function dense(options: DenseOptions): DenseLayer {
  const layer: DenseLayer = Object.freeze({
    kind: 'dense',
    ...parseConfig(denseSettings, options, 'dense'),
  });
  if (layer.tiedTo !== undefined) checkTied(layer);
  return layer;
}

// A tied layer has no weight that these could act on.
function checkTied(layer: DenseLayer): void {
  for (const name of ['regularizer', 'constraint'] as const) {
    if (layer[name] === undefined) continue;
    const path = `dense.${name}`;
    const expected = `none beside tiedTo, but one of the embedding '${layer.tiedTo}'`;
    throw new ConfigError(`${path}: expected ${expected}, received ${describe(layer[name])}`, {
      path,
      expected,
    });
  }
}

export function denseOutput(layer: DenseLayer, input: Signal, path: string): Signal {
  requireNumbers(input, path);
  return { kind: input.kind, size: layer.units };
}

export function denseParameters(layer: DenseLayer, input: Signal): readonly ParameterShape[] {
  const weight = layer.tiedTo === undefined ? [{ name: 'weight', shape: [layer.units, input.size] }] : [];
  return layer.useBias ? [...weight, { name: 'bias', shape: [layer.units] }] : weight;
}
