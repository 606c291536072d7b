import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  customLoss,
  dense,
  dropout,
  embedding,
  lstm,
  type Model,
  pool,
  sequential,
  sgd,
  ShapeError,
} from '../../src/index.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('model');
const ragged = [
  [1, 2, 3, 4, 5],
  [6, 7],
  [8, 9, 1],
];

const halfSquares = customLoss({
  compute({ predictions, targets, rows }) {
    const gradient = predictions.data.map((y, i) => (y - targets.data[i]!) / rows);
    return { loss: gradient.reduce((sum, d) => sum + (d * d * rows) / 2, 0), gradient };
  },
});

describe.each(devices)('a model on $name', ({ options }) => {
  let tagger: Model;
  beforeAll(async () => {
    tagger = await sequential(
      [
        embedding({ vocabSize: 10, size: 6 }),
        lstm({ hiddenSize: 7, numLayers: 2, bidirectional: true, dropout: 0.5 }),
        dropout({ rate: 0.5 }),
        dense({ units: 4, activation: 'softmax' }),
      ],
      { ...options, seed: 3, name: 'tagger' },
    );
  });
  afterAll(() => tagger.dispose());

  it('has the parameters that the shapes of its layers foretell', () => {
    const shapes = Object.fromEntries(tagger.parameters.map(({ name, shape }) => [name, shape]));
    expect(shapes).toMatchObject({
      'embedding.weight': [10, 6],
      'lstm.weight_ih_l0': [28, 6],
      'lstm.weight_hh_l1_reverse': [28, 7],
      'lstm.weight_ih_l1': [28, 14],
      'lstm.bias_hh_l1': [28],
      'fc.weight': [4, 14],
      'fc.bias': [4],
    });
    const count = tagger.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    expect(count).toBe(tagger.parameterCount);
  });

  it('describes itself', () => {
    expect(tagger.inputShape).toEqual(['N', 'T']);
    expect(tagger.outputShape).toEqual(['N', 'T', 4]);
    const rows = tagger
      .summary()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/));
    // 4H(in + H + 2) a direction and layer: 2·28·(6 + 7 + 2) + 2·28·(14 + 7 + 2).
    expect(rows).toContainEqual(['lstm (lstm, 2 × 7, bidirectional)', '[N, T, 14]', '2,128']);
    expect(rows).toContainEqual(['fc (dense, softmax)', '[N, T, 4]', '60']);
    expect(rows.at(-1)).toEqual(['2,248 parameters, 2,248 of them trainable, 0.0 MiB']);
  });

  it('counts a projection', async () => {
    const layer = lstm({ hiddenSize: 7, projectionSize: 3, bidirectional: true });
    await using model = await sequential([layer], { ...options, inputSize: 6 });
    // A direction has 4H(in + P + 2) + P·H = 28·(6 + 3 + 2) + 21.
    expect(model.summary()).toMatch(/lstm \(lstm, 1 × 7 → 3, bidirectional\) +\[N, T, 6\] +658/);
    expect(model.parameterCount).toBe(658);
    const sizes = model.parameters.map(({ shape }) => shape.reduce((a, b) => a * b));
    expect(sizes.reduce((a, b) => a + b)).toBe(658);
  });

  it('predicts ragged sequences as it predicts each alone, zeros beyond their ends', async () => {
    const { y } = await tagger.predict(ragged, { batchSize: 2 });
    expect(y.shape).toEqual([3, 5, 4]);
    for (const [row, sequence] of ragged.entries()) {
      const alone = (await tagger.predict([sequence])).y.data;
      const inBatch = y.data.subarray(row * 20, row * 20 + 20);
      expect([...inBatch.subarray(0, alone.length)]).toEqual([...alone].map((p) => expect.closeTo(p, 5)));
      expect(inBatch.subarray(alone.length).every((value) => value === 0)).toBe(true);
    }
  });

  it('gives softmax outputs that sum to 1 at each live step', async () => {
    const { data } = (await tagger.predict([ragged[0]!])).y;
    for (let step = 0; step < 5; step++) {
      const sum = data.subarray(step * 4, step * 4 + 4).reduce((a, b) => a + b);
      expect(sum).toBeCloseTo(1, 6);
    }
  });

  it('goes on from the states it gave, as if the sequence had never been cut', async () => {
    const layers = [
      embedding({ vocabSize: 10, size: 6 }),
      lstm({ hiddenSize: 9, projectionSize: 4 }),
      lstm({ hiddenSize: 7, numLayers: 2 }),
    ];
    await using forwards = await sequential(layers, options);
    const tokens = { data: draws.integers(5 * 12, 0, 10), shape: [5, 12] };
    const part = (from: number, to: number) => ({
      data: tokens.data.filter((_, index) => index % 12 >= from && index % 12 < to),
      shape: [5, to - from],
    });
    const whole = await forwards.predict(tokens, { returnStates: true });
    // Batches of 2 make the states be cut and joined again.
    const first = await forwards.predict(part(0, 8), { returnStates: true, batchSize: 2 });
    const second = await forwards.predict(part(8, 12), {
      states: first.states,
      returnStates: true,
      batchSize: 2,
    });
    expect(second.states!.map(({ h, c }) => [h.shape, c.shape])).toEqual([
      [
        [1, 5, 4],
        [1, 5, 9],
      ],
      [
        [2, 5, 7],
        [2, 5, 7],
      ],
    ]);
    const ends = second.states!.flatMap(({ h, c }) => [...h.data, ...c.data]);
    const expected = whole.states!.flatMap(({ h, c }) => [...h.data, ...c.data]);
    expect(ends).toEqual(expected.map((value) => expect.closeTo(value, 5)));
  });

  it('computes activation(W x + b) with the weights it is given', async () => {
    await using model = await sequential([dense({ units: 2, activation: 'relu' })], {
      ...options,
      inputSize: 3,
    });
    await model.setWeights({
      'fc.weight': [
        [1, 2, 3],
        [-1, 0, 1],
      ],
      'fc.bias': [0.5, -0.5],
    });
    const { y } = await model.predict([
      [
        [1, 1, 1],
        [2, 0, -1],
      ],
    ]);
    // By hand: 1+2+3+½, -1+1-½ cut to 0; 2-3+½ cut to 0, -2-1-½ cut to 0.
    expect(y).toEqual({ data: Float32Array.of(6.5, 0, 0, 0), shape: [1, 2, 2] });
  });

  it('sets some weights and keeps the others', async () => {
    await using model = await sequential([lstm({ hiddenSize: 3 }), dense({ units: 2 })], {
      ...options,
      inputSize: 3,
    });
    const before = await model.getWeights();
    await model.setWeights({ 'fc.bias': [7, 8] });
    expect(await model.getWeights()).toEqual({
      ...before,
      'fc.bias': { data: Float32Array.of(7, 8), shape: [2] },
    });
    await expect(model.setWeights({ 'fc.bais': [7, 8] })).rejects.toThrow("did you mean 'fc.bias'?");
    await model.setWeights({ 'fc.bais': [7, 8] }, { strict: false });
    await expect(model.setWeights({ 'fc.bias': [7] })).rejects.toThrow(ShapeError);
  });

  it('steps along the gradients it names: p - learningRate · g', async () => {
    await using model = await sequential(
      [lstm({ hiddenSize: 4 }), pool({ mode: 'mean' }), dense({ units: 1 })],
      {
        ...options,
        inputSize: 2,
      },
    );
    const batch = { x: { data: draws.uniform(3 * 5 * 2), shape: [3, 5, 2] }, y: [1, -1, 0.5] };
    const before = await model.getWeights();
    const { loss, gradients, inputGradient } = await model.gradients(batch, { loss: 'mse' });
    expect(await model.getWeights()).toEqual(before);
    expect(inputGradient.shape).toEqual([3, 5, 2]);
    const step = await model.trainStep(batch, { loss: 'mse', optimizer: sgd({ learningRate: 0.5 }) });
    expect(step).toMatchObject({ loss, step: 1, elements: 3, rows: 3, penalty: 0 });
    const after = await model.getWeights();
    let squares = 0;
    for (const [name, { data }] of Object.entries(before)) {
      const gradient = gradients[name]!.data;
      squares += gradient.reduce((sum, g) => sum + g * g, 0);
      const expected = data.map((value, index) => value - 0.5 * gradient[index]!);
      expect([...after[name]!.data]).toEqual([...expected].map((value) => expect.closeTo(value, 6)));
    }
    expect(step.gradNorm).toBeCloseTo(Math.sqrt(squares), 5);
  });

  it('evaluates to the loss that the next step starts from, where nothing is dropped', async () => {
    await using model = await sequential(
      [lstm({ hiddenSize: 4, returnSequences: false }), dense({ units: 3 })],
      {
        ...options,
        inputSize: 2,
      },
    );
    const batch = { x: { data: draws.uniform(7 * 5 * 2), shape: [7, 5, 2] }, y: [0, 1, 2, 0, 1, 2, 0] };
    const { loss, accuracy } = await model.evaluate(batch, {
      loss: 'crossEntropy',
      metrics: ['accuracy'],
      batchSize: 3,
    });
    const step = await model.trainStep(batch, { loss: 'crossEntropy', optimizer: 'adam' });
    expect(loss).toBeCloseTo(step.loss, 5);
    expect(accuracy).toBe(step.correct / 7);
  });

  it('leaves frozen layers as they are', async () => {
    await using model = await sequential(
      [embedding({ vocabSize: 10, size: 3, trainable: false }), pool({ mode: 'mean' }), dense({ units: 2 })],
      options,
    );
    const before = await model.getWeights();
    await model.trainStep({ x: ragged, y: [0, 1, 0] }, { loss: 'crossEntropy', optimizer: 'adam' });
    const after = await model.getWeights();
    expect(after['embedding.weight']).toEqual(before['embedding.weight']);
    expect(after['fc.weight']).not.toEqual(before['fc.weight']);
    expect(model.summary()).toContain('38 parameters, 8 of them trainable');
  });

  it('adds penalties to the loss: l1 Σ|p| + l2 Σp²', async () => {
    const layer = dense({ units: 1, useBias: false, regularizer: { l1: 0.5, l2: 0.25 } });
    await using model = await sequential([layer], { ...options, inputSize: 2 });
    await model.setWeights({ 'fc.weight': [[2, -4]] });
    const { loss, penalty } = await model.trainStep(
      { x: [[[0, 0]]], y: [[[1]]] },
      { loss: 'mse', optimizer: sgd({ learningRate: 0 }) },
    );
    // ½·(2 + 4) + ¼·(4 + 16) = 8, and the error is 1.
    expect([penalty, loss]).toEqual([8, 9]);
  });

  it('weighs samples: a row of weight 0 does not teach', async () => {
    await using model = await sequential([pool({ mode: 'last' }), dense({ units: 1 })], {
      ...options,
      inputSize: 1,
    });
    const x = [[[1]], [[2]]];
    const one = await model.gradients({ x, y: [3, 1e6], sampleWeights: [1, 0] }, { loss: 'mse' });
    const other = await model.gradients({ x, y: [3, -1e6], sampleWeights: [1, 0] }, { loss: 'mse' });
    expect(one).toEqual(other);
  });

  it('carries states from step to step until they are reset', async () => {
    await using model = await sequential([lstm({ hiddenSize: 5 }), dense({ units: 2 })], {
      ...options,
      inputSize: 2,
    });
    const batch = {
      x: { data: draws.uniform(2 * 4 * 2), shape: [2, 4, 2] },
      y: { data: new Int32Array(8), shape: [2, 4] },
    };
    const still = { loss: 'crossEntropy', optimizer: sgd({ learningRate: 0 }) } as const;
    const step = async () => (await model.trainStep({ ...batch, carryStates: true }, still)).loss;
    const first = await step();
    const second = await step();
    expect(second).not.toBe(first);
    await model.resetStates();
    expect(await step()).toBe(first);
  });

  it('gives the same results for steps that are all submitted at once', async () => {
    const layers = [
      lstm({ hiddenSize: 4, dropout: 0, returnSequences: false }),
      dropout({ rate: 0.3 }),
      dense({ units: 1 }),
    ];
    const batches = [1, 2, 3, 4].map(() => ({
      x: { data: draws.uniform(3 * 5 * 2), shape: [3, 5, 2] },
      y: [...draws.uniform(3)],
    }));
    await using one = await sequential(layers, { ...options, inputSize: 2, seed: 5 });
    await using other = await sequential(layers, { ...options, inputSize: 2, seed: 5 });
    const settings = { loss: 'mse', optimizer: 'adam' } as const;
    const inTurn = [];
    for (const batch of batches) inTurn.push(await one.trainStep(batch, settings));
    const atOnce = await Promise.all(batches.map((batch) => other.trainStep(batch, settings)));
    expect(atOnce).toEqual(inTurn);
    expect(await other.getWeights()).toEqual(await one.getWeights());
  });

  it("takes a step's options as they are at the call, also where an object is changed between two", async () => {
    const x = [[[1], [2]]];
    const y = [[0, 1]];
    const weightsOf = async (rates: readonly number[], sharing: boolean) => {
      await using model = await sequential([lstm({ hiddenSize: 2 }), dense({ units: 1 })], {
        ...options,
        inputSize: 1,
        seed: 6,
      });
      const optimizer = { kind: 'sgd' as const, learningRate: 0 };
      const shared = { loss: 'mse', optimizer } as const;
      for (const learningRate of rates) {
        optimizer.learningRate = learningRate;
        const own = { loss: 'mse', optimizer: sgd({ learningRate }) } as const;
        await model.trainStep({ x, y }, sharing ? shared : own);
      }
      return model.getWeights();
    };
    const expected = await weightsOf([0.1, 0.4], false);
    expect(await weightsOf([0.1, 0.4], true)).toEqual(expected);
    expect(await weightsOf([0.1, 0.1], false)).not.toEqual(expected);
  });

  it('copies a batch before the call returns, so arrays may be used again at once', async () => {
    await using model = await sequential([pool({ mode: 'last' }), dense({ units: 1 })], {
      ...options,
      inputSize: 1,
    });
    const data = Float32Array.of(1, 2);
    const expected = (await model.predict({ data, shape: [2, 1, 1] })).y;
    const pending = model.predict({ data, shape: [2, 1, 1] });
    data.fill(99);
    expect((await pending).y).toEqual(expected);
  });

  it.each([{ loss: 'mse' as const }, { loss: halfSquares }])(
    'copies what a step trains on before the call returns: $loss',
    async ({ loss }) => {
      const settings = { loss, optimizer: 'adam' as const };
      const trained = async (afterwards: number | undefined) => {
        await using model = await sequential([lstm({ hiddenSize: 3 }), dense({ units: 1 })], {
          ...options,
          inputSize: 1,
          seed: 4,
        });
        const x = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2, 1] };
        const y = { data: Float32Array.of(0, 1, 2, 3), shape: [2, 2] };
        const pending = model.trainStep({ x, y }, settings);
        if (afterwards !== undefined) for (const { data } of [x, y]) data.fill(afterwards);
        await pending;
        return model.getWeights();
      };
      expect(await trained(99)).toEqual(await trained(undefined));
    },
  );
});
