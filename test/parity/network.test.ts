import { describe, expect, it } from 'vitest';
import { sequential, type BuiltInLoss } from '../../src/index.js';
import { dataOf, sizeOf, toTensor, toTensors } from '../support/arrays.js';
import { assertClose } from '../support/compare.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { layersOf } from '../support/networks.js';
import { deviceTolerance } from '../support/tolerances.js';
import {
  batchOf,
  gradientsOf,
  networkShapes,
  penaltyOf,
  predict,
  withPenalties,
  type Activation,
  type LossKind,
  type LossSettings,
  type Node,
  type ParameterRules,
  type Targets,
  type Tensors,
} from './oracle.js';

const SEED = 9;
const N = 5;
const T = 7;
const CHANNELS = 4;
const VOCABULARY = 11;
const CLASSES = 6;

interface NetworkCase {
  readonly title: string;
  readonly nodes: readonly Node[];
  readonly loss: LossKind;
  readonly settings?: LossSettings;
  /** Class ids instead of distributions. */
  readonly ids?: boolean;
  readonly lengths?: readonly number[];
  readonly sampleWeights?: readonly number[];
  readonly rules?: ParameterRules;
}

const RAGGED = { lengths: [3, 6, 1, 6, 2] };
const WEIGHTED = { sampleWeights: [1, 0, 2.5, 0.25, 3] };

const embedding = { kind: 'embedding', name: 'embedding', vocabSize: VOCABULARY, size: 5 } as const;
const lstmNode = {
  kind: 'lstm',
  name: 'lstm',
  hiddenSize: 6,
  numLayers: 1,
  bidirectional: false,
  bias: 'double',
  dropout: 0,
  returnSequences: true,
} as const;
const stacked = { ...lstmNode, numLayers: 3, bidirectional: true, dropout: 0.4 };
const head = (activation: Activation): Node => ({
  kind: 'dense',
  name: 'fc',
  units: CLASSES,
  activation,
  useBias: true,
});
const hidden = (activation: Activation, name = 'hidden'): Node => ({
  kind: 'dense',
  name,
  units: 8,
  activation,
  useBias: activation !== 'relu',
});
const dropout = (sharedOverTime: boolean): Node => ({ kind: 'dropout', rate: 0.35, sharedOverTime });

const regularizer: Node = { kind: 'activationRegularizer', ar: 2, tar: 1.5 };

const ACTIVATIONS: readonly Activation[] = ['linear', 'relu', 'tanh', 'sigmoid', 'softmax'];

const CASES: readonly NetworkCase[] = [
  ...ACTIVATIONS.flatMap((activation): NetworkCase[] => [
    {
      title: `dense ${activation} on sequences`,
      nodes: [hidden(activation), lstmNode, head('linear')],
      loss: 'mse',
      ...RAGGED,
    },
    {
      title: `dense ${activation} on vectors`,
      nodes: [{ ...lstmNode, returnSequences: false }, hidden(activation), head(activation)],
      loss: 'mse',
      ...RAGGED,
    },
  ]),
  {
    title: 'embedding, LSTM, softmax of every step, class ids',
    nodes: [embedding, lstmNode, head('softmax')],
    loss: 'crossEntropy',
    ids: true,
  },
  {
    title: 'embedding, LSTM, logits of every step, class ids, unequal lengths',
    nodes: [embedding, lstmNode, head('linear')],
    loss: 'crossEntropy',
    ids: true,
    ...RAGGED,
  },
  {
    title: 'softmax of every step, distributions, unequal lengths, sample weights',
    nodes: [embedding, stacked, head('softmax')],
    loss: 'crossEntropy',
    ...RAGGED,
    ...WEIGHTED,
  },
  {
    title: 'logits of last states in both directions, class ids, sample weights',
    nodes: [{ ...stacked, returnSequences: false }, head('linear')],
    loss: 'crossEntropy',
    ids: true,
    ...RAGGED,
    ...WEIGHTED,
  },
  {
    title: 'logits of the last states, distributions',
    nodes: [{ ...lstmNode, returnSequences: false }, head('linear')],
    loss: 'crossEntropy',
  },
  {
    title: 'sigmoid of every step, unequal lengths',
    nodes: [lstmNode, head('sigmoid')],
    loss: 'binaryCrossEntropy',
    ...RAGGED,
  },
  {
    title: 'binary logits of the last states, sample weights',
    nodes: [{ ...lstmNode, returnSequences: false }, head('linear')],
    loss: 'binaryCrossEntropy',
    ...WEIGHTED,
  },
  {
    title: 'mean squared error of every step, sample weights, no head',
    nodes: [{ ...lstmNode, hiddenSize: CLASSES }],
    loss: 'mse',
    ...RAGGED,
    ...WEIGHTED,
  },
  ...(['last', 'mean', 'max'] as const).flatMap((mode): NetworkCase[] => [
    {
      title: `pooling, ${mode}, unequal lengths`,
      nodes: [{ ...lstmNode, bidirectional: true }, { kind: 'pool', mode }, head('softmax')],
      loss: 'crossEntropy',
      ids: true,
      ...RAGGED,
    },
    {
      title: `pooling, ${mode}, of an embedding`,
      nodes: [embedding, { kind: 'pool', mode }, head('linear')],
      loss: 'mse',
    },
  ]),
  ...[false, true].flatMap((shared): NetworkCase[] => {
    const kind = shared ? 'shared over time' : 'of each element';
    return [
      {
        title: `dropout ${kind}`,
        nodes: [embedding, dropout(shared), lstmNode, dropout(shared), head('softmax')],
        loss: 'crossEntropy',
        ids: true,
      },
      {
        title: `dropout ${kind}, unequal lengths, and between LSTM layers`,
        nodes: [dropout(shared), stacked, { kind: 'pool', mode: 'mean' }, dropout(shared), head('linear')],
        loss: 'mse',
        ...RAGGED,
      },
    ];
  }),
  {
    title: 'quantiles of every step, unequal lengths, sample weights',
    nodes: [stacked, head('linear')],
    loss: 'quantile',
    settings: { quantiles: [0.1, 0.5, 0.9] },
    ...RAGGED,
    ...WEIGHTED,
  },
  {
    title: 'means and variances of last states',
    nodes: [{ ...lstmNode, returnSequences: false }, head('linear')],
    loss: 'gaussianNll',
    settings: { full: true },
  },
  ...(['mae', 'huber', 'logCosh'] as const).map((loss): NetworkCase => ({
    title: `${loss} of pooled states, sample weights`,
    nodes: [lstmNode, { kind: 'pool', mode: 'mean' }, head('tanh')],
    loss,
    settings: loss === 'huber' ? { delta: 0.3 } : {},
    ...RAGGED,
    ...WEIGHTED,
  })),
  {
    title: 'class weights, smoothing and ignored rows of every step, unequal lengths, sample weights',
    nodes: [embedding, lstmNode, head('softmax')],
    loss: 'crossEntropy',
    settings: { classWeights: [0.5, 2, 1, 0.25, 3, 1], labelSmoothing: 0.125, ignoreIndex: 4 },
    ids: true,
    ...RAGGED,
    ...WEIGHTED,
  },
  {
    title: 'class weights and smoothing of distributions',
    nodes: [lstmNode, head('linear')],
    loss: 'crossEntropy',
    settings: { classWeights: [0.5, 2, 1, 0.25, 3, 1], labelSmoothing: 0.125 },
    ...RAGGED,
  },
  {
    title: 'two LSTMs with dropout between their layers',
    nodes: [stacked, { ...stacked, name: 'lstm_1', numLayers: 2, returnSequences: false }, head('linear')],
    loss: 'mse',
    ...RAGGED,
  },
  {
    title: 'projections and cell clips, of every step and of last states',
    nodes: [
      { ...stacked, hiddenSize: 9, projectionSize: 5 },
      { ...lstmNode, name: 'lstm_1', projectionSize: 4, cellClip: 0.2 },
      { ...stacked, name: 'lstm_2', projectionSize: 2, cellClip: 0.3, returnSequences: false },
      head('linear'),
    ],
    loss: 'mse',
    ...RAGGED,
  },
  {
    title: 'whole rows of an embedding dropped, unequal lengths',
    nodes: [{ ...embedding, dropout: 0.4 }, lstmNode, head('softmax')],
    loss: 'crossEntropy',
    ids: true,
    ...RAGGED,
  },
  {
    title: 'elements of R dropped, in both directions of stacked layers',
    nodes: [
      { ...stacked, weightDropout: 0.5 },
      { ...lstmNode, name: 'lstm_1', weightDropout: 0.2 },
      head('linear'),
    ],
    loss: 'mse',
    ...RAGGED,
  },
  {
    title: 'elements of R dropped beside a projection and between layers without dropout',
    nodes: [
      { ...stacked, dropout: 0, projectionSize: 4, bias: 'single', weightDropout: 0.3 },
      head('linear'),
    ],
    loss: 'mse',
  },
  {
    title: 'activation regularization of sequences, unequal lengths, dropout between',
    nodes: [
      lstmNode,
      { kind: 'activationRegularizer', ar: 0, tar: 3 },
      dropout(true),
      regularizer,
      head('linear'),
    ],
    loss: 'mse',
    ...RAGGED,
  },
  {
    title: 'activation regularization of the features, of vectors, and of single steps',
    nodes: [
      regularizer,
      { ...lstmNode, returnSequences: false },
      { kind: 'activationRegularizer', ar: 5, tar: 0 },
      head('linear'),
    ],
    loss: 'mse',
    lengths: [1, 7, 1, 1, 1],
  },
  {
    title: 'penalties on a projection',
    nodes: [{ ...lstmNode, projectionSize: 4 }, head('linear')],
    loss: 'mse',
    rules: {
      penalties: {
        'lstm.weight_hh_l0': { l1: 0.01, l2: 0.03 },
        'lstm.weight_hr_l0': { l1: 0.01, l2: 0.03 },
      },
    },
  },
  {
    title: 'penalties on every kind of parameter',
    nodes: [embedding, lstmNode, head('softmax')],
    loss: 'crossEntropy',
    ids: true,
    rules: {
      penalties: {
        'embedding.weight': { l1: 0, l2: 0.02 },
        'lstm.weight_ih_l0': { l1: 0.01, l2: 0 },
        'lstm.weight_hh_l0': { l1: 0.01, l2: 0.03 },
        'fc.weight': { l1: 0.02, l2: 0.01 },
        'fc.bias': { l1: 0, l2: 0.5 },
      },
    },
  },
];

interface Numbers {
  readonly inputSize: number;
  readonly perStep: boolean;
  readonly params: Tensors;
  readonly x: Float64Array | Int32Array;
  readonly targets: Targets;
}

function numbersOf({ title, nodes, loss, settings, ids, sampleWeights }: NetworkCase): Numbers {
  const draws = new Draws(title);
  const inputSize = nodes[0]!.kind === 'embedding' ? 0 : CHANNELS;
  const perStep = !nodes.some(
    (node) => node.kind === 'pool' || (node.kind === 'lstm' && !node.returnSequences),
  );
  const rows = perStep ? N * T : N;
  const params = Object.fromEntries(
    Object.entries(networkShapes(nodes, inputSize)).map(([name, shape]) => [
      name,
      draws.uniform(sizeOf(shape), -0.6, 0.6),
    ]),
  );
  const values = draws.uniform(rows * targetsOf(loss, settings), 0, 1);
  return {
    inputSize,
    perStep,
    params,
    x: inputSize === 0 ? draws.integers(N * T, 0, VOCABULARY) : draws.uniform(N * T * CHANNELS),
    targets: {
      loss,
      ...(settings === undefined ? {} : { settings }),
      ...(ids === true
        ? { ids: draws.integers(rows, 0, CLASSES) }
        : { values: loss === 'crossEntropy' ? distributions(values) : values }),
      ...(sampleWeights === undefined ? {} : { sampleWeights }),
    },
  };
}

/** How many targets the head's channels are of. */
function targetsOf(loss: LossKind, settings: LossSettings | undefined): number {
  return CLASSES / (loss === 'quantile' ? settings!.quantiles!.length : loss === 'gaussianNll' ? 2 : 1);
}

/** Each row divided by its sum; in float32, as the device gets it. */
function distributions(values: Float64Array): Float64Array {
  return values.map((value, i) => {
    const start = i - (i % CLASSES);
    return Math.fround(value / values.subarray(start, start + CLASSES).reduce((a, b) => a + b));
  });
}

/** What the oracle's sums say of a case. */
function metricsOf({ loss, settings }: NetworkCase): readonly ('accuracy' | 'mae' | 'mse')[] {
  if (loss === 'quantile' || settings?.classWeights !== undefined) return [];
  return loss === 'crossEntropy' || loss === 'binaryCrossEntropy' ? ['accuracy'] : ['mae', 'mse'];
}

describe.each(CASES)('network: $title', (given) => {
  const { nodes, lengths, settings = {}, rules = {} } = given;
  const loss = { kind: given.loss, ...settings } as BuiltInLoss;
  const { inputSize, perStep, params, x, targets } = numbersOf(given);
  const batch = batchOf(N, T, lengths);
  const shapes = networkShapes(nodes, inputSize);
  const inputs = { batch, x, inputSize };
  const tolerance = deviceTolerance.network;

  const publicBatch = () => {
    const leading = perStep ? [N, T] : [N];
    const { ids, values, sampleWeights } = targets;
    return {
      x: x instanceof Int32Array ? { data: x, shape: [N, T] } : toTensor(x, [N, T, CHANNELS]),
      y:
        ids === undefined
          ? toTensor(values!, [...leading, targetsOf(given.loss, settings)])
          : { data: Int32Array.from(ids), shape: leading },
      ...(lengths === undefined ? {} : { seqLengths: [...lengths] }),
      ...(sampleWeights === undefined ? {} : { sampleWeights: Array.from(sampleWeights) }),
    };
  };
  const create = (options: (typeof devices)[number]['options']) =>
    sequential(layersOf(nodes, rules), { ...options, seed: SEED, ...(inputSize === 0 ? {} : { inputSize }) });

  it.each(devices)('gradients agree with the oracle on $name', async ({ options }) => {
    await using model = await create(options);
    await model.setWeights(toTensors(params, shapes));
    const wanted = gradientsOf(nodes, params, { ...inputs, draw: { seed: SEED, step: 0 } }, targets);
    const result = await model.gradients(publicBatch(), { loss });
    const wantedLoss = wanted.loss + wanted.activationPenalty + penaltyOf(params, rules);
    assertClose([result.loss], [wantedLoss], { name: 'loss', tolerance: deviceTolerance.loss });
    const gradients = dataOf(result.gradients);
    const penalised = withPenalties(params, wanted.gradients, rules);
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(penalised).sort());
    for (const [name, g] of Object.entries(penalised)) {
      assertClose(gradients[name]!, g, { name: `network d${name}`, tolerance, shape: shapes[name]! });
    }
    const inputChannels = nodes[0]!.kind === 'embedding' ? nodes[0]!.size : inputSize;
    expect(result.inputGradient.shape).toEqual([N, T, inputChannels]);
    assertClose(result.inputGradient.data, wanted.inputGradient, { name: 'input gradient', tolerance });
  });

  it.each(devices)('predictions, loss and metrics agree with the oracle on $name', async ({ options }) => {
    await using model = await create(options);
    await model.setWeights(toTensors(params, shapes));
    const { y: targetsGiven, sampleWeights, ...x } = publicBatch();
    const { y } = await model.predict(x.x, x.seqLengths === undefined ? {} : { seqLengths: x.seqLengths });
    expect(y.shape).toEqual(perStep ? [N, T, CLASSES] : [N, CLASSES]);
    assertClose(y.data, predict(nodes, params, inputs), { name: 'predictions', tolerance });

    const wanted = gradientsOf(nodes, params, inputs, targets);
    const data = { ...x, y: targetsGiven, ...(sampleWeights === undefined ? {} : { sampleWeights }) };
    const metrics = metricsOf(given);
    const result = await model.evaluate(data, { loss, metrics, batchSize: N });
    const { elements, correct, absoluteError, squaredError } = wanted;
    const wantedMetrics = {
      loss: wanted.loss + penaltyOf(params, rules),
      accuracy: correct / elements,
      mae: absoluteError / elements,
      mse: squaredError / elements,
    };
    for (const name of ['loss', ...metrics] as const) {
      const what = { name: `evaluated ${name}`, tolerance: deviceTolerance.loss };
      assertClose([result[name]!], [wantedMetrics[name]], what);
    }
  });
});
