import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import {
  adagrad,
  adam,
  dense,
  embedding,
  loadModel,
  lstm,
  rmsprop,
  sequential,
  sgd,
  type Model,
  type Optimizer,
} from '../../src/index.js';
import { dataOf, toTensor } from '../support/arrays.js';
import { assertClose } from '../support/compare.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { deviceTolerance } from '../support/tolerances.js';

const folder = mkdtempSync(join(tmpdir(), 'cudnn-lstm-optimizers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [T, CHANNELS] = [4, 3];
const draws = new Draws('optimizers');
const rows = (count: number) => ({
  x: draws.uniform(count * T * CHANNELS),
  y: draws.uniform(count * 2),
  count,
});
const data = rows(6);
const part = (from: number, to: number) => ({
  x: toTensor(data.x.slice(from * T * CHANNELS, to * T * CHANNELS), [to - from, T, CHANNELS]),
  y: toTensor(data.y.slice(from * 2, to * 2), [to - from, 2]),
});
const all = part(0, 6);
const layers = () => [lstm({ hiddenSize: 4, returnSequences: false }), dense({ units: 2 })];

/** One with every array of state, and one of each other kind. */
const OPTIMIZERS: readonly [string, Optimizer][] = [
  ['AMSGrad with an average', adam({ amsgrad: true, average: { kind: 'ema', decay: 0.9 } })],
  ['SGD', sgd()],
  ['SGD with momentum', sgd({ momentum: 0.9 })],
  ['centered RMSprop with momentum', rmsprop({ centered: true, momentum: 0.5 })],
  ['Adagrad', adagrad()],
];

describe.each(devices)('optimizers on $name', ({ options }) => {
  const make = (seed = 7) => sequential(layers(), { ...options, seed, inputSize: CHANNELS });
  const step = (model: Model, optimizer: Optimizer, batch = all) =>
    model.trainStep(batch, { loss: 'mse', optimizer });
  const weights = async (model: Model) => dataOf(await model.getWeights());

  it.each([
    ['mean', 1],
    ['sum', 3],
  ] as const)(
    'the %s of three batches is an update of all their rows, times %d',
    async (reduction, factor) => {
      await using whole = await make();
      await using parts = await make();
      for (let round = 0; round < 3; round++) {
        await step(whole, sgd({ learningRate: 0.1 * factor }));
        const optimizer = sgd({ learningRate: 0.1, accumulate: { passes: 3, reduction } });
        for (const from of [0, 2, 4]) {
          const before = await weights(parts);
          const { step: steps } = await step(parts, optimizer, part(from, from + 2));
          expect(steps).toBe(from === 4 ? round + 1 : round);
          const isSame = isDeepStrictEqual(await weights(parts), before);
          expect(isSame).toBe(from !== 4);
        }
        const [expected, actual] = [await weights(whole), await weights(parts)];
        for (const [name, values] of Object.entries(expected)) {
          assertClose(actual[name]!, Float64Array.from(values), { name, tolerance: deviceTolerance.update });
        }
      }
    },
  );

  it.each(OPTIMIZERS)(
    '%s: a step that is not finite changes nothing and is not counted',
    async (_, optimizer) => {
      await using spoilt = await make();
      await using clean = await make();
      const huge = toTensor(
        Float64Array.from(all.y.data, () => 3e38),
        all.y.shape,
      );
      for (let round = 0; round < 3; round++) {
        expect((await step(spoilt, optimizer)).step).toBe(round + 1);
        await step(clean, optimizer);
        await expect(step(spoilt, optimizer, { ...all, y: huge })).rejects.toMatchObject({
          code: 'ERR_NON_FINITE',
        });
      }
      expect(await weights(spoilt)).toEqual(await weights(clean));
    },
  );

  it.each(OPTIMIZERS)(
    '%s goes on bit for bit from a file, in the middle of an accumulation',
    async (_, base) => {
      const optimizer = { ...base, accumulate: { passes: 3, reduction: 'mean' } } as const;
      const path = join(folder, 'model.safetensors');
      await using model = await make();
      for (let i = 0; i < 5; i++) await step(model, optimizer);
      await model.save(path);
      await using loaded = await loadModel(path, options);
      for (let i = 0; i < 5; i++) {
        expect(await step(loaded, optimizer)).toEqual(await step(model, optimizer));
      }
      expect(await weights(loaded)).toEqual(await weights(model));
      if (base.average === undefined) return;
      const averaged = (one: Model) => one.withAveragedWeights(() => weights(one));
      expect(await averaged(loaded)).toEqual(await averaged(model));
      expect(await averaged(loaded)).not.toEqual(await weights(model));
    },
  );

  it.each(OPTIMIZERS)('%s moves to another device with all its state', async (_, base) => {
    const optimizer = { ...base, accumulate: { passes: 2, reduction: 'mean' } } as const;
    await using model = await make();
    await using moved = await make();
    for (let i = 0; i < 3; i++) {
      await step(model, optimizer);
      await step(moved, optimizer);
    }
    await moved.to({ device: 'cpu', threads: 3 });
    await moved.to(options);
    for (let i = 0; i < 3; i++) await step(model, optimizer);
    for (let i = 0; i < 3; i++) await step(moved, optimizer);
    expect(await weights(moved)).toEqual(await weights(model));
  });

  it('another kind of optimizer is refused until the state is reset, and then starts anew', async () => {
    const path = join(folder, 'kinds.safetensors');
    await using model = await make();
    await step(model, adam());
    await expect(step(model, sgd({ momentum: 0.9 }))).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message:
        'optimizer: expected adam, whose state the model holds, received sgd with momentum; resetOptimizer() starts anew',
    });
    await step(model, adam({ learningRate: 0.5, clip: { globalNorm: 1 }, weightDecay: 0.1 }));
    await model.save(path);
    await using loaded = await loadModel(path, options);
    await expect(step(loaded, adam({ amsgrad: true }))).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    await loaded.resetOptimizer();
    await using fresh = await make();
    await fresh.setWeights(await loaded.getWeights());
    expect((await step(loaded, rmsprop())).step).toBe(1);
    await step(fresh, rmsprop());
    expect(await weights(loaded)).toEqual(await weights(fresh));
  });

  it('keeps only the arrays that an optimizer needs: bytes of a parameter', async () => {
    const bytes: Record<string, number> = {};
    for (const [name, optimizer] of OPTIMIZERS) {
      await using model = await make();
      const before = model.memory().parameterBytes;
      await step(model, optimizer);
      bytes[name] = (model.memory().parameterBytes - before) / (before / 2);
    }
    expect(bytes).toEqual({
      'AMSGrad with an average': 4,
      SGD: 0,
      'SGD with momentum': 1,
      'centered RMSprop with momentum': 3,
      Adagrad: 1,
    });
  });

  it('gradient noise has the variance that it is given, and is a draw of the seed and the step', async () => {
    const noisy = sgd({ learningRate: 1, gradientNoise: { eta: 0.25, gamma: 2 } });
    const wide = (seed: number) =>
      sequential([embedding({ vocabSize: 500, size: 40 }), lstm({ hiddenSize: 2 }), dense({ units: 1 })], {
        ...options,
        seed,
      });
    const batch = { x: [[1, 2]], y: toTensor(new Float64Array(2), [1, 2, 1]) };
    const moves: Float32Array[] = [];
    for (const seed of [3, 3, 4]) {
      await using model = await wide(seed);
      for (let i = 0; i < 2; i++) {
        const { 'embedding.weight': before } = await weights(model);
        await model.trainStep(batch, { loss: 'mse', optimizer: noisy });
        const { 'embedding.weight': after } = await weights(model);
        moves.push(after!.map((value, k) => value - before![k]!));
      }
    }
    const variance = (values: Float32Array) => values.reduce((sum, x) => sum + x * x, 0) / values.length;
    // Five standard deviations of a mean of 20,000 squares.
    const slack = 5 * Math.sqrt(2 / 20_000);
    expect(Math.abs(variance(moves[0]!) / 0.25 - 1)).toBeLessThan(slack);
    expect(Math.abs(variance(moves[1]!) / (0.25 / 4) - 1)).toBeLessThan(slack);
    expect(moves[2]).toEqual(moves[0]);
    expect(moves[4]).not.toEqual(moves[0]);
    expect(moves[1]!.map((x) => 2 * x)).not.toEqual(moves[0]);
  });

  it('fit begins the mean of NT-ASGD once validation stops improving, and validates by it', async () => {
    const training = {
      loss: 'mse',
      epochs: 12,
      batchSize: 2,
      verbose: 'silent',
      validationData: all,
    } as const;
    await using model = await make();
    // A rate at which the loss soon goes up and down.
    const optimizer = sgd({ learningRate: 0.8, average: { kind: 'ntAsgd', interval: 2 } });
    const { epochs } = await model.fit(all, { ...training, optimizer });
    const losses = epochs.map(({ valLoss }) => valLoss!);
    const begun = losses.findIndex((loss, k) => k > 2 && loss > Math.min(...losses.slice(0, k - 2)));
    expect(begun).toBeGreaterThan(0);
    expect(begun).toBeLessThan(11);
    const averaged = await model.withAveragedWeights(() => model.evaluate(all, { loss: 'mse' }));
    expect(averaged.loss).toBe(losses.at(-1));
    expect((await model.evaluate(all, { loss: 'mse' })).loss).not.toBe(losses.at(-1));
    await expect(model.fit(all, { loss: 'mse', optimizer, verbose: 'silent' })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
    });
  });

  it('there is no average before an update has made one', async () => {
    await using model = await make();
    await step(model, adam());
    await expect(model.withAveragedWeights(async () => 1)).rejects.toMatchObject({ code: 'ERR_STATE' });
  });
});
