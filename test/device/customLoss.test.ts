import { describe, expect, it } from 'vitest';
import {
  adam,
  ConfigError,
  customLoss,
  dense,
  lstm,
  NonFiniteError,
  sequential,
  ShapeError,
  type CustomLoss,
  type CustomLossBatch,
  type LabelledData,
  type Model,
} from '../../src/index.js';
import { assertClose } from '../support/compare.js';
import { devices, type TestDevice } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { deviceTolerance } from '../support/tolerances.js';

/** Mean squared error as the built-in loss reduces it, weights and lengths included. */
const squares: CustomLoss = customLoss({
  name: 'squares',
  compute({ predictions, targets, lengths, sampleWeights, rows }: CustomLossBatch) {
    const [, steps, width] = predictions.shape as [number, number, number];
    const gradient = new Float32Array(predictions.data.length).fill(1e9); // beyond a length nobody looks
    let loss = 0;
    lengths.forEach((length, n) => {
      for (let i = n * steps * width; i < (n * steps + length) * width; i++) {
        const d = predictions.data[i]! - targets.data[i]!;
        const weight = sampleWeights?.data[n] ?? 1;
        loss += (weight * d * d) / (rows * width);
        gradient[i] = (2 * weight * d) / (rows * width);
      }
    });
    return { loss, gradient };
  },
});

const draws = new Draws('custom loss');
const lengths = [5, 2, 4, 1, 3];
const sequencesOf = (width: number) =>
  lengths.map((length) => Array.from({ length }, () => Array.from(draws.uniform(width))));
const data: LabelledData = {
  x: sequencesOf(3),
  y: sequencesOf(2),
  sampleWeights: [1, 0.5, 2, 0, 3],
};

const create = (options: TestDevice['options']): Promise<Model> =>
  sequential([lstm({ hiddenSize: 4 }), dense({ units: 2 })], { ...options, inputSize: 3, seed: 5 });

describe.each(devices)('a custom loss on $name', ({ options }) => {
  it('trains as the same built-in loss does, over unequal lengths, weights and epochs', async () => {
    await using ours = await create(options);
    await using builtIn = await create(options);
    const settings = { epochs: 3, batchSize: 2, optimizer: 'adam', verbose: 'silent' } as const;
    const metrics = ['mae', 'r2'] as const;
    const fitted = await ours.fit(data, { ...settings, loss: squares, metrics });
    const wanted = await builtIn.fit(data, { ...settings, loss: 'mse', metrics });
    for (const [i, epoch] of wanted.epochs.entries()) {
      const { loss, mae, r2 } = fitted.epochs[i]!;
      assertClose([loss, mae!, r2!], [epoch.loss, epoch.mae!, epoch.r2!], {
        name: `epoch ${i}`,
        tolerance: deviceTolerance.training,
      });
    }
    const [a, b] = [await ours.getWeights(), await builtIn.getWeights()];
    for (const [name, { data: weights }] of Object.entries(b)) {
      assertClose(a[name]!.data, weights, { name, tolerance: deviceTolerance.trainedByAdam });
    }
    const evaluated = await ours.evaluate(data, { batchSize: 3 });
    const same = await builtIn.evaluate(data, { batchSize: 3 });
    assertClose([evaluated.loss, evaluated.mae!], [same.loss, same.mae!], {
      name: 'evaluation',
      tolerance: deviceTolerance.training,
    });
  });

  it('keeps its two passes together while the model is asked for predictions', async () => {
    await using alone = await create(options);
    await using disturbed = await create(options);
    const settings = { loss: squares, epochs: 4, batchSize: 2, verbose: 'silent' } as const;
    await alone.fit(data, settings);
    const training = disturbed.fit(data, settings);
    const asking = Array.from({ length: 20 }, async (_, k) => {
      for (let turn = 0; turn < k; turn++) await Promise.resolve();
      await disturbed.predict(data.x);
      await disturbed.evaluate(data, { loss: 'mse' });
    });
    await Promise.all([training, ...asking]);
    expect(await disturbed.getWeights()).toEqual(await alone.getWeights());
  });

  it('may take its time', async () => {
    const slow = customLoss({
      compute: async (batch) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return squares.compute(batch);
      },
    });
    await using model = await create(options);
    const { loss } = await model.trainStep(data, { loss: slow, optimizer: 'sgd' });
    await using other = await create(options);
    expect(loss).toBe((await other.trainStep(data, { loss: squares, optimizer: 'sgd' })).loss);
  });

  it('that is not finite changes nothing', async () => {
    await using model = await create(options);
    const before = await model.getWeights();
    const bad = customLoss({ compute: async (batch) => ({ ...(await squares.compute(batch)), loss: NaN }) });
    await expect(model.trainStep(data, { loss: bad, optimizer: 'sgd' })).rejects.toThrow(NonFiniteError);
    expect(await model.getWeights()).toEqual(before);
    const infinite = customLoss({
      compute: ({ predictions }) => ({ loss: 1, gradient: predictions.data.map(() => Infinity) }),
    });
    await expect(model.trainStep(data, { loss: infinite, optimizer: 'sgd' })).rejects.toThrow(NonFiniteError);
    expect(await model.getWeights()).toEqual(before);
  });

  it('goes with no accumulation of gradients', async () => {
    await using model = await create(options);
    const step = model.trainStep(data, { loss: squares, optimizer: adam({ accumulate: 2 }) });
    await expect(step).rejects.toThrow(ConfigError);
    await expect(step).rejects.toThrow(
      "customLoss 'squares': expected an optimizer without accumulation beside a custom loss, received accumulate 2",
    );
  });

  it('that throws or gives the wrong thing ends the call, and the model goes on', async () => {
    await using model = await create(options);
    const step = (compute: CustomLoss['compute']) =>
      model.trainStep(data, { loss: customLoss({ compute, name: 'odd' }), optimizer: 'sgd' });
    const own = new Error('mine');
    await expect(
      step(() => {
        throw own;
      }),
    ).rejects.toBe(own);
    const empty = step(() => ({ loss: 0, gradient: new Float32Array(3) }));
    await expect(empty).rejects.toThrow(ShapeError);
    await expect(empty).rejects.toThrow(
      "customLoss 'odd': expected a gradient of 50 numbers, as predictions, received 3",
    );
    const nothing = step(() => undefined as never);
    await expect(nothing).rejects.toThrow(ConfigError);
    await expect(nothing).rejects.toThrow(
      'expected compute to give {loss: number, gradient: Float32Array}, received undefined',
    );
    expect((await model.trainStep(data, { loss: 'mse', optimizer: 'sgd' })).step).toBe(1);
  });

  it('ends with the model when it is disposed meanwhile', async () => {
    const model = await create(options);
    const waiting = customLoss({
      async compute(batch) {
        await model.dispose();
        return squares.compute(batch);
      },
    });
    await expect(model.trainStep(data, { loss: waiting, optimizer: 'sgd' })).rejects.toMatchObject({
      code: 'ERR_DISPOSED',
    });
  });

  it('is refused where only built-in losses can be', async () => {
    await using model = await create(options);
    await expect(model.gradients(data, { loss: squares as never })).rejects.toThrow(ConfigError);
    await expect(model.evaluate(data, { loss: squares, metrics: ['accuracy'] })).rejects.toThrow(
      /'accuracy' can be measured with/,
    );
    const wider = { x: data.x, y: sequencesOf(3) };
    await expect(model.evaluate(wider, { loss: squares, metrics: ['mae'] })).rejects.toThrow(
      /outputs' width 2/,
    );
    expect(() => customLoss({ compute: 3 as never })).toThrow(ConfigError);
    await expect(
      model.evaluate(data, { loss: { kind: 'custom', compute: squares.compute } as never }),
    ).rejects.toThrow(ConfigError);
  });
});
