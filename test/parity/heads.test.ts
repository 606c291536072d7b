import { describe, expect, it } from 'vitest';
import { dense, heads, pool, sequential, sgd, type BuiltInLoss, type Layer } from '../../src/index.js';
import { dataOf, sizeOf, toTensor, toTensors } from '../support/arrays.js';
import { assertClose } from '../support/compare.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { expectLike } from '../support/expectLike.js';
import {
  decode,
  decodeAll,
  readGolden,
  shapesOf,
  type GoldenArray,
  type GoldenArrays,
} from '../support/golden.js';
import { layersOf } from '../support/networks.js';
import { deviceTolerance, oracleTolerance } from '../support/tolerances.js';
import {
  batchOf,
  headsGradientsOf,
  headsPredict,
  headsShapes,
  newOptimizerState,
  update,
  type HeadNodes,
  type LossKind,
  type Node,
  type Tensors,
} from './oracle.js';

// Several outputs and tied weights: the oracle by central differences and against PyTorch, devices against both.

const SEED = 9;
const [N, T, CHANNELS, VOCABULARY] = [5, 7, 4, 11];
const LENGTHS = [3, 6, 1, 7, 2];

interface HeadCase {
  readonly nodes: readonly Node[];
  readonly loss: LossKind;
  readonly weight: number;
  readonly sampleWeights?: readonly number[];
}

interface Case {
  readonly title: string;
  readonly nodes: readonly Node[];
  readonly heads: Readonly<Record<string, HeadCase>>;
  readonly lengths?: readonly number[];
}

const embedding = { kind: 'embedding', name: 'embedding', vocabSize: VOCABULARY, size: 5 } as const;
const lstmNode = {
  kind: 'lstm',
  name: 'lstm',
  hiddenSize: 5,
  numLayers: 1,
  bidirectional: false,
  bias: 'double',
  dropout: 0,
  returnSequences: true,
} as const;
const last = { kind: 'pool', mode: 'last' } as const;
const mean = { kind: 'pool', mode: 'mean' } as const;
const fc = (name: string, units: number, activation: 'linear' | 'softmax' | 'sigmoid' | 'tanh'): Node => ({
  kind: 'dense',
  name,
  units,
  activation,
  useBias: true,
});

const CASES: readonly Case[] = [
  {
    title: 'a class of every step and a number of each sequence, unequal lengths',
    nodes: [embedding, lstmNode],
    heads: {
      tag: { nodes: [fc('tag.fc', 6, 'softmax')], loss: 'crossEntropy', weight: 1 },
      length: { nodes: [mean, fc('length.fc', 2, 'linear')], loss: 'mse', weight: 0.2 },
    },
    lengths: LENGTHS,
  },
  {
    title: 'three heads with layers of their own, dropout, a weight of 0, sample weights of one',
    nodes: [{ ...lstmNode, numLayers: 2, bidirectional: true, dropout: 0.3 }],
    heads: {
      label: {
        nodes: [{ ...lstmNode, name: 'label.lstm', returnSequences: false }, fc('label.fc', 3, 'sigmoid')],
        loss: 'binaryCrossEntropy',
        weight: 2.5,
        sampleWeights: [1, 0, 2.5, 0.25, 3],
      },
      next: {
        nodes: [{ kind: 'dropout', rate: 0.35, sharedOverTime: false }, fc('next.fc', 4, 'tanh')],
        loss: 'mae',
        weight: 0.5,
      },
      unused: { nodes: [last, fc('unused.fc', 2, 'linear')], loss: 'huber', weight: 0 },
    },
    lengths: LENGTHS,
  },
  {
    title: 'heads that read the features themselves',
    nodes: [],
    heads: {
      sum: { nodes: [{ kind: 'pool', mode: 'max' }, fc('sum.fc', 2, 'linear')], loss: 'mse', weight: 1 },
      next: { nodes: [{ ...lstmNode, name: 'next.lstm' }], loss: 'mse', weight: 3 },
    },
  },
  {
    title: 'a head by the table of an embedding with dropout, tied weights',
    nodes: [{ ...embedding, dropout: 0.3 }, lstmNode],
    heads: {
      token: {
        nodes: [
          {
            kind: 'dense',
            name: 'token.fc',
            units: VOCABULARY,
            activation: 'softmax',
            useBias: true,
            tiedTo: 'embedding',
          },
        ],
        loss: 'crossEntropy',
        weight: 1,
      },
      end: {
        nodes: [
          mean,
          {
            kind: 'dense',
            name: 'end.fc',
            units: VOCABULARY,
            activation: 'tanh',
            useBias: false,
            tiedTo: 'embedding',
          },
        ],
        loss: 'mse',
        weight: 0.7,
      },
    },
    lengths: LENGTHS,
  },
];

function numbersOf({ title, nodes, heads: given, lengths }: Case) {
  const draws = new Draws(title);
  const isTokens = nodes[0]?.kind === 'embedding';
  const inputSize = isTokens ? 0 : CHANNELS;
  const shapes = headsShapes(nodes, Object.values(given), inputSize);
  const params: Tensors = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, draws.uniform(sizeOf(shape), -0.6, 0.6)]),
  );
  const x = isTokens
    ? Float64Array.from(draws.integers(N * T, 0, VOCABULARY))
    : draws.uniform(N * T * CHANNELS);
  const ofHeads = Object.entries(given).map(([name, head]) => {
    const units = channelsOf(head.nodes);
    const perStep = !head.nodes.some(
      (node) => node.kind === 'pool' || (node.kind === 'lstm' && !node.returnSequences),
    );
    const rows = perStep ? N * T : N;
    const values =
      head.loss === 'crossEntropy'
        ? { ids: draws.integers(rows, 0, units) }
        : { values: draws.uniform(rows * units, 0, 1) };
    const { sampleWeights } = head;
    const targets = { loss: head.loss, ...values, ...(sampleWeights && { sampleWeights }) };
    return { name, units, perStep, nodes: head.nodes, weight: head.weight, targets };
  });
  return { inputSize, shapes, params, x, heads: ofHeads, batch: batchOf(N, T, lengths), isTokens };
}

function channelsOf(nodes: readonly Node[]): number {
  const node = nodes.findLast(({ kind }) => kind === 'dense' || kind === 'lstm')!;
  return node.kind === 'dense' ? node.units : (node as typeof lstmNode).hiddenSize;
}

/** The layers of one head, whose names are the model's without the head's. */
function branch(name: string, nodes: readonly Node[]): Layer[] {
  return layersOf(
    nodes.map((node) => ('name' in node ? { ...node, name: node.name.slice(name.length + 1) } : node)),
  );
}

describe.each(CASES)('heads: $title', (given) => {
  const { nodes, lengths } = given;
  const numbers = numbersOf(given);
  const { inputSize, shapes, params, x, batch, isTokens } = numbers;
  const inputs = { batch, x, inputSize };
  const weights = (data: Tensors) => toTensors(data, shapes);
  const byHead = <V>(value: (head: (typeof numbers.heads)[number]) => V): Record<string, V> =>
    Object.fromEntries(numbers.heads.map((head) => [head.name, value(head)]));
  const options = {
    loss: byHead(({ targets }): BuiltInLoss =>
      targets.loss === 'huber' ? { kind: 'huber', delta: 1 } : ({ kind: targets.loss } as BuiltInLoss),
    ),
    lossWeights: byHead(({ weight }) => weight),
  };
  const data = {
    x: isTokens ? { data: Int32Array.from(x), shape: [N, T] } : toTensor(x, [N, T, CHANNELS]),
    y: byHead(({ perStep, units, targets }) =>
      targets.ids === undefined
        ? toTensor(targets.values, perStep ? [N, T, units] : [N, units])
        : { data: Int32Array.from(targets.ids), shape: perStep ? [N, T] : [N] },
    ),
    sampleWeights: byHead(({ targets: { sampleWeights } }) => sampleWeights && [...sampleWeights]),
    ...(lengths === undefined ? {} : { seqLengths: [...lengths] }),
  };
  const create = (device: (typeof devices)[number]['options']) =>
    sequential([...layersOf(nodes), heads(byHead((head) => branch(head.name, head.nodes)))], {
      ...device,
      seed: SEED,
      ...(isTokens ? {} : { inputSize }),
    });

  it('the gradients of the oracle are central differences', () => {
    const draw = { seed: SEED, step: 2 };
    const value = (at: Tensors) => headsGradientsOf(nodes, numbers.heads, at, { ...inputs, draw }).loss;
    const { gradients } = headsGradientsOf(nodes, numbers.heads, params, { ...inputs, draw });
    for (const [name, gradient] of Object.entries(gradients)) {
      // Some elements of each tensor; five points, an error of h^4.
      const [picked, h] = [[0, Math.floor(gradient.length / 2), gradient.length - 1], 5e-4];
      const numeric = picked.map((i) => {
        const at = (by: number) =>
          value({ ...params, [name]: params[name]!.map((v, k) => (k === i ? v + by : v)) });
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      });
      const scale = Math.max(...gradient.map(Math.abs), 1e-3);
      picked.forEach((i, k) => expect(Math.abs(gradient[i]! - numeric[k]!) / scale).toBeLessThan(1e-7));
    }
  });

  it.each(devices)('loss and gradients agree with the oracle on $name', async ({ options: device }) => {
    await using model = await create(device);
    await model.setWeights(weights(params));
    const draw = { seed: SEED, step: 0 };
    const wanted = headsGradientsOf(nodes, numbers.heads, params, { ...inputs, draw });
    const result = await model.gradients(data, options);
    assertClose([result.loss], [wanted.loss], { name: 'loss', tolerance: deviceTolerance.loss });
    numbers.heads.forEach(({ name }, i) => {
      const { loss, elements } = wanted.heads[i]!;
      expect(result.heads[name]!.elements).toBe(elements);
      assertClose([result.heads[name]!.loss], [loss], {
        name: `${name} loss`,
        tolerance: deviceTolerance.loss,
      });
    });
    const gradients = dataOf(result.gradients);
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(wanted.gradients).sort());
    for (const [name, gradient] of Object.entries(wanted.gradients)) {
      const what = { name: `heads d${name}`, tolerance: deviceTolerance.network, shape: shapes[name]! };
      assertClose(gradients[name]!, gradient, what);
    }
    const what = { name: 'input gradient', tolerance: deviceTolerance.network };
    assertClose(result.inputGradient.data, wanted.inputGradient, what);
  });

  it.each(devices)(
    'predictions and evaluation agree with the oracle on $name',
    async ({ options: device }) => {
      await using model = await create(device);
      await model.setWeights(weights(params));
      const { seqLengths } = data;
      const { y } = await model.predict(data.x, seqLengths ? { seqLengths } : {});
      expect(Object.keys(y)).toEqual(numbers.heads.map(({ name }) => name));
      headsPredict(nodes, numbers.heads, params, inputs).forEach((wanted, i) => {
        const { name, perStep, units } = numbers.heads[i]!;
        expect(y[name]!.shape).toEqual(perStep ? [N, T, units] : [N, units]);
        assertClose(y[name]!.data, wanted, { name: `y ${name}`, tolerance: deviceTolerance.network });
      });
      const wanted = headsGradientsOf(nodes, numbers.heads, params, inputs);
      // Two batches: each head's mean is over its own rows.
      const result = await model.evaluate(data, { ...options, batchSize: 3 });
      assertClose([result['loss']!], [wanted.loss], { name: 'loss', tolerance: deviceTolerance.loss });
      numbers.heads.forEach(({ name }, i) => {
        const what = { name: `evaluated ${name}`, tolerance: deviceTolerance.loss };
        assertClose([result[`${name}Loss`]!], [wanted.heads[i]!.loss], what);
      });
    },
  );
});

// y = w·x with x = 3: y_a = 2·3 = 6 and y_b = -1·3 = -3, targets 5 and -1, errors 1 and -2.
describe.each(devices)('weights of heads by hand on $name', ({ options }) => {
  it('scale loss and gradient of each', async () => {
    const line = () => [pool({ mode: 'last' }), dense({ units: 1, useBias: false })];
    await using model = await sequential([heads({ a: line(), b: line() })], { ...options, inputSize: 1 });
    await model.setWeights({ 'a.fc.weight': [[2]], 'b.fc.weight': [[-1]] });
    const data = { x: [[[3]]], y: { a: [5], b: [-1] } };
    const loss = { a: 'mse', b: 'mse' } as const;
    const result = await model.gradients(data, { loss, lossWeights: { a: 0.5, b: 2 } });
    expect(result.loss).toBe(0.5 * 1 + 2 * 4);
    expect([result.heads.a.loss, result.heads.b.loss]).toEqual([1, 4]);
    expect(result.gradients['a.fc.weight']!.data[0]).toBe(0.5 * 2 * 1 * 3);
    expect(result.gradients['b.fc.weight']!.data[0]).toBe(2 * 2 * -2 * 3);
    expect(result.inputGradient.data[0]).toBe(0.5 * 2 * 1 * 2 + 2 * 2 * -2 * -1);
    const step = await model.trainStep(data, {
      loss,
      lossWeights: { b: 0.25 },
      optimizer: sgd({ learningRate: 0.5 }),
    });
    expect(step.loss).toBe(1 + 0.25 * 4);
    const { 'a.fc.weight': a, 'b.fc.weight': b } = await model.getWeights();
    expect([a!.data[0], b!.data[0]]).toEqual([2 - 0.5 * 6, -1 - 0.5 * 0.25 * -12]);
  });
});

interface HeadsGolden {
  readonly vocabSize: number;
  readonly size: number;
  readonly batchSize: number;
  readonly timeSteps: number;
  readonly lengths: number[];
  readonly weights: { readonly tag: number; readonly length: number };
  readonly optimizer: {
    readonly learningRate: number;
    readonly momentum: number;
    readonly nesterov: boolean;
  };
  readonly x: number[][];
  readonly tag: number[][];
  readonly length: GoldenArray[];
  readonly start: GoldenArrays;
  readonly losses: number[];
  readonly headLosses: { readonly tag: number[]; readonly length: number[] };
  readonly norms: number[];
  readonly end: GoldenArrays;
}

// golden/makeHeads.py makes the file.
describe('ten training steps of PyTorch with two heads, one by the embedding of the input', () => {
  const golden = readGolden<HeadsGolden>('heads.json');
  const { vocabSize, size, batchSize, timeSteps, lengths } = golden;
  const shared: Node[] = [
    { kind: 'embedding', name: 'embedding', vocabSize, size },
    { ...lstmNode, hiddenSize: size },
  ];
  const tied: Node = {
    kind: 'dense',
    name: 'tag.fc',
    units: vocabSize,
    activation: 'linear',
    useBias: true,
    tiedTo: 'embedding',
  };
  const pooled: Node[] = [mean, fc('length.fc', 2, 'linear')];

  it('are what the oracle computes', () => {
    const params = decodeAll(golden.start);
    const state = newOptimizerState(params);
    const batch = batchOf(batchSize, timeSteps, lengths);
    golden.x.forEach((x, i) => {
      const targets: HeadNodes[] = [
        { nodes: [tied], targets: { loss: 'crossEntropy', ids: golden.tag[i]! }, weight: golden.weights.tag },
        {
          nodes: pooled,
          targets: { loss: 'mse', values: decode(golden.length[i]!) },
          weight: golden.weights.length,
        },
      ];
      const {
        loss,
        heads: own,
        gradients,
      } = headsGradientsOf(shared, targets, params, { batch, x, inputSize: 0 });
      const { gradNorm } = update(params, gradients, state, { kind: 'sgd', ...golden.optimizer });
      const wanted = [
        golden.losses[i]!,
        golden.headLosses.tag[i]!,
        golden.headLosses.length[i]!,
        golden.norms[i]!,
      ];
      const tolerance = oracleTolerance.golden;
      assertClose([loss, own[0]!.loss, own[1]!.loss, gradNorm], wanted, { name: `step ${i}`, tolerance });
    });
    expectLike(params, golden.end, oracleTolerance.golden);
  });

  it.each(devices)('are followed on $name', async ({ options }) => {
    await using model = await sequential(
      [...layersOf(shared), heads({ tag: branch('tag', [tied]), length: branch('length', pooled) })],
      options,
    );
    await model.setWeights(toTensors(decodeAll(golden.start), shapesOf(golden.start)));
    const found: number[][] = [];
    for (const [i, x] of golden.x.entries()) {
      const ids = (values: readonly number[]) => ({
        data: Int32Array.from(values),
        shape: [batchSize, timeSteps],
      });
      const target = golden.length[i]!;
      const y = { tag: ids(golden.tag[i]!), length: toTensor(decode(target), target.shape) };
      const result = await model.trainStep(
        { x: ids(x), y, seqLengths: lengths },
        {
          loss: { tag: 'crossEntropy', length: 'mse' },
          lossWeights: golden.weights,
          optimizer: sgd(golden.optimizer),
        },
      );
      found.push([result.loss, result.heads.tag.loss, result.heads.length.loss, result.gradNorm]);
    }
    const wanted = golden.losses.map((loss, i) => [
      loss,
      golden.headLosses.tag[i]!,
      golden.headLosses.length[i]!,
      golden.norms[i]!,
    ]);
    const tolerance = deviceTolerance.training;
    assertClose(found.flat(), wanted.flat(), { name: 'losses and norms', tolerance });
    expectLike(dataOf(await model.getWeights()), golden.end, deviceTolerance.trainedBySgd);
  });
});
