import { describe, expect, it } from 'vitest';
import { dense, dropout, embedding, lstm, pool } from '../../../src/index.js';
import { resolveChain } from '../../../src/layers/chain.js';

const tokens = { kind: 'tokens', size: 50 } as const;
const features = { kind: 'sequence', size: 6 } as const;

describe('resolveChain', () => {
  it('names layers by kind, further ones by number, and leaves given names', () => {
    const names = resolveChain(
      [
        lstm({ hiddenSize: 2 }),
        lstm({ hiddenSize: 2, name: 'lstm_1' }),
        lstm({ hiddenSize: 2 }),
        dense({ units: 2 }),
        dense({ units: 2, name: 'head' }),
        dense({ units: 2 }),
      ],
      features,
    ).map(({ layer }) => layer.name);
    expect(names).toEqual(['lstm', 'lstm_1', 'lstm_2', 'fc', 'head', 'fc_1']);
  });

  it('follows shapes from tokens to a vector', () => {
    const chain = resolveChain(
      [
        embedding({ vocabSize: 50, size: 8 }),
        dropout({ rate: 0.5 }),
        lstm({ hiddenSize: 16, bidirectional: true }),
        pool({ mode: 'max' }),
        dense({ units: 3 }),
      ],
      tokens,
    );
    expect(chain.map(({ output }) => output)).toEqual([
      { kind: 'sequence', size: 8 },
      { kind: 'sequence', size: 8 },
      { kind: 'sequence', size: 32 },
      { kind: 'vector', size: 32 },
      { kind: 'vector', size: 3 },
    ]);
  });

  it("lists an LSTM's parameters with nn.LSTM's names and shapes", () => {
    // Names and shapes as torch.nn.LSTM(6, 5, num_layers=2, bidirectional=True).named_parameters() lists them.
    const [link] = resolveChain([lstm({ hiddenSize: 5, numLayers: 2, bidirectional: true })], features);
    const shapes = Object.fromEntries(link!.parameters.map(({ name, shape }) => [name, shape]));
    expect(shapes).toEqual({
      weight_ih_l0: [20, 6],
      weight_hh_l0: [20, 5],
      bias_ih_l0: [20],
      bias_hh_l0: [20],
      weight_ih_l0_reverse: [20, 6],
      weight_hh_l0_reverse: [20, 5],
      bias_ih_l0_reverse: [20],
      bias_hh_l0_reverse: [20],
      weight_ih_l1: [20, 10],
      weight_hh_l1: [20, 5],
      bias_ih_l1: [20],
      bias_hh_l1: [20],
      weight_ih_l1_reverse: [20, 10],
      weight_hh_l1_reverse: [20, 5],
      bias_ih_l1_reverse: [20],
      bias_hh_l1_reverse: [20],
    });
  });

  it("lists a projection's parameters with nn.LSTM's names and shapes, and follows its output", () => {
    // As torch.nn.LSTM(6, 5, num_layers=2, bidirectional=True, proj_size=3) has them.
    const layer = lstm({ hiddenSize: 5, numLayers: 2, bidirectional: true, projectionSize: 3, bias: 'none' });
    const [link] = resolveChain([layer], features);
    expect(Object.fromEntries(link!.parameters.map(({ name, shape }) => [name, shape]))).toEqual({
      weight_ih_l0: [20, 6],
      weight_hh_l0: [20, 3],
      weight_hr_l0: [3, 5],
      weight_ih_l0_reverse: [20, 6],
      weight_hh_l0_reverse: [20, 3],
      weight_hr_l0_reverse: [3, 5],
      weight_ih_l1: [20, 6],
      weight_hh_l1: [20, 3],
      weight_hr_l1: [3, 5],
      weight_ih_l1_reverse: [20, 6],
      weight_hh_l1_reverse: [20, 3],
      weight_hr_l1_reverse: [3, 5],
    });
    expect(link!.output).toEqual({ kind: 'sequence', size: 6 });
  });

  it.each([
    ['single', ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0']],
    ['none', ['weight_ih_l0', 'weight_hh_l0']],
  ] as const)('leaves out biases with bias %j', (bias, names) => {
    const [link] = resolveChain([lstm({ hiddenSize: 5, bias })], features);
    expect(link!.parameters.map(({ name }) => name)).toEqual(names);
  });

  it.each([
    [
      'pool on a vector',
      [lstm({ hiddenSize: 2, returnSequences: false }), pool({ mode: 'mean' })],
      'layers[1] (pool): expected a sequence [N, T, C] as its input, received a vector [N, 2]',
    ],
    [
      'lstm on a vector',
      [pool({ mode: 'last' }), lstm({ hiddenSize: 2 })],
      'layers[1] (lstm): expected a sequence [N, T, C] as its input, received a vector [N, 6]',
    ],
    [
      'embedding on numbers',
      [lstm({ hiddenSize: 2 }), embedding({ vocabSize: 3, size: 2, name: 'table' })],
      'layers[1] (table): expected token ids [N, T] as its input, received a sequence [N, T, 2]',
    ],
    [
      'a name twice',
      [dense({ units: 2, name: 'a' }), dense({ units: 2, name: 'a' })],
      "layers[1].name: expected a name that no other layer has, received 'a'",
    ],
    ['no layers', [], 'layers: expected an array of at least one layer, received an array of length 0'],
    [
      'what is no layer',
      [undefined],
      'layers[0]: expected a layer, such as lstm({ hiddenSize: 64 }), received undefined',
    ],
    [
      'an unknown kind',
      [{ kind: 'lstmm' }],
      "layers[0].kind: expected one of embedding, lstm, dense, dropout, pool, activationRegularizer (did you mean 'lstm'?), received 'lstmm'",
    ],
    [
      'a bad setting in a plain object',
      [{ kind: 'dense', units: 0 }],
      'layers[0] dense.units: expected a whole number from 1 to 2147483647, received 0',
    ],
    [
      'sizes that overflow',
      [lstm({ hiddenSize: 1e9 })],
      'layers[0] (lstm): expected at most 2^40 parameters in all, received 4000000032000000000',
    ],
  ])('refuses %s', (_name, layers, message) => {
    expect(() => resolveChain(layers, features)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message }),
    );
  });

  it('refuses numbers where tokens come without an embedding', () => {
    expect(() => resolveChain([dense({ units: 2 })], tokens)).toThrow(
      'layers[0] (fc): expected numbers (an embedding comes first) as its input, received token ids [N, T]',
    );
  });

  it('gives back the same chain from its own JSON', () => {
    const chain = resolveChain([lstm({ hiddenSize: 2, dropout: 0.1 }), dense({ units: 2 })], features);
    const json: unknown[] = JSON.parse(JSON.stringify(chain.map(({ layer }) => layer)));
    expect(resolveChain(json, features)).toEqual(chain);
  });
});
