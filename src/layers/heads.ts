import { describe } from '../config/describe.js';
import { deepFreeze } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import { layerFrom, type Layer } from './layer.js';

/** Several outputs: chains of layers by name; frozen. */
export interface HeadsLayer<Name extends string = string> {
  readonly kind: 'heads';
  readonly heads: { readonly [Head in Name]: readonly Layer[] };
}

/** The names of the heads that some layers end with; `never` where they end with none, or are not known one by one. */
export type HeadNames<L extends readonly unknown[]> = L extends readonly [
  ...unknown[],
  HeadsLayer<infer Name>,
]
  ? Name
  : never;

/** Outputs of one model. */
const mostHeads = 32;

/**
 * Several outputs that share the layers before them: the last entry of a model's layers. Each head is a chain of layers
 * that reads what comes out of the layers before, with a loss, targets and metrics of its own. What a head learns is
 * weighed by `lossWeights`; the gradients add up where the heads part (Caruana, "Multitask learning", 1997). A step of
 * training computes all of them together.
 *
 * A head's name is the prefix of its parameters, `tag.fc.weight`, and of its values in results: `tagLoss`,
 * `tagAccuracy`, `valTagLoss`.
 *
 * @param branches 2 to 32 heads of at least one layer each, no embedding. Names: a letter, then letters, digits and _, up to 32; not
 *   `kind`, nor `val` or what begins with `val` and a capital letter.
 * @throws ConfigError
 * @example
 * ```ts
 * const model = await sequential([
 *   embedding({ vocabSize: 10_000, size: 64 }),
 *   lstm({ hiddenSize: 128 }),
 *   heads({
 *     tag: [dense({ units: 12, activation: 'softmax' })],
 *     length: [pool({ mode: 'mean' }), dense({ units: 1 })],
 *   }),
 * ]);
 * await model.fit({ x, y: { tag, length } }, { loss: { tag: 'crossEntropy', length: 'mse' }, lossWeights: { length: 0.2 } });
 * ```
 */
export function heads<Name extends string>(branches: {
  readonly [Head in Name]: readonly Layer[];
}): HeadsLayer<Name> {
  return headsFrom(branches, 'heads') as HeadsLayer<Name>;
}

/** Whether a value is meant to be a model's heads. */
export function isHeads(value: unknown): value is { readonly heads: unknown } {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'heads';
}

/**
 * Heads as a factory gives them or a file holds them.
 *
 * @param path Where they stand, for messages.
 * @throws ConfigError
 */
export function headsFrom(branches: unknown, path: string): HeadsLayer {
  if (typeof branches !== 'object' || branches === null || Array.isArray(branches)) {
    throw invalid(path, 'an object with an array of layers for each name', describe(branches));
  }
  const entries = Object.entries(branches as Readonly<Record<string, unknown>>);
  if (entries.length < 2 || entries.length > mostHeads) {
    throw invalid(path, `2 to ${mostHeads} heads`, `${entries.length}`);
  }
  const taken = new Set<string>();
  const resolved = entries.map(([name, layers]): [string, readonly Layer[]] => {
    checkName(name, path, taken);
    return [name, branch(layers, `${path}.${name}`)];
  });
  return deepFreeze({ kind: 'heads', heads: Object.fromEntries(resolved) });
}

function branch(layers: unknown, path: string): readonly Layer[] {
  if (!Array.isArray(layers) || layers.length === 0) {
    throw invalid(path, 'an array of at least one layer', describe(layers));
  }
  return layers.map((value: unknown, index) => {
    const at = `${path}[${index}]`;
    if (isHeads(value)) throw invalid(at, 'a layer, as heads have none of their own', 'heads');
    const layer = layerFrom(value, at);
    if (layer.kind === 'embedding') throw invalid(at, 'a layer of numbers', 'an embedding');
    return layer;
  });
}

// Validation puts `val` before a name with its first letter made a capital, so two names must differ then too.
function checkName(name: string, path: string, taken: Set<string>): void {
  const expected = 'names of a letter and up to 31 letters, digits and _, other than kind and val';
  if (!/^[A-Za-z]\w{0,31}$/.test(name) || /^(kind|optimizer|val)$|^val[A-Z]/.test(name)) {
    throw invalid(path, expected, describe(name));
  }
  const capital = name[0]!.toUpperCase() + name.slice(1);
  if (taken.has(capital)) throw invalid(path, 'names that differ in more than their first capital', name);
  taken.add(capital);
}

function invalid(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
