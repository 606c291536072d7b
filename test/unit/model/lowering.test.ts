import { describe, expect, it } from 'vitest';
import { adam, dense, embedding, l1l2, lstm, pool, sgd, torchUniform } from '../../../src/index.js';
import { resolveChain } from '../../../src/layers/chain.js';
import { lowerNetwork, lowerOptimizer } from '../../../src/model/lowering.js';

const tokens = { kind: 'tokens', size: 9 } as const;

describe('lowerNetwork', () => {
  it('chains nodes, the first reading the input', () => {
    const layers = [embedding({ vocabSize: 9, size: 4 }), lstm({ hiddenSize: 3 }), pool({ mode: 'max' })];
    const network = lowerNetwork(resolveChain(layers, tokens), tokens, 5);
    expect(network).toMatchObject({ input: 'tokens', inputSize: 9, seed: 5 });
    expect(network.nodes.map(({ kind, name, input }) => [kind, name, input])).toEqual([
      ['embedding', 'embedding', -1],
      ['lstm', 'lstm', 0],
      ['pool', 'pool', 1],
    ]);
  });

  it('starts layers as PyTorch does where asked: U(±1/sqrt(fan)), the fan its documentation names', () => {
    const start = torchUniform();
    const layers = [
      embedding({ vocabSize: 9, size: 4, initializer: start }),
      lstm({ hiddenSize: 16, inputInitializer: start, recurrentInitializer: start, biasInitializer: start }),
      dense({ units: 2, initializer: start, biasInitializer: start }),
    ];
    const [table, cell, head] = lowerNetwork(resolveChain(layers, tokens), tokens, 0).nodes;
    const quarter = { initializer: { kind: 'uniform', low: -0.25, high: 0.25 } };
    expect(table).toMatchObject({ weight: { initializer: { kind: 'normal', mean: 0, stddev: 1 } } });
    for (const role of ['weightIh', 'weightHh', 'weightHr', 'biasIh', 'biasHh']) {
      expect(cell).toMatchObject({ [role]: quarter });
    }
    expect(head).toMatchObject({ weight: quarter, bias: quarter });
  });

  it('carries penalties and frozen layers to their parameters', () => {
    const layer = lstm({
      hiddenSize: 3,
      recurrentRegularizer: l1l2({ l1: 0.1, l2: 0.2 }),
      trainable: false,
    });
    const [node] = lowerNetwork(resolveChain([layer], { kind: 'sequence', size: 2 }), tokens, 0).nodes;
    expect(node).toMatchObject({
      weightIh: { l1: 0, l2: 0, trainable: false },
      weightHh: { l1: 0.1, l2: 0.2, trainable: false },
      weightHr: { l1: 0.1, l2: 0.2, trainable: false },
    });
  });

  it('writes 0 for no projection and no cell clip', () => {
    const layers = [lstm({ hiddenSize: 3 }), lstm({ hiddenSize: 3, projectionSize: 2, cellClip: 1.5 })];
    const { nodes } = lowerNetwork(resolveChain(layers, { kind: 'sequence', size: 2 }), tokens, 0);
    expect(nodes[0]).toMatchObject({ projectionSize: 0, cellClip: 0 });
    expect(nodes[1]).toMatchObject({ projectionSize: 2, cellClip: 1.5 });
  });
});

describe('lowerOptimizer', () => {
  it.each([
    [adam(), { kind: 'none' }],
    [adam({ clip: { globalNorm: 2 } }), { kind: 'globalNorm', limit: 2 }],
    [sgd({ clip: { tensorNorm: 3 } }), { kind: 'tensorNorm', limit: 3 }],
    [sgd({ clip: { value: 4 } }), { kind: 'value', limit: 4 }],
  ])('row %#: names the one clip there is', (optimizer, clip) => {
    const { clip: _clip, ...settings } = optimizer;
    expect(lowerOptimizer(optimizer)).toEqual({ ...settings, clip });
  });
});
