import { describe, expect, it } from 'vitest';
import {
  adagrad,
  adam,
  adamW,
  cosineDecay,
  dense,
  embedding,
  l1l2,
  lstm,
  pool,
  rmsprop,
  sgd,
  torchUniform,
} from '../../../src/index.js';
import { resolveChain } from '../../../src/layers/chain.js';
import { lowerNetwork } from '../../../src/model/lowering.js';
import { lowerOptimizer } from '../../../src/model/lowerOptimizer.js';

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

const parameters = ['embedding.weight', 'lstm.weight_ih_l0', 'lstm.bias_ih_l0', 'fc.weight', 'fc.bias'].map(
  (name, i) => ({ name, shape: [1], offset: i, size: 1, trainable: true }),
);

describe('lowerOptimizer', () => {
  it.each([
    [adam(), { kind: 'none' }],
    [adam({ clip: { globalNorm: 2 } }), { kind: 'globalNorm', limit: 2, epsilon: 1e-6 }],
    [adam({ clip: { globalNorm: 2, epsilon: 0 } }), { kind: 'globalNorm', limit: 2, epsilon: 0 }],
    [sgd({ clip: { tensorNorm: 3 } }), { kind: 'tensorNorm', limit: 3, epsilon: 0 }],
    [sgd({ clip: { adaptive: 0.01 } }), { kind: 'adaptive', limit: 0.01, epsilon: 1e-3 }],
    [sgd({ clip: { value: 4 } }), { kind: 'value', limit: 4 }],
  ])('row %#: names the one clip there is', (optimizer, clip) => {
    expect(lowerOptimizer(optimizer, [])).toMatchObject({ kind: optimizer.kind, clip });
  });

  it('gives each parameter the first group that names it, its layer or a pattern of either', () => {
    const optimizer = adamW({
      weightDecay: 0.5,
      groups: [
        { parameters: '*.bias*', weightDecay: 0 },
        { parameters: ['embedding', 'lstm'], learningRateScale: 0.25 },
      ],
    });
    expect([...lowerOptimizer(optimizer, parameters).groups!]).toEqual([
      0.25, 0.5, 0.25, 0.5, 1, 0, 1, 0.5, 1, 0,
    ]);
    expect(lowerOptimizer(adamW(), parameters).groups).toBeUndefined();
  });

  it('refuses a group that names nothing, and suggests a name', () => {
    const optimizer = sgd({ groups: [{ parameters: 'embeding' }] });
    expect(() => lowerOptimizer(optimizer, parameters)).toThrow(
      "optimizer.groups[0].parameters: expected the name of one (did you mean 'embedding'?), received 'embeding'",
    );
  });

  it.each([adam, adamW, sgd, rmsprop, adagrad])('follows a schedule where it is given the rate', (make) => {
    const optimizer = make({ learningRate: cosineDecay({ initial: 0.1 }) });
    expect(lowerOptimizer(optimizer, [], 0.05)).toMatchObject({ learningRate: 0.05 });
    expect(() => lowerOptimizer(optimizer, [])).toThrow("received 'cosineDecay'");
  });

  it('leaves the mean of NT-ASGD to the training loop', () => {
    expect(lowerOptimizer(sgd({ average: { kind: 'ntAsgd' } }), [])).toMatchObject({
      average: { kind: 'none' },
    });
    expect(lowerOptimizer(sgd({ average: { kind: 'ema' } }), [])).toMatchObject({
      average: { kind: 'ema', decay: 0.999 },
    });
  });
});
