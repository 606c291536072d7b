import { describe, expect, it } from 'vitest';
import {
  adam,
  ConfigError,
  crossEntropy,
  DataError,
  dense,
  gaussianNll,
  huber,
  type LstmError,
  pool,
  quantile,
  sequential,
  ShapeError,
  type BuiltInLoss,
  type Model,
} from '../../src/index.js';
import { assertClose } from '../support/compare.js';
import { devices, type TestDevice } from '../support/devices.js';
import { readGolden } from '../support/golden.js';
import { deviceTolerance } from '../support/tolerances.js';

interface LossGolden {
  readonly id: string;
  readonly loss: BuiltInLoss;
  readonly predictions: number[][][];
  readonly targets: number[][] | number[][][];
  readonly value: number;
  readonly gradient: number[][][];
}

const golden = readGolden<{ lengths: number[]; cases: LossGolden[] }>('losses.json');

/** A model whose outputs are its inputs, so that the gradient at the input is that at the predictions. */
async function identity(channels: number, options: TestDevice['options'], vector = false): Promise<Model> {
  const head = dense({ units: channels, useBias: false, name: 'fc' });
  const layers = vector ? [pool({ mode: 'last' }), head] : [head];
  const model = await sequential(layers, { ...options, inputSize: channels });
  const weight = Float32Array.from({ length: channels * channels }, (_, i) =>
    Number(i % (channels + 1) === 0),
  );
  await model.setWeights({ 'fc.weight': { data: weight, shape: [channels, channels] } });
  return model;
}

describe.each(devices)('losses on $name', ({ options }) => {
  it.each(golden.cases)('$id: value and gradient are those of the golden file', async (given) => {
    const { loss, predictions, targets, value, gradient } = given;
    await using model = await identity(predictions[0]![0]!.length, options);
    const data = { x: predictions, y: targets, seqLengths: golden.lengths };
    const result = await model.gradients(data, { loss });
    assertClose([result.loss], [value], { name: 'loss', tolerance: deviceTolerance.loss });
    const wanted = gradient.flat(2);
    assertClose(result.inputGradient.data, wanted, { name: 'gradient', tolerance: deviceTolerance.network });
    const evaluated = await model.evaluate(data, { loss, batchSize: 3 });
    assertClose([evaluated.loss], [value], { name: 'evaluated loss', tolerance: deviceTolerance.loss });
  });

  it('an epoch in batches has the loss of all rows at once, with class weights and ignored rows', async () => {
    const given = golden.cases.find(({ id }) => id.endsWith('labelSmoothing, classWeights, ignoreIndex'))!;
    await using model = await identity(5, options);
    const data = { x: given.predictions, y: given.targets, seqLengths: golden.lengths };
    const { loss } = await model.evaluate(data, { loss: given.loss, batchSize: 1 });
    assertClose([loss], [given.value], { name: 'loss', tolerance: deviceTolerance.loss });
  });

  it('weights by step multiply each step, weights by sequence each of its steps', async () => {
    await using model = await identity(1, options);
    // Targets 0: squares 1, 4, 9 | 16, 25; five live steps.
    const data = {
      x: [
        [[1], [2], [3]],
        [[4], [5], [9]],
      ],
      y: [
        [0, 0, 0],
        [0, 0, 0],
      ],
      seqLengths: [3, 2],
    };
    const lossWith = async (sampleWeights: number[] | number[][]) =>
      (await model.evaluate({ ...data, sampleWeights }, { loss: 'mse' })).loss;
    expect(await lossWith([2, 0.5])).toBeCloseTo((2 * (1 + 4 + 9) + 0.5 * (16 + 25)) / 5, 5);
    expect(
      await lossWith([
        [1, 0, 2],
        [3, 0.5, 7],
      ]),
    ).toBeCloseTo((1 + 18 + 48 + 12.5) / 5, 5);
    const { inputGradient } = await model.gradients(
      {
        ...data,
        sampleWeights: [
          [1, 0, 2],
          [3, 0.5, 7],
        ],
      },
      { loss: 'mse' },
    );
    const wanted = [2, 0, 12, 24, 5, 0].map((d) => d / 5);
    assertClose(inputGradient.data, wanted, { name: 'gradient', tolerance: deviceTolerance.network });
  });

  it('a batch in which no row counts has the loss 0 and changes nothing', async () => {
    await using model = await identity(2, options, true);
    const before = await model.getWeights();
    const data = { x: [[[1, 2]], [[3, 4]]], y: [0, 1], batchSize: 1 };
    const loss = crossEntropy({ ignoreIndex: 1 });
    const { epochs } = await model.fit(
      { x: data.x, y: data.y },
      { loss, batchSize: 1, shuffle: false, optimizer: 'sgd', verbose: 'silent' },
    );
    // log(1 + e) of the first row alone
    expect(epochs[0]!.loss).toBeCloseTo(Math.log(1 + Math.E), 5);
    expect(await model.getWeights()).not.toEqual(before);
    const only = await model.evaluate({ x: [[[1, 2]], [[3, 4]]], y: [0, 1] }, { loss, batchSize: 1 });
    expect(Number.isFinite(only.loss)).toBe(true);
  });

  it('quantiles and a normal distribution are learnt from data that has them', async () => {
    // y is uniform on [0, 1) and x says nothing: the quantiles are the biases.
    const y = Array.from({ length: 200 }, (_, i) => [((i * 37) % 200) / 200]);
    const x = y.map(() => [[1]]);
    const layers = (units: number) => [dense({ units: 4 }), dense({ units, name: 'fc' })];
    await using model = await sequential([pool({ mode: 'last' }), ...layers(3)], {
      ...options,
      inputSize: 1,
    });
    const loss = quantile({ quantiles: [0.1, 0.5, 0.9] });
    const settings = { epochs: 30, optimizer: adam({ learningRate: 0.05 }), verbose: 'silent' as const };
    await model.fit({ x, y }, { loss, ...settings });
    const { data } = (await model.predict([[[1]]])).y;
    data.forEach((q, i) => expect(Math.abs(q - [0.1, 0.5, 0.9][i]!)).toBeLessThan(0.1));
    await using normal = await sequential([pool({ mode: 'last' }), ...layers(2)], {
      ...options,
      inputSize: 1,
    });
    await normal.fit({ x, y }, { loss: gaussianNll(), ...settings });
    const [mean, logVariance] = (await normal.predict([[[1]]])).y.data;
    expect(Math.abs(mean! - 0.5)).toBeLessThan(0.1);
    expect(Math.abs(Math.exp(logVariance!) - 1 / 12)).toBeLessThan(0.04);
  });

  it('what does not fit the output is refused before anything is computed', async () => {
    await using model = await identity(3, options, true);
    const x = [[[1, 2, 3]], [[4, 5, 6]]];
    const cases: [BuiltInLoss, unknown, typeof ConfigError | typeof ShapeError | typeof DataError, RegExp][] =
      [
        [
          quantile({ quantiles: [0.1, 0.9] }),
          [1, 2],
          ConfigError,
          /a multiple of 2 outputs, one for each target and quantile/,
        ],
        [
          gaussianNll(),
          [1, 2],
          ConfigError,
          /a mean and a log variance for each target, for the loss 'gaussianNll', received 3/,
        ],
        [
          crossEntropy({ classWeights: [1, 2] }),
          [0, 1],
          ConfigError,
          /crossEntropy\.classWeights: expected 3 numbers, one for each class, received 2/,
        ],
        [crossEntropy({ ignoreIndex: -1 }), [0, 3], DataError, /a class id from 0 to 2, or -1, received 3/],
        [
          crossEntropy({ ignoreIndex: 1 }),
          [1, 1],
          DataError,
          /at least one id that is not the ignoreIndex 1/,
        ],
        [
          crossEntropy({ ignoreIndex: 1 }),
          [
            [1, 0, 0],
            [0, 1, 0],
          ],
          ShapeError,
          /class ids \[N\] for an ignoreIndex/,
        ],
      ];
    for (const [loss, y, Failure, message] of cases) {
      const failure = await model
        .evaluate({ x, y: y as number[] }, { loss })
        .catch((error: unknown) => error);
      expect(failure, loss.kind).toBeInstanceOf(Failure);
      expect((failure as LstmError).message).toMatch(message);
    }
    const shared = { x: [[[1, 2, 3]]], y: [0] };
    await expect(
      model.evaluate({ ...shared, sampleWeights: [[1, 1]] }, { loss: 'crossEntropy' }),
    ).rejects.toThrow(ShapeError);
  });
});

describe('loss settings', () => {
  it.each([
    [() => huber({ delta: 0 }), 'huber.delta: expected a number above 0, received 0'],
    [
      () => quantile({ quantiles: [0.5, 1] }),
      'quantile.quantiles[1]: expected a number between 0 and 1, received 1',
    ],
    [() => quantile({ quantiles: [] }), 'quantile.quantiles: expected at least one quantile'],
    [() => quantile({ quantiles: [0.9, 0.1] }), 'quantile.quantiles: expected quantiles that rise'],
    [
      () => crossEntropy({ labelSmoothing: 1 }),
      'crossEntropy.labelSmoothing: expected a number from 0 to less than 1',
    ],
    [
      () => crossEntropy({ classWeights: [1, -1] }),
      'crossEntropy.classWeights[1]: expected a number from 0, received -1',
    ],
    [() => crossEntropy({ ignoreIndex: 0.5 }), 'crossEntropy.ignoreIndex: expected a whole number'],
    [() => crossEntropy({ smoothing: 0.1 } as object), "crossEntropy: no setting 'smoothing'"],
  ])('out of their range are refused: %#', (make, message) => {
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
  });
});
