import { describe, expect, it } from 'vitest';
import { ConfigError, dense, embedding, heads, lstm, pool } from '../../../src/index.js';
import { configLayers, outputsOf, resolveChain } from '../../../src/layers/chain.js';
import { lowerNetwork } from '../../../src/model/lowering.js';

const tokens = { kind: 'tokens', size: 9 } as const;
const features = { kind: 'sequence', size: 4 } as const;
const trunk = [embedding({ vocabSize: 9, size: 4 }), lstm({ hiddenSize: 4 })];
const fc = (units: number) => dense({ units });

describe('heads', () => {
  const branches = { tag: [fc(3)], length: [pool({ mode: 'mean' }), fc(5), fc(1)] };
  const chain = resolveChain([...trunk, heads(branches)], tokens);

  it('stand behind the layers they share, each reading their last output, with names behind their own', () => {
    expect(chain.map(({ layer, head, reads }) => [layer.name, head, reads])).toEqual([
      ['embedding', undefined, -1],
      ['lstm', undefined, 0],
      ['tag.fc', 'tag', 1],
      ['length.pool', 'length', 1],
      ['length.fc', 'length', 3],
      ['length.fc_1', 'length', 4],
    ]);
    expect(outputsOf(chain).map(({ head, index }) => [head, index])).toEqual([
      ['tag', 2],
      ['length', 5],
    ]);
    expect(lowerNetwork(chain, tokens, 0)).toMatchObject({ outputs: Int32Array.of(2, 5) });
    expect(lowerNetwork(chain, tokens, 0).nodes.map(({ input }) => input)).toEqual([-1, 0, 1, 1, 3, 4]);
  });

  it('may read the input itself', () => {
    const direct = resolveChain([heads(branches)], features);
    expect(direct.map(({ reads }) => reads)).toEqual([-1, -1, 1, 2]);
  });

  it('stand in a config as they were given, and are the same again', () => {
    const layers = configLayers(chain);
    expect(layers.at(-1)).toMatchObject({ kind: 'heads', heads: { tag: [{ kind: 'dense', name: 'fc' }] } });
    expect(resolveChain(JSON.parse(JSON.stringify(layers)) as [], tokens)).toEqual(chain);
  });

  it('leave a network of one output without a list of outputs', () => {
    const plain = resolveChain(trunk, tokens);
    expect(lowerNetwork(plain, tokens, 0)).not.toHaveProperty('outputs');
    expect(configLayers(plain)).toHaveLength(2);
  });

  it.each([
    ['no heads', () => heads({}), /2 to 32 heads, received 0/],
    ['one head', () => heads({ a: [fc(1)] }), /2 to 32 heads, received 1/],
    [
      'too many',
      () => heads(Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`h${i}`, [fc(1)]]))),
      /33/,
    ],
    ['a list', () => heads([[fc(1)], [fc(1)]] as never), /an object/],
    [
      'a head without layers',
      () => heads({ a: [], b: [fc(1)] }),
      /heads\.a: expected an array of at least one/,
    ],
    ['a layer that is none', () => heads({ a: [{}], b: [fc(1)] } as never), /heads\.a\[0\]/],
    ['an embedding in a head', () => heads({ a: [trunk[0]!], b: [fc(1)] }), /heads\.a\[0\]: .* an embedding/],
    [
      'heads of heads',
      () => heads({ a: [heads(branches)], b: [fc(1)] } as never),
      /heads\.a\[0\]: .*received heads/,
    ],
    ['a name with a dot', () => heads({ 'a.b': [fc(1)], c: [fc(1)] }), /names of a letter/],
    ['a name that validation has', () => heads({ valTag: [fc(1)], tag: [fc(1)] }), /names of a letter/],
    ["a loss's own field", () => heads({ kind: [fc(1)], tag: [fc(1)] }), /names of a letter/],
    ['names that differ in a capital', () => heads({ tag: [fc(1)], Tag: [fc(1)] }), /first capital/],
    ['layers behind heads', () => resolveChain([heads(branches), fc(1)] as never, features), /heads last/],
    [
      "a layer's name",
      () => resolveChain([lstm({ hiddenSize: 2, name: 'tag' }), heads(branches)], features),
      /no layer has/,
    ],
    [
      'a repeated name',
      () =>
        resolveChain(
          [heads({ a: [fc(1)], b: [dense({ units: 1, name: 'x' }), dense({ units: 1, name: 'x' })] })],
          features,
        ),
      /heads\.b\[1\]\.name/,
    ],
    [
      'a layer that cannot read what is shared',
      () => resolveChain([pool({ mode: 'last' }), heads(branches)], features),
      /heads\.length\[0\] \(length\.pool\)/,
    ],
  ])('refuse %s', (_, make, message) => {
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
  });
});

describe('a dense layer tied to an embedding', () => {
  it('has a bias alone', () => {
    const chain = resolveChain([...trunk, dense({ units: 9, tiedTo: 'embedding' })], tokens);
    expect(chain[2]!.parameters).toEqual([{ name: 'bias', shape: [9] }]);
    expect(lowerNetwork(chain, tokens, 0).nodes[2]).toMatchObject({ tiedTo: 0, units: 9 });
    const bare = resolveChain([...trunk, dense({ units: 9, tiedTo: 'embedding', useBias: false })], tokens);
    expect(bare[2]!.parameters).toEqual([]);
  });

  it.each([
    [
      'of another vocabulary',
      () => [...trunk, dense({ units: 8, tiedTo: 'embedding' })],
      /9 and 4, received 8 and 4/,
    ],
    [
      'of another size',
      () => [trunk[0]!, lstm({ hiddenSize: 5 }), dense({ units: 9, tiedTo: 'embedding' })],
      /received 9 and 5/,
    ],
    [
      'that is not there',
      () => [...trunk, dense({ units: 9, tiedTo: 'embeding' })],
      /did you mean 'embedding'/,
    ],
    [
      'that is no embedding',
      () => [...trunk, dense({ units: 9, tiedTo: 'lstm' })],
      /name of an embedding before it/,
    ],
    [
      'with a penalty of its own',
      () => [dense({ units: 9, tiedTo: 'e', regularizer: { l1: 0, l2: 1 } })],
      /dense\.regularizer: expected none beside tiedTo/,
    ],
    [
      'with a constraint of its own',
      () => [dense({ units: 9, tiedTo: 'e', constraint: { kind: 'nonNegative' } })],
      /dense\.constraint/,
    ],
  ])('refuses one %s', (_, layers, message) => {
    const make = () => resolveChain(layers(), tokens);
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
  });
});
