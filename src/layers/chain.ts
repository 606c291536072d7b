import { describe } from '../config/describe.js';
import { nearestName } from '../config/nearestName.js';
import { deepFreeze } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import { elementCount } from '../data/tensor.js';
import { headsFrom, isHeads, type HeadsLayer } from './heads.js';
import { layerFrom, layerOutput, layerParameters, type Layer } from './layer.js';
import type { ParameterShape, Signal } from './signal.js';

/** A layer with its name in the model. */
export type NamedLayer = Layer & { readonly name: string };

/** A layer in its place: with its name, what it reads and what it gives. */
export interface ChainLink {
  /** Its name is unique in the model: `fc`, or of a head `tag.fc`. */
  readonly layer: NamedLayer;
  /** The head it belongs to; undefined: the layers that all share. */
  readonly head: string | undefined;
  /** Index of the link whose output it reads; -1: the model's input. */
  readonly reads: number;
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

/** A layer before its shapes are known. */
interface Place {
  readonly layer: NamedLayer;
  readonly head: string | undefined;
  readonly path: string;
}

/**
 * Names the layers and follows the shapes through them, heads behind what they share and one after the other.
 *
 * @throws ConfigError naming the layer by index and name: for an unknown or repeated name, a layer that cannot read
 *   what comes before it, and sizes that overflow.
 */
export function resolveChain(layers: readonly unknown[], input: Signal): readonly ChainLink[] {
  if (!Array.isArray(layers) || layers.length === 0) {
    throw invalid('layers', 'an array of at least one layer', describe(layers));
  }
  const links: ChainLink[] = [];
  let total = 0;
  for (const { layer, head, path } of places(layers)) {
    const trunk = links.findLastIndex((link) => link.head === undefined);
    const reads = links.at(-1)?.head === head ? links.length - 1 : trunk;
    const from = links[reads]?.output ?? input;
    const output = layerOutput(layer, from, path);
    if (layer.kind === 'dense' && layer.tiedTo !== undefined)
      checkTie(layer.tiedTo, links, output, from, path);
    const parameters = layerParameters(layer, from);
    total += parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    if (total > maxElements || output.size > maxElements) {
      throw invalid(path, 'at most 2^40 parameters in all', `${total}`);
    }
    links.push(Object.freeze({ layer, head, reads, input: from, output, parameters }));
  }
  return Object.freeze(links);
}

/** An output of a model: of a head, or the only one. */
export interface ModelOutput {
  readonly head: string | undefined;
  /** Of the link that gives it. */
  readonly index: number;
  readonly link: ChainLink;
}

/** The outputs of a model, in the order of its heads. */
export function outputsOf(chain: readonly ChainLink[]): readonly ModelOutput[] {
  return chain.flatMap((link, index) => {
    const next = chain[index + 1];
    const isLast = next === undefined || (next.head !== link.head && link.head !== undefined);
    return isLast ? [{ head: link.head, index, link }] : [];
  });
}

/**
 * The output of a model that has one.
 *
 * @param user What asks for it, for the message.
 * @throws ConfigError for a model with heads.
 */
export function onlyOutput(chain: readonly ChainLink[], user: string): Signal {
  const [output] = outputsOf(chain);
  if (output!.head === undefined) return output!.link.output;
  const received = `heads ${outputsOf(chain)
    .map(({ head }) => head)
    .join(', ')}`;
  throw invalid(user, 'a model of one output', received);
}

/** What a model's config says of its layers: as they were given, with their names. */
export function configLayers(chain: readonly ChainLink[]): readonly (NamedLayer | HeadsLayer)[] {
  const trunk = chain.filter(({ head }) => head === undefined).map(({ layer }) => layer);
  const heads = outputsOf(chain).flatMap(({ head }) => (head === undefined ? [] : [head]));
  if (heads.length === 0) return trunk;
  const branches = heads.map((head): [string, NamedLayer[]] => [
    head,
    chain
      .filter((link) => link.head === head)
      .map(({ layer }) => ({ ...layer, name: layer.name.slice(head.length + 1) })),
  ]);
  return [...trunk, deepFreeze({ kind: 'heads', heads: Object.fromEntries(branches) })];
}

function places(layers: readonly unknown[]): readonly Place[] {
  const last: unknown = layers.at(-1);
  const trunk = isHeads(last) ? layers.slice(0, -1) : layers;
  const early = trunk.findIndex(isHeads);
  if (early >= 0) throw invalid(`layers[${early}]`, 'heads last', 'layers behind them');
  const named = nameLayers(
    trunk.map((layer, index) => layerFrom(layer, `layers[${index}]`)),
    'layers',
  );
  const shared = named.map((layer, index) => ({
    layer,
    head: undefined,
    path: `layers[${index}] (${layer.name})`,
  }));
  return isHeads(last) ? [...shared, ...headPlaces(last, `layers[${trunk.length}]`, named)] : shared;
}

function headPlaces(
  given: { readonly heads: unknown },
  path: string,
  trunk: readonly NamedLayer[],
): readonly Place[] {
  const extra = Object.keys(given).find((key) => key !== 'kind' && key !== 'heads');
  if (extra !== undefined) throw invalid(path, 'heads and nothing else', `a setting ${describe(extra)}`);
  const { heads } = headsFrom(given.heads, `${path}.heads`);
  return Object.entries(heads).flatMap(([head, layers]) => {
    const at = `${path}.heads.${head}`;
    if (trunk.some(({ name }) => name === head)) throw invalid(at, 'a name that no layer has', `'${head}'`);
    return nameLayers(layers, at).map((layer, index) => {
      const name = `${head}.${layer.name}`;
      return { layer: Object.freeze({ ...layer, name }), head, path: `${at}[${index}] (${name})` };
    });
  });
}

function nameLayers(layers: readonly Layer[], path: string): NamedLayer[] {
  const taken = new Set<string>();
  for (const [index, { name }] of layers.entries()) {
    if (name === undefined) continue;
    if (taken.has(name))
      throw invalid(`${path}[${index}].name`, 'a name that no other layer has', `'${name}'`);
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

function checkTie(
  tiedTo: string,
  links: readonly ChainLink[],
  output: Signal,
  input: Signal,
  path: string,
): void {
  const tables = links.filter(({ layer }) => layer.kind === 'embedding');
  const table = tables.find(({ layer }) => layer.name === tiedTo);
  if (table === undefined) {
    const near = nearestName(
      tiedTo,
      tables.map(({ layer }) => layer.name),
    );
    const hint = near === undefined ? '' : ` (did you mean '${near}'?)`;
    throw invalid(`${path}.tiedTo`, `the name of an embedding before it${hint}`, `'${tiedTo}'`);
  }
  const [vocabSize, size] = [table.input.size, table.output.size];
  if (vocabSize === output.size && size === input.size) return;
  throw invalid(
    path,
    `units and input of the embedding '${tiedTo}', ${vocabSize} and ${size}`,
    `${output.size} and ${input.size}`,
  );
}

function invalid(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
