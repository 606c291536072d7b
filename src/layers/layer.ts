import { nearestName } from '../config/nearestName.js';
import { describe } from '../config/describe.js';
import { ConfigError } from '../errors.js';
import {
  activationRegularizer,
  activationRegularizerOutput,
  type ActivationRegularizerLayer,
} from './activationRegularizer.js';
import { dense, denseOutput, denseParameters, type DenseLayer } from './dense.js';
import { dropout, dropoutOutput, type DropoutLayer } from './dropout.js';
import { embedding, embeddingOutput, embeddingParameters, type EmbeddingLayer } from './embedding.js';
import { lstm, lstmOutput, lstmParameters, type LstmDescriptor } from './lstm.js';
import { pool, poolOutput, type PoolLayer } from './pool.js';
import type { ParameterShape, Signal } from './signal.js';

/**
 * A layer of a model: made by {@link embedding}, {@link lstm}, {@link dense}, {@link dropout}, {@link pool} or
 * {@link activationRegularizer}.
 */
export type Layer =
  EmbeddingLayer | LstmDescriptor | DenseLayer | DropoutLayer | PoolLayer | ActivationRegularizerLayer;

const factories = { embedding, lstm, dense, dropout, pool, activationRegularizer };

/**
 * A layer from its settings with a `kind`, as a factory gives it or a file holds it.
 *
 * @param path Where it stands, for messages: `layers[1]`.
 * @throws ConfigError
 */
export function layerFrom(value: unknown, path: string): Layer {
  if (typeof value !== 'object' || value === null || !('kind' in value)) {
    throw invalidLayer(path, 'a layer, such as lstm({ hiddenSize: 64 })', describe(value));
  }
  const { kind, ...options } = value;
  if (typeof kind !== 'string' || !Object.hasOwn(factories, kind)) throw unknownKind(path, kind);
  try {
    return factories[kind as Layer['kind']](options as never);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${path} ${error.message}`, { ...error.details, layer: path });
  }
}

/**
 * What comes out of a layer.
 *
 * @throws ConfigError where the layer cannot read its input.
 */
export function layerOutput(layer: Layer, input: Signal, path: string): Signal {
  switch (layer.kind) {
    case 'embedding':
      return embeddingOutput(layer, input, path);
    case 'lstm':
      return lstmOutput(layer, input, path);
    case 'dense':
      return denseOutput(layer, input, path);
    case 'dropout':
      return dropoutOutput(layer, input, path);
    case 'pool':
      return poolOutput(layer, input, path);
    case 'activationRegularizer':
      return activationRegularizerOutput(layer, input, path);
  }
}

/** The parameters of a layer, in the order in which they are listed; their order in memory may differ. */
export function layerParameters(layer: Layer, input: Signal): readonly ParameterShape[] {
  switch (layer.kind) {
    case 'embedding':
      return embeddingParameters(layer);
    case 'lstm':
      return lstmParameters(layer, input);
    case 'dense':
      return denseParameters(layer, input);
    case 'dropout':
    case 'pool':
    case 'activationRegularizer':
      return [];
  }
}

function unknownKind(path: string, kind: unknown): ConfigError {
  const kinds = Object.keys(factories);
  const near = typeof kind === 'string' ? nearestName(kind, kinds) : undefined;
  const hint = near === undefined ? '' : ` (did you mean '${near}'?)`;
  return invalidLayer(`${path}.kind`, `one of ${kinds.join(', ')}${hint}`, describe(kind));
}

function invalidLayer(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
