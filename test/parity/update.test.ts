import { describe, expect, it } from 'vitest';
import { sequential } from '../../src/index.js';
import { dataOf, sizeOf, toTensor, toTensors } from '../support/arrays.js';
import { assertClose } from '../support/compare.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { layersOf } from '../support/networks.js';
import { optimizerOf } from '../support/optimizers.js';
import { deviceTolerance } from '../support/tolerances.js';
import {
  batchOf,
  gradientsOf,
  networkShapes,
  newOptimizerState,
  penaltyOf,
  update,
  type Clip,
  type Node,
  type ParameterRules,
  type Update,
} from './oracle.js';

// Training steps of a small network with dropout, so that each step also has to draw what the oracle draws.
const SEED = 123456789012; // beyond 32 bits: both words of the Philox key count
const [N, T, CHANNELS, STEPS] = [4, 5, 3, 6];
const LENGTHS = [5, 2, 4, 3];

const NODES: readonly Node[] = [
  { kind: 'dense', name: 'in', units: 4, activation: 'tanh', useBias: true },
  { kind: 'dropout', rate: 0.25, sharedOverTime: true },
  {
    kind: 'lstm',
    name: 'lstm',
    hiddenSize: 5,
    numLayers: 1,
    bidirectional: true,
    bias: 'double',
    dropout: 0,
    returnSequences: true,
  },
  { kind: 'pool', mode: 'mean' },
  { kind: 'dense', name: 'fc', units: 2, activation: 'linear', useBias: true },
];

const PENALTIES: ParameterRules = {
  penalties: {
    'in.weight': { l1: 0.02, l2: 0 },
    'fc.weight': { l1: 0.01, l2: 0.05 },
    'fc.bias': { l1: 0, l2: 0.1 },
  },
};
const FROZEN: ParameterRules = { ...PENALTIES, frozen: new Set(['in.weight', 'in.bias']) };
// As Keras has them: of rows (its axis 0 of kernels) and of columns, all of a bias at once.
const CONSTRAINTS: ParameterRules = {
  constraints: {
    'in.weight': { kind: 'maxNorm', limit: 0.4, axis: 'row' },
    'lstm.weight_hh_l0': { kind: 'maxNorm', limit: 0.5, axis: 'column' },
    'lstm.weight_hh_l0_reverse': { kind: 'maxNorm', limit: 0.5, axis: 'column' },
    'fc.weight': { kind: 'nonNegative' },
    'fc.bias': { kind: 'maxNorm', limit: 0.2, axis: 'row' },
  },
};
const GROUPS: ParameterRules = {
  ...PENALTIES,
  groups: {
    'in.weight': { rate: 0.1 },
    'in.bias': { rate: 0.1, weightDecay: 0 },
    'fc.bias': { rate: 1, weightDecay: 0 },
  },
};

const OPTIMIZERS: readonly [string, Update][] = [
  ['Adam', { kind: 'adam', learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }],
  ['Adam with other settings', { kind: 'adam', learningRate: 0.05, beta1: 0.5, beta2: 0.9, epsilon: 1e-3 }],
  ['SGD', { kind: 'sgd', learningRate: 0.1, momentum: 0, nesterov: false }],
  ['SGD with momentum', { kind: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: false }],
  ['SGD with Nesterov momentum', { kind: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true }],
  [
    "Keras' SGD with momentum",
    { kind: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: false, convention: 'keras', weightDecay: 0.1 },
  ],
  [
    "Keras' SGD with Nesterov momentum",
    { kind: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: true, convention: 'keras' },
  ],
  [
    "Keras' Adam",
    {
      kind: 'adam',
      learningRate: 0.01,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-3,
      convention: 'keras',
      average: { kind: 'ema', decay: 0.5 },
    },
  ],
  [
    "Keras' AMSGrad with coupled decay",
    {
      kind: 'adam',
      learningRate: 0.01,
      beta1: 0.9,
      beta2: 0.5,
      epsilon: 1e-3,
      amsgrad: true,
      convention: 'keras',
      weightDecay: 0.1,
      decay: 'coupled',
    },
  ],
  [
    'RMSprop',
    {
      kind: 'rmsprop',
      learningRate: 0.01,
      rho: 0.9,
      epsilon: 1e-2,
      momentum: 0,
      centered: false,
      weightDecay: 0.1,
    },
  ],
  [
    "Keras' RMSprop, centered, with momentum",
    {
      kind: 'rmsprop',
      learningRate: 0.01,
      rho: 0.9,
      epsilon: 1e-3,
      momentum: 0.5,
      centered: true,
      convention: 'keras',
      average: { kind: 'mean' },
    },
  ],
  ['Adagrad', { kind: 'adagrad', learningRate: 0.05, epsilon: 1e-2, initialAccumulator: 0 }],
  [
    "Keras' Adagrad",
    { kind: 'adagrad', learningRate: 0.05, epsilon: 1e-2, initialAccumulator: 0.1, convention: 'keras' },
  ],
];

// Each limit bites in some of the steps or tensors at least; the last one never.
const CLIPS: readonly [string, Clip | undefined][] = [
  ['no clipping', undefined],
  ['clipping by global norm', { globalNorm: 0.2 }],
  ['clipping by tensor norm', { tensorNorm: 0.1 }],
  ['clipping by value', { value: 0.02 }],
  ["clipping by TensorFlow's global norm", { globalNorm: 0.2, epsilon: 0 }],
  ["clipping by PyTorch's norm of single tensors", { tensorNorm: 0.1, epsilon: 1e-2 }],
  ['adaptive clipping', { adaptive: 0.05 }],
  ['a global norm never reached', { globalNorm: 1000 }],
];

const RULES: readonly [string, ParameterRules][] = [
  ['no penalties', {}],
  ['penalties', PENALTIES],
  ['penalties and a frozen layer', FROZEN],
  ['constraints', CONSTRAINTS],
  ['groups', GROUPS],
];

interface UpdateCase {
  readonly title: string;
  readonly config: Update;
  readonly rules: ParameterRules;
}

const CASES: UpdateCase[] = OPTIMIZERS.flatMap(([optimizer, settings], i) =>
  CLIPS.map(([clipping, clip], j): UpdateCase => {
    const [penalties, rules] = RULES[(i + 2 * j) % RULES.length]!;
    const config = clip === undefined ? settings : { ...settings, clip };
    return { title: `${optimizer}, ${clipping}, ${penalties}`, config, rules };
  }),
);

describe.each(CASES)('$title', ({ title, config, rules }) => {
  const draws = new Draws(title);
  const shapes = networkShapes(NODES, CHANNELS);
  const start = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, draws.uniform(sizeOf(shape), -0.5, 0.5)]),
  );
  const batches = Array.from({ length: STEPS }, () => ({
    x: draws.uniform(N * T * CHANNELS),
    values: draws.uniform(N * 2),
  }));

  const follow = () => {
    const params = Object.fromEntries(Object.entries(start).map(([name, p]) => [name, p.slice()]));
    const rowSizes = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, shape.at(-1)!]));
    const state = newOptimizerState(params);
    const results = batches.map(({ x, values }, step) => {
      const inputs = { batch: batchOf(N, T, LENGTHS), x, inputSize: CHANNELS, draw: { seed: SEED, step } };
      const { loss, gradients } = gradientsOf(NODES, params, inputs, { loss: 'mse', values });
      const penalty = penaltyOf(params, rules);
      return {
        loss: loss + penalty,
        penalty,
        ...update(params, gradients, state, config, { ...rules, rowSizes }),
      };
    });
    return { params, results, average: state.average };
  };

  it.each(devices)('follows the oracle on $name', async ({ options }) => {
    const wanted = follow();
    const optimizer = optimizerOf(config, rules);
    await using model = await sequential(layersOf(NODES, rules), {
      ...options,
      seed: SEED,
      inputSize: CHANNELS,
    });
    await model.setWeights(toTensors(start, shapes));
    for (const [i, { x, values }] of batches.entries()) {
      const batch = { x: toTensor(x, [N, T, CHANNELS]), y: toTensor(values, [N, 2]), seqLengths: LENGTHS };
      const result = await model.trainStep(batch, { loss: 'mse', optimizer });
      const { loss, penalty, gradNorm } = wanted.results[i]!;
      const tolerance = deviceTolerance.update;
      assertClose([result.loss], [loss], { name: `loss of step ${i + 1}`, tolerance });
      assertClose([result.penalty], [penalty], {
        name: `penalty of step ${i + 1}`,
        tolerance: deviceTolerance.norm,
      });
      assertClose([result.gradNorm], [gradNorm], {
        name: `norm of step ${i + 1}`,
        tolerance: deviceTolerance.norm,
      });
      expect(result.step).toBe(i + 1);
    }
    const weights = dataOf(await model.getWeights());
    for (const [name, values] of Object.entries(wanted.params)) {
      assertClose(weights[name]!, values, { name: `updated ${name}`, tolerance: deviceTolerance.update });
    }
    if (config.average !== undefined) {
      const averaged = dataOf(await model.withAveragedWeights(() => model.getWeights()));
      for (const [name, values] of Object.entries(wanted.average)) {
        const expected = rules.frozen?.has(name) === true ? start[name]! : values;
        assertClose(averaged[name]!, expected, {
          name: `average of ${name}`,
          tolerance: deviceTolerance.update,
        });
      }
    }
    for (const name of rules.frozen ?? []) expect(weights[name]).toEqual(Float32Array.from(start[name]!));
  });
});
