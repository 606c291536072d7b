import { ConfigError } from '../errors.js';
import { layerFrom, type Layer } from '../layers/layer.js';
import type { LayerConfig } from './layerConfig.js';

/** What the data decides of a model. */
export interface DataSizes {
  /** Different token ids, of tasks that read tokens. */
  readonly vocabSize?: number | undefined;
  /** Outputs that the task needs. */
  readonly units: number;
  /** What they are, for messages: `3 classes`. */
  readonly outputs: string;
}

/**
 * The layers of a config with what the data decides filled in, held against it.
 *
 * @throws ConfigError naming the layer by its path from `$`.
 */
export function completeLayers(layers: readonly LayerConfig[], sizes: DataSizes): Layer[] {
  const last = layers.length - 1;
  return layers.map((layer, index) => {
    const path = `$.model.layers[${index}]`;
    return layerFrom(completed(layer, sizes, { path, last: index === last }), path);
  });
}

function completed(
  layer: LayerConfig,
  { vocabSize, units, outputs }: DataSizes,
  { path, last }: { readonly path: string; readonly last: boolean },
): object {
  if (layer.kind === 'embedding') {
    if (vocabSize === undefined) {
      throw wrong(path, 'no embedding, as the task reads numbers', "'embedding'");
    }
    if (layer.vocabSize !== undefined && layer.vocabSize < vocabSize) {
      const expected = `at least ${vocabSize}, the vocabulary's ids, or none`;
      throw wrong(`${path}.vocabSize`, expected, String(layer.vocabSize));
    }
    return { ...layer, vocabSize: layer.vocabSize ?? vocabSize };
  }
  if (last && layer.kind !== 'dense') {
    throw wrong(path, 'a dense layer at last', `'${layer.kind}'`);
  }
  if (layer.kind !== 'dense') return layer;
  if (!last && layer.units === undefined) {
    throw wrong(`${path}.units`, 'a whole number from 1 (the last layer alone may leave it out)', 'none');
  }
  if (last && layer.units !== undefined && layer.units !== units) {
    throw wrong(`${path}.units`, `${units} for ${outputs}, or none`, String(layer.units));
  }
  return { ...layer, units: layer.units ?? units };
}

function wrong(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
