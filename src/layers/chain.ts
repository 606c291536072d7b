import { describe } from '../config/describe.js';
import { ConfigError } from '../errors.js';
import { elementCount } from '../data/tensor.js';
import { layerFrom, layerOutput, layerParameters, type Layer } from './layer.js';
import type { ParameterShape, Signal } from './signal.js';

/** A layer in its place: with its name, what it reads and what it gives. */
export interface ChainLink {
  readonly layer: Layer & { readonly name: string };
  readonly input: Signal;
  readonly output: Signal;
  /** Names without the layer's. */
  readonly parameters: readonly ParameterShape[];
}

/** More elements than this in one model cannot be addressed by any machine it could run on: 4 TiB of float32. */
const maxElements = 2 ** 40;

const defaultNames: Record<Layer['kind'], string> = {
  embedding: 'embedding',
  lstm: 'lstm',
  dense: 'fc',
  dropout: 'dropout',
  activationRegularizer: 'activation_regularizer',
  pool: 'pool',
};

/**
 * Names the layers and follows the shapes through them.
 *
 * @throws ConfigError naming the layer by index and name: for an unknown or repeated name, a layer that cannot read
 *   what comes before it, and sizes that overflow.
 */
export function resolveChain(layers: readonly unknown[], input: Signal): readonly ChainLink[] {
  if (!Array.isArray(layers) || layers.length === 0) {
    const expected = 'an array of at least one layer';
    const received = describe(layers);
    throw new ConfigError(`layers: expected ${expected}, received ${received}`, {
      path: 'layers',
      expected,
      received,
    });
  }
  const named = nameLayers(layers.map((layer, index) => layerFrom(layer, `layers[${index}]`)));
  const links: ChainLink[] = [];
  let total = 0;
  for (const [index, layer] of named.entries()) {
    const path = `layers[${index}] (${layer.name})`;
    const from = links.at(-1)?.output ?? input;
    const output = layerOutput(layer, from, path);
    const parameters = layerParameters(layer, from);
    total += parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    if (total > maxElements || output.size > maxElements) throw tooLarge(path, total);
    links.push(Object.freeze({ layer, input: from, output, parameters }));
  }
  return Object.freeze(links);
}

function nameLayers(layers: readonly Layer[]): (Layer & { readonly name: string })[] {
  const taken = new Set<string>();
  for (const [index, { name }] of layers.entries()) {
    if (name === undefined) continue;
    if (taken.has(name)) throw repeatedName(index, name);
    taken.add(name);
  }
  return layers.map((layer) => {
    const name = layer.name ?? freeName(defaultNames[layer.kind], taken);
    taken.add(name);
    return Object.freeze({ ...layer, name });
  });
}

function freeName(base: string, taken: ReadonlySet<string>): string {
  if (!taken.has(base)) return base;
  let number = 1;
  while (taken.has(`${base}_${number}`)) number++;
  return `${base}_${number}`;
}

function repeatedName(index: number, name: string): ConfigError {
  const path = `layers[${index}].name`;
  const expected = 'a name that no other layer has';
  return new ConfigError(`${path}: expected ${expected}, received '${name}'`, {
    path,
    expected,
    received: name,
  });
}

function tooLarge(path: string, elements: number): ConfigError {
  const expected = `at most 2^40 parameters in all`;
  return new ConfigError(`${path}: expected ${expected}, received ${elements}`, {
    path,
    expected,
    received: elements,
  });
}
