import { describe, expect, it } from 'vitest';
import { assertClose } from '../support/compare.js';
import { Draws } from '../support/draws.js';
import { philoxWord } from '../support/philox.js';
import { oracleTolerance } from '../support/tolerances.js';
import {
  batchOf,
  dense,
  dropoutFactors,
  embedding,
  gradientsOf,
  lossOf,
  lstm,
  lstmShapes,
  networkShapes,
  newOptimizerState,
  outputSize,
  penaltyOf,
  pool,
  predict,
  sequenceRows,
  update,
  vectorRows,
  withPenalties,
  type LstmConfig,
  type Node,
  type Targets,
  type Tensors,
} from './oracle.js';

type Evaluated = { value: number; gradients: Tensors };

/** Holds every element of every gradient to a central difference of the value. */
function checkByCentralDifferences(inputs: Tensors, evaluate: (inputs: Tensors) => Evaluated): void {
  const { gradients } = evaluate(inputs);
  expect(Object.keys(gradients).sort()).toEqual(Object.keys(inputs).sort());
  for (const [name, values] of Object.entries(inputs)) {
    const numeric = values.map((_, i) => centralDifference(inputs, name, i, (at) => evaluate(at).value));
    expect(Math.max(...numeric.map(Math.abs)), `d${name} has something to compare`).toBeGreaterThan(0);
    assertClose(gradients[name]!, numeric, {
      name: `d${name}`,
      tolerance: oracleTolerance.centralDifference,
    });
  }
}

/** Five points, so that truncation stays below rounding. */
function centralDifference(at: Tensors, name: string, i: number, value: (at: Tensors) => number): number {
  const step = 5e-4;
  const moved = (by: number) => value({ ...at, [name]: at[name]!.with(i, at[name]![i]! + by * step) });
  return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step);
}

/** A scalar that weighs every element of an output differently. */
function weigh(output: Float64Array, weights: Float64Array): number {
  return output.reduce((sum, value, i) => sum + value * weights[i]!, 0);
}

function drawAll(draws: Draws, shapes: Record<string, readonly number[]>, size = 1): Tensors {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      draws.uniform(
        shape.reduce((a, b) => a * b),
        -size,
        size,
      ),
    ]),
  );
}

const LENGTHS = [2, 4, 1];
const RAGGED = batchOf(3, 5, LENGTHS);
const KEY = { seed: 11, stream: 0, step: 2 };

describe('the LSTM of the oracle has the gradients of its outputs', () => {
  const base: LstmConfig = {
    inputSize: 3,
    hiddenSize: 2,
    numLayers: 1,
    bidirectional: false,
    bias: 'double',
    dropout: 0,
  };
  const cases: [string, LstmConfig][] = [
    ['one layer', base],
    ['both directions', { ...base, bidirectional: true }],
    ['three layers, one bias', { ...base, numLayers: 3, bias: 'single' }],
    ['two layers, both directions, no bias', { ...base, numLayers: 2, bidirectional: true, bias: 'none' }],
    [
      'dropout between three layers in both directions',
      { ...base, numLayers: 3, bidirectional: true, dropout: 0.4 },
    ],
    ['projection', { ...base, hiddenSize: 4, projectionSize: 3 }],
    [
      'projection, two layers, both directions, dropout',
      { ...base, hiddenSize: 3, projectionSize: 1, numLayers: 2, bidirectional: true, dropout: 0.3 },
    ],
    // No cell of these numbers lies so near the clip that a difference would cross it.
    ['cell clip', { ...base, hiddenSize: 4, cellClip: 0.3 }],
    [
      'cell clip and projection, two layers, both directions',
      { ...base, hiddenSize: 4, projectionSize: 2, cellClip: 0.2, numLayers: 2, bidirectional: true },
    ],
  ];

  it.each(cases)('%s', (name, config) => {
    const draws = new Draws(name);
    const D = config.bidirectional ? 2 : 1;
    const states = (size: number) => [config.numLayers * D, 3, size];
    const inputs = drawAll(draws, {
      x: [3, 5, 3],
      h0: states(outputSize(config)),
      c0: states(config.hiddenSize),
      ...lstmShapes(config),
    });
    const dy = draws.uniform(3 * 5 * D * outputSize(config));
    const dhn = draws.uniform(inputs['h0']!.length);
    const dcn = draws.uniform(inputs['c0']!.length);
    checkByCentralDifferences(inputs, (given) => {
      const { x, h0, c0, ...weights } = given as Tensors & Record<'x' | 'h0' | 'c0', Float64Array>;
      const out = lstm(config, weights, RAGGED, { x, h0, c0, dropoutKey: KEY });
      const back = out.backward({ dy, dhn, dcn });
      return {
        value: weigh(out.y, dy) + weigh(out.hn, dhn) + weigh(out.cn, dcn),
        gradients: { x: back.dx, h0: back.dh0, c0: back.dc0, ...back.weights },
      };
    });
  });

  it('clamps c but not c0, and goes on with the clamped value', () => {
    const config = { ...base, hiddenSize: 1, cellClip: 0.5 };
    // Gates wide open, g = tanh(100 x) = ±1: c would be 2 + 1, then 0.5 - 1, then -0.5 - 1.
    const weights = {
      weight_ih_l0: Float64Array.of(0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0),
      weight_hh_l0: new Float64Array(4),
      bias_ih_l0: Float64Array.of(100, 100, 0, 100),
      bias_hh_l0: new Float64Array(4),
    };
    const x = Float64Array.of(1, 0, 0, -1, 0, 0, -1, 0, 0);
    const { y, cn } = lstm(config, weights, batchOf(1, 3), { x, c0: Float64Array.of(2) });
    expect(Array.from(y)).toEqual([0.5, -0.5, -0.5].map(Math.tanh));
    expect(cn[0]).toBe(-0.5);
  });

  it('gives zeros beyond each length, and as final states those of the last live step', () => {
    const config: LstmConfig = { ...base, bidirectional: true };
    const draws = new Draws('lengths');
    const weights = drawAll(draws, lstmShapes(config));
    const x = draws.uniform(3 * 5 * 3);
    const { y, hn } = lstm(config, weights, RAGGED, { x });
    const row = (n: number, t: number) => Array.from(y.subarray((n * 5 + t) * 4, (n * 5 + t + 1) * 4));
    LENGTHS.forEach((length, n) => {
      for (let t = length; t < 5; t++) expect(row(n, t)).toEqual([0, 0, 0, 0]);
      const [forward, backward] = [
        Array.from(hn.subarray(n * 2, n * 2 + 2)),
        Array.from(hn.subarray(6 + n * 2, 8 + n * 2)),
      ];
      expect(row(n, length - 1).slice(0, 2)).toEqual(forward);
      expect(row(n, 0).slice(2)).toEqual(backward);
      const alone = lstm(config, weights, batchOf(1, length), { x: x.subarray(n * 15, n * 15 + length * 3) });
      expect(Array.from(alone.y)).toEqual(Array.from(y.subarray(n * 20, n * 20 + length * 4)));
    });
  });
});

describe('the rows of the oracle', () => {
  it('are numbered as devices pack them: time-major, longest first, equal lengths in their order', () => {
    const batch = batchOf(4, 5, [2, 4, 1, 4]);
    const places = sequenceRows(batch).map(({ at, packed, rank }) => [packed, at, rank]);
    const t = (n: number, step: number) => n * 5 + step;
    expect(places).toEqual([
      [0, t(1, 0), 0],
      [1, t(3, 0), 1],
      [2, t(0, 0), 2],
      [3, t(2, 0), 3],
      [4, t(1, 1), 0],
      [5, t(3, 1), 1],
      [6, t(0, 1), 2],
      [7, t(1, 2), 0],
      [8, t(3, 2), 1],
      [9, t(1, 3), 0],
      [10, t(3, 3), 1],
    ]);
    expect(vectorRows(batch).map(({ at }) => at)).toEqual([1, 3, 0, 2]);
  });

  it('choose the elements that dropout drops: element = packed row · channels + channel', () => {
    const rows = sequenceRows(RAGGED);
    const options = { rate: 0.5, key: KEY, sharedOverTime: false };
    const factors = dropoutFactors(rows, 3 * 5 * 3, 3, options);
    for (const { at, packed } of rows) {
      for (let c = 0; c < 3; c++) {
        const dropped = philoxWord(KEY, packed * 3 + c) < 2 ** 31;
        expect(factors[at * 3 + c]).toBe(dropped ? 0 : 2);
      }
    }
  });
});

describe('the other layers of the oracle have the gradients of their outputs', () => {
  it.each(['linear', 'relu', 'tanh', 'sigmoid', 'softmax'] as const)('dense, %s', (activation) => {
    const draws = new Draws(`dense ${activation}`);
    const dy = draws.uniform(3 * 5 * 4);
    const rows = sequenceRows(RAGGED);
    checkByCentralDifferences(drawAll(draws, { x: [3, 5, 3], weight: [4, 3], bias: [4] }), (given) => {
      const { x, weight, bias } = given as Record<'x' | 'weight' | 'bias', Float64Array>;
      const { y, backward } = dense({ rows, inputSize: 3, units: 4, activation, x, weight, bias });
      const { dx, dWeight, dBias } = backward(dy);
      return { value: weigh(y, dy), gradients: { x: dx, weight: dWeight, bias: dBias } };
    });
  });

  it('embedding', () => {
    const draws = new Draws('embedding');
    const tokens = draws.integers(15, 0, 4);
    const dy = draws.uniform(15 * 2);
    checkByCentralDifferences(drawAll(draws, { table: [4, 2] }), ({ table }) => {
      const { y, backward } = embedding({ rows: sequenceRows(RAGGED), size: 2, tokens, table: table! });
      return { value: weigh(y, dy), gradients: { table: backward(dy) } };
    });
  });

  it.each(['last', 'mean', 'max'] as const)('pooling, %s', (mode) => {
    const draws = new Draws(mode);
    const dy = draws.uniform(3 * 2);
    checkByCentralDifferences(drawAll(draws, { x: [3, 5, 2] }), ({ x }) => {
      const { y, backward } = pool(mode, RAGGED, 2, x!);
      return { value: weigh(y, dy), gradients: { x: backward(dy) } };
    });
  });
});

describe('the losses of the oracle', () => {
  const draws = new Draws('losses');
  const values = draws.uniform(3 * 5 * 4, 0, 1);
  const sampleWeights = draws.uniform(3, 0.5, 2);
  const cases: [string, Targets][] = [
    ['mse', { loss: 'mse', values, sampleWeights }],
    ['crossEntropy of class ids', { loss: 'crossEntropy', ids: draws.integers(15, 0, 4), sampleWeights }],
    ['crossEntropy of weights that do not add up to 1', { loss: 'crossEntropy', values, sampleWeights }],
    ['binaryCrossEntropy', { loss: 'binaryCrossEntropy', values, sampleWeights }],
    ['mae', { loss: 'mae', values, sampleWeights }],
    ['huber', { loss: 'huber', settings: { delta: 0.6 }, values, sampleWeights: draws.uniform(15, 0.5, 2) }],
    ['logCosh', { loss: 'logCosh', values, sampleWeights }],
    ['quantile', { loss: 'quantile', settings: { quantiles: [0.1, 0.7] }, values, sampleWeights }],
    ['gaussianNll', { loss: 'gaussianNll', settings: { full: true }, values, sampleWeights }],
    [
      'crossEntropy, all settings',
      {
        loss: 'crossEntropy',
        settings: { labelSmoothing: 0.2, classWeights: [0.5, 2, 1, 0.1], ignoreIndex: 3 },
        ids: draws.integers(15, 0, 4),
        sampleWeights,
      },
    ],
    [
      'crossEntropy of distributions, weights and smoothing',
      { loss: 'crossEntropy', settings: { labelSmoothing: 0.2, classWeights: [0.5, 2, 1, 0.1] }, values },
    ],
  ];

  it.each(cases)('%s: the gradient is that of the value', (name, targets) => {
    for (const rows of [sequenceRows(RAGGED), vectorRows(batchOf(3, 1))]) {
      const size = targets.loss === 'mse' ? 1 : 3;
      const predictions = new Draws(name).uniform((rows.length === 3 ? 3 : 15) * 4, -size, size);
      checkByCentralDifferences({ predictions }, (given) => {
        const { loss, gradient } = lossOf(targets, rows, 4, given['predictions']!);
        return { value: loss, gradients: { predictions: gradient } };
      });
    }
  });

  it('are the values found by hand', () => {
    const one = vectorRows(batchOf(1, 1));
    const p = Float64Array.of(0.5, -1);
    const t = Float64Array.of(0, 1);
    expect(lossOf({ loss: 'mse', values: t }, one, 2, p).loss).toBeCloseTo((0.25 + 4) / 2, 14);
    // z = (ln 3, 0): softmax (3/4, 1/4).
    const z = Float64Array.of(Math.log(3), 0);
    expect(lossOf({ loss: 'crossEntropy', ids: [1] }, one, 2, z).loss).toBeCloseTo(Math.log(4), 14);
    expect(lossOf({ loss: 'crossEntropy', values: Float64Array.of(0.5, 0.5) }, one, 2, z).loss).toBeCloseTo(
      (Math.log(4) + Math.log(4 / 3)) / 2,
      14,
    );
    // σ(ln 3) = 3/4, σ(0) = 1/2.
    expect(lossOf({ loss: 'binaryCrossEntropy', values: t }, one, 2, z).loss).toBeCloseTo(
      (Math.log(4) + Math.log(2)) / 2,
      14,
    );
  });

  it('stay finite at logits of 1000', () => {
    const z = Float64Array.of(1000, -1000);
    const rows = vectorRows(batchOf(1, 1));
    expect(lossOf({ loss: 'crossEntropy', ids: [1] }, rows, 2, z).loss).toBe(2000);
    expect(lossOf({ loss: 'binaryCrossEntropy', values: Float64Array.of(0, 1) }, rows, 2, z).loss).toBe(1000);
  });
});

describe('whole networks of the oracle have the gradients of their loss', () => {
  const lstmNode = {
    kind: 'lstm',
    name: 'lstm',
    numLayers: 2,
    bidirectional: true,
    bias: 'double',
    dropout: 0.3,
  } as const;
  const networks: [string, readonly Node[], Targets['loss']][] = [
    [
      'embedding, dropout, LSTM, softmax head on every step',
      [
        { kind: 'embedding', name: 'embedding', vocabSize: 5, size: 3 },
        { kind: 'dropout', rate: 0.3, sharedOverTime: true },
        { ...lstmNode, hiddenSize: 2, returnSequences: true },
        { kind: 'dense', name: 'fc', units: 3, activation: 'softmax', useBias: true },
      ],
      'crossEntropy',
    ],
    [
      'LSTM of last states, dropout, sigmoid head',
      [
        { ...lstmNode, hiddenSize: 2, returnSequences: false },
        { kind: 'dropout', rate: 0.3, sharedOverTime: false },
        { kind: 'dense', name: 'fc', units: 3, activation: 'sigmoid', useBias: false },
      ],
      'binaryCrossEntropy',
    ],
    [
      'embedding and recurrent weights with dropout, activation regularizers',
      [
        { kind: 'embedding', name: 'embedding', vocabSize: 5, size: 3, dropout: 0.3 },
        { ...lstmNode, hiddenSize: 2, returnSequences: true, weightDropout: 0.4 },
        { kind: 'activationRegularizer', ar: 0.3, tar: 0.6 },
        { kind: 'dense', name: 'fc', units: 3, activation: 'softmax', useBias: true },
      ],
      'crossEntropy',
    ],
    [
      'dense, LSTM, pooling, softmax head under a mean squared error',
      [
        { kind: 'dense', name: 'in', units: 3, activation: 'tanh', useBias: true },
        { ...lstmNode, hiddenSize: 2, returnSequences: true },
        { kind: 'pool', mode: 'mean' },
        { kind: 'dense', name: 'fc', units: 3, activation: 'softmax', useBias: true },
      ],
      'mse',
    ],
  ];

  it.each(networks)('%s', (name, nodes, loss) => {
    const draws = new Draws(name);
    const tokens = nodes[0]!.kind === 'embedding';
    const inputSize = tokens ? 0 : 2;
    const x = tokens ? Float64Array.from(draws.integers(15, 0, 5)) : draws.uniform(3 * 5 * 2);
    const rows = nodes.some((node) => node.kind === 'pool' || (node.kind === 'lstm' && !node.returnSequences))
      ? 3
      : 15;
    const targets: Targets = { loss, values: draws.uniform(rows * 3, 0, 1) };
    const params = drawAll(draws, networkShapes(nodes, inputSize));
    checkByCentralDifferences(tokens ? params : { ...params, input: x }, (given) => {
      const { input, ...weights } = given;
      const inputs = { batch: RAGGED, x: input ?? x, inputSize, draw: { seed: 5, step: 1 } };
      const result = gradientsOf(nodes, weights, inputs, targets);
      const gradients = tokens ? result.gradients : { ...result.gradients, input: result.inputGradient };
      return { value: result.loss + result.activationPenalty, gradients };
    });
  });

  it('drops nothing without a draw, and shares a mask over time when told', () => {
    const nodes: readonly Node[] = [{ kind: 'dropout', rate: 0.5, sharedOverTime: true }];
    const x = new Float64Array(3 * 5 * 8).fill(1);
    const inputs = { batch: batchOf(3, 5), x, inputSize: 8 };
    expect(predict(nodes, {}, inputs)).toEqual(x);
    const y = predict(nodes, {}, { ...inputs, draw: { seed: 1, step: 0 } });
    expect(new Set(y)).toEqual(new Set([0, 2]));
    for (let n = 0; n < 3; n++) {
      for (let t = 1; t < 5; t++) {
        const at = (step: number) => y.subarray((n * 5 + step) * 8, (n * 5 + step + 1) * 8);
        expect(at(t)).toEqual(at(0));
      }
    }
  });
});

describe('the update of the oracle', () => {
  const draws = new Draws('update');

  it('adds the gradient of the penalty', () => {
    const rules = { penalties: { w: { l1: 0.3, l2: 0.2 } } };
    checkByCentralDifferences({ w: draws.uniform(7) }, ({ w }) => ({
      value: penaltyOf({ w: w! }, rules),
      gradients: withPenalties({ w: w! }, { w: new Float64Array(7) }, rules),
    }));
  });

  // Rates of 1 and round numbers, so that each expected value is found in the head.
  const g = { a: Float64Array.of(3, 0), b: Float64Array.of(0, -4) };
  const after = (clip: Parameters<typeof update>[3]['clip']) => {
    const params = { a: new Float64Array(2), b: new Float64Array(2) };
    const config = { kind: 'sgd', learningRate: 1, momentum: 0, nesterov: false } as const;
    const { gradNorm } = update(
      params,
      g,
      newOptimizerState(params),
      clip === undefined ? config : { ...config, clip },
    );
    expect(gradNorm).toBe(5);
    return [...params.a, ...params.b];
  };

  it('clips by global norm, by tensor norm and by value', () => {
    expect(after(undefined)).toEqual([-3, 0, 0, 4]);
    const scale = 1 / (5 + 1e-6);
    expect(after({ globalNorm: 1 })).toEqual([-3 * scale, 0, 0, 4 * scale]);
    expect(after({ globalNorm: 6 })).toEqual([-3, 0, 0, 4]);
    expect(after({ tensorNorm: 2 })).toEqual([-2, 0, 0, 2]);
    expect(after({ value: 3.5 })).toEqual([-3, 0, 0, 3.5]);
  });

  it('moves by the learning rate in the first step of Adam, whatever the gradient', () => {
    const params = { w: Float64Array.of(1, 1) };
    const config = { kind: 'adam', learningRate: 0.25, beta1: 0.9, beta2: 0.999, epsilon: 0 } as const;
    update(params, { w: Float64Array.of(1e-3, -40) }, newOptimizerState(params), config);
    expect(params.w[0]).toBeCloseTo(0.75, 14);
    expect(params.w[1]).toBeCloseTo(1.25, 14);
  });

  it('gathers momentum, and looks ahead with Nesterov', () => {
    for (const [nesterov, expected] of [
      [false, -1 - 1.5],
      [true, -1.5 - 1.75],
    ] as const) {
      const params = { w: new Float64Array(1) };
      const state = newOptimizerState(params);
      const config = { kind: 'sgd', learningRate: 1, momentum: 0.5, nesterov } as const;
      for (let step = 0; step < 2; step++) update(params, { w: Float64Array.of(1) }, state, config);
      expect(params.w[0]).toBe(expected);
    }
  });

  it('leaves frozen parameters out of the step, the norm and the penalty', () => {
    const params = { a: Float64Array.of(1), b: Float64Array.of(1) };
    const rules = { frozen: new Set(['b']), penalties: { a: { l1: 0, l2: 1 }, b: { l1: 0, l2: 1 } } };
    expect(penaltyOf(params, rules)).toBe(1);
    const config = { kind: 'sgd', learningRate: 1, momentum: 0, nesterov: false } as const;
    const gradients = { a: Float64Array.of(1), b: Float64Array.of(100) };
    const { gradNorm } = update(params, gradients, newOptimizerState(params), config, rules);
    expect(gradNorm).toBe(3);
    expect(params).toEqual({ a: Float64Array.of(-2), b: Float64Array.of(1) });
  });
});
