import { describe, expect, it } from 'vitest';
import {
  adagrad,
  adam,
  adamW,
  constant,
  dense,
  dropout,
  elasticNet,
  embedding,
  l1,
  l1l2,
  l2,
  lstm,
  maxNorm,
  nonNegative,
  normal,
  orthogonal,
  pool,
  rmsprop,
  sgd,
  torchUniform,
  uniform,
  xavier,
  zeros,
} from '../../../src/index.js';

describe('factories', () => {
  it.each([
    ['embedding', embedding({ vocabSize: 3, size: 2 })],
    ['lstm', lstm({ hiddenSize: 2 })],
    ['dense', dense({ units: 2 })],
    ['dropout', dropout({ rate: 0.1 })],
    ['pool', pool({ mode: 'last' })],
    ['adam', adam({ clip: { globalNorm: 1 } })],
    ['sgd', sgd()],
    ['l1l2', l1l2({ l1: 1 })],
    ['xavier', xavier()],
    ['uniform', uniform({ low: 0, high: 1 })],
    ['torchUniform', torchUniform()],
  ])('%s gives a frozen descriptor that is JSON', (_name, descriptor) => {
    expect(Object.isFrozen(descriptor)).toBe(true);
    expect(JSON.parse(JSON.stringify(descriptor))).toEqual(descriptor);
  });

  it('lstm starts as documented', () => {
    expect(lstm({ hiddenSize: 4 })).toEqual({
      kind: 'lstm',
      hiddenSize: 4,
      numLayers: 1,
      bidirectional: false,
      bias: 'double',
      dropout: 0,
      weightDropout: 0,
      projectionSize: 0,
      returnSequences: true,
      inputInitializer: { kind: 'xavier' },
      recurrentInitializer: { kind: 'orthogonal', gain: 1 },
      biasInitializer: { kind: 'constant', value: 0 },
      forgetBias: 1,
      trainable: true,
    });
  });

  it("lstm adds no forget bias to PyTorch's biases unless told to", () => {
    expect(lstm({ hiddenSize: 4, biasInitializer: torchUniform() }).forgetBias).toBe(0);
    expect(lstm({ hiddenSize: 4, biasInitializer: torchUniform(), forgetBias: 2 }).forgetBias).toBe(2);
  });

  const common = {
    weightDecay: 0,
    decay: 'decoupled',
    accumulate: { passes: 1, reduction: 'mean' },
    convention: 'pytorch',
  };
  const adamRest = { epsilon: 1e-8, amsgrad: false };

  it.each([
    ['adam', adam(), { ...common, kind: 'adam', learningRate: 1e-3, beta1: 0.9, beta2: 0.999, ...adamRest }],
    ['adamW', adamW(), { ...adam(), weightDecay: 0.01 }],
    ["Keras' adam", adam({ convention: 'keras' }), { ...adam(), convention: 'keras', epsilon: 1e-7 }],
    ['sgd', sgd(), { ...common, kind: 'sgd', learningRate: 0.01, momentum: 0, nesterov: false }],
    [
      'rmsprop',
      rmsprop(),
      {
        ...common,
        kind: 'rmsprop',
        learningRate: 0.01,
        rho: 0.99,
        epsilon: 1e-8,
        momentum: 0,
        centered: false,
      },
    ],
    [
      "Keras' rmsprop",
      rmsprop({ convention: 'keras' }),
      { ...rmsprop(), convention: 'keras', learningRate: 1e-3, rho: 0.9, epsilon: 1e-7 },
    ],
    [
      'adagrad',
      adagrad(),
      { ...common, kind: 'adagrad', learningRate: 0.01, epsilon: 1e-10, initialAccumulator: 0 },
    ],
    [
      "Keras' adagrad",
      adagrad({ convention: 'keras' }),
      { ...adagrad(), convention: 'keras', learningRate: 1e-3, epsilon: 1e-7, initialAccumulator: 0.1 },
    ],
    ['maxNorm', maxNorm(2), { kind: 'maxNorm', limit: 2, axis: 'row' }],
    ['nonNegative', nonNegative(), { kind: 'nonNegative' }],
    ['elasticNet', elasticNet(0.5, { l1Ratio: 0.25 }), { l1: 0.125, l2: 0.1875 }],
    ['normal', normal(), { kind: 'normal', mean: 0, stddev: 0.05 }],
    ['orthogonal', orthogonal(), { kind: 'orthogonal', gain: 1 }],
    ['zeros', zeros(), { kind: 'constant', value: 0 }],
    ['l1', l1(0.5), { l1: 0.5, l2: 0 }],
    ['l2', l2(0.5), { l1: 0, l2: 0.5 }],
  ])('%s has the documented defaults', (_name, descriptor, expected) => {
    expect(descriptor).toEqual(expected);
  });

  // One row: what a user may get wrong, and the message.
  it.each<[() => unknown, string]>([
    [
      () => lstm({ hiddenSize: 0 }),
      'lstm.hiddenSize: expected a whole number from 1 to 2147483647, received 0',
    ],
    [() => lstm({ hidenSize: 3 } as never), "lstm: no setting 'hidenSize'; did you mean 'hiddenSize'?"],
    [
      () => lstm({ hiddenSize: 3, dropOut: 0.1 } as never),
      "lstm: no setting 'dropOut'; did you mean 'dropout'?",
    ],
    [
      () => lstm({ hiddenSize: 3, dropout: 1 }),
      'lstm.dropout: expected a number from 0 to less than 1, received 1',
    ],
    [
      () => lstm({ hiddenSize: 3, projectionSize: 3 }),
      'lstm.projectionSize: expected a whole number below hiddenSize, received 3',
    ],
    [
      () => lstm({ hiddenSize: 3, projectionSize: -1 }),
      'lstm.projectionSize: expected a whole number from 0 to 2147483647, received -1',
    ],
    [
      () => lstm({ hiddenSize: 3, projectionSize: 1.5 }),
      'lstm.projectionSize: expected a whole number from 0 to 2147483647, received 1.5',
    ],
    [
      () => lstm({ hiddenSize: 3, cellClip: 0 }),
      "lstm.cellClip: expected a number above 0 in float32's range, received 0",
    ],
    [
      () => lstm({ hiddenSize: 3, cellClip: -1 }),
      "lstm.cellClip: expected a number above 0 in float32's range, received -1",
    ],
    // Nothing that float32 would make 0 or infinite.
    [
      () => lstm({ hiddenSize: 3, cellClip: 1e-50 }),
      "lstm.cellClip: expected a number above 0 in float32's range, received 1e-50",
    ],
    [
      () => lstm({ hiddenSize: 3, bias: 'dual' as never }),
      "lstm.bias: expected 'double' | 'single' | 'none', received 'dual'",
    ],
    [
      () => lstm({ hiddenSize: 3, biasInitializer: xavier() as never }),
      'lstm.biasInitializer: expected an initializer of biases: uniform(), normal(), zeros(), constant() or torchUniform(), received an object with kind',
    ],
    [
      () => dense({ units: 3, initializer: 'xavier' as never }),
      "dense.initializer: expected an initializer, such as xavier(), received 'xavier'",
    ],
    [
      () => dense({ units: 3, name: 'a.b' }),
      "dense.name: expected a name of letters, digits and _ that does not start with a digit and is not 'optimizer', received 'a.b'",
    ],
    [() => dropout({ rate: -0.1 }), 'dropout.rate: expected a number from 0 to less than 1, received -0.1'],
    [() => pool({ mode: 'first' as never }), "pool.mode: expected 'last' | 'mean' | 'max', received 'first'"],
    [
      () => uniform({ low: 2, high: 1 }),
      'uniform: expected low to be at most high, received an object with low, high',
    ],
    [() => constant({ value: Infinity }), 'constant.value: expected a finite number, received Infinity'],
    [() => l2(-1), 'regularizer.l2: expected a number from 0, received -1'],
    [
      () => adam({ learningRate: Number.NaN }),
      'adam.learningRate: expected a number from 0, or a schedule such as cosineDecay(), received NaN',
    ],
    [() => adam({ beta1: 1 }), 'adam.beta1: expected a number from 0 to less than 1, received 1'],
    [
      () => adam({ clip: { globalNorm: 1, value: 1 } as never }),
      'adam.clip: expected exactly one of globalNorm, tensorNorm, adaptive and value, received an object with globalNorm, value',
    ],
    [
      () => sgd({ clip: { globlNorm: 1 } as never }),
      "sgd.clip: no setting 'globlNorm'; did you mean 'globalNorm'?",
    ],
  ])('row %#: a mistake is named', (make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_CONFIG', message }));
  });
});
