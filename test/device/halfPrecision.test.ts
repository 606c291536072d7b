import { tmpdir } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  adam,
  dense,
  embedding,
  loadModel,
  lstm,
  pool,
  sequential,
  sgd,
  type DeviceOptions,
} from '../../src/index.js';
import { caseTable } from '../support/caseTable.js';
import { assertClose } from '../support/compare.js';
import { cuda, noCuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { passOf } from '../support/lstmPass.js';
import { halfTolerance } from '../support/tolerances.js';

// Every 25th case that is quick where loops are plain, and no clip, whose derivative jumps.
const cases = caseTable()
  .filter(({ clip, timeSteps, hiddenSize }) => !clip && timeSteps <= 64 && hiddenSize <= 64)
  .filter((_, index) => index % 25 === 0);

const draws = new Draws('half precision');
const [N, T] = [6, 5];
const tokens = { data: Int32Array.from(draws.integers(N * T, 0, 12)), shape: [N, T] };
const classes = [...draws.integers(N, 0, 3)];

function classifier(options: DeviceOptions) {
  return sequential(
    [
      embedding({ vocabSize: 12, size: 8 }),
      lstm({ hiddenSize: 10, numLayers: 2, dropout: 0.2, returnSequences: false }),
      dense({ units: 3, activation: 'softmax' }),
    ],
    { ...options, seed: 4 },
  );
}

// y = mean of x, so that targets decide the gradients' size.
function line(options: DeviceOptions) {
  return sequential([pool({ mode: 'mean' }), dense({ units: 1 })], { ...options, inputSize: 1 });
}

const folder = await mkdtemp(join(tmpdir(), 'cudnn-lstm-half-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(cuda === undefined).each(['fp16', 'bf16'] as const)(
  `%s on ${cuda?.name ?? `cuda (skipped: ${noCuda})`}`,
  (precision) => {
    const options = { ...cuda?.options, precision };
    const unit = precision === 'fp16' ? 2 ** -11 : 2 ** -8;

    it.each(cases)('LSTM $id agrees with float32 on the CPU within its rounding', async (given) => {
      const wanted = await passOf(given, { device: 'cpu', threads: 1 });
      const actual = await passOf(given, options);
      for (const pass of ['forward', 'backward'] as const) {
        const tolerance = halfTolerance[precision][pass](given);
        for (const [name, values] of Object.entries(wanted[pass])) {
          assertClose(actual[pass][name]!, values, { name, tolerance });
        }
      }
    });

    it('is told by the device, and weights stay float32', async () => {
      await using model = await classifier(options);
      expect(model.device).toMatchObject({ kind: 'cuda', precision });
      const weights = Object.entries(await model.getWeights());
      const [name, { shape }] = weights.find(([, tensor]) => tensor.data.length === 30)!;
      const value = 1 + 2 ** -20;
      await model.setWeights(
        { [name]: { data: new Float32Array(30).fill(value), shape } },
        { strict: false },
      );
      expect((await model.getWeights())[name]!.data[0]).toBe(value);
    });

    it('trains as float32 does, within its rounding, dropout on', async () => {
      const losses = async (where: DeviceOptions) => {
        await using model = await classifier(where);
        const optimizer = adam({ learningRate: 0.01, clip: { globalNorm: 1 } });
        const seen: number[] = [];
        for (let k = 0; k < 12; k++) {
          const { loss } = await model.trainStep(
            { x: tokens, y: classes },
            { loss: 'crossEntropy', optimizer },
          );
          seen.push(loss);
        }
        return seen;
      };
      const [wanted, actual] = [await losses({ device: 'cpu', threads: 1 }), await losses(options)];
      // A unit of every layer's result, and twelve steps that each start from what the last one made of it.
      assertClose(actual, wanted, { name: 'losses', tolerance: 12 * unit });
      expect(actual).not.toEqual(wanted);
    });
  },
);

describe.skipIf(cuda === undefined)(`fp16's loss scale (skipped without CUDA: ${noCuda})`, () => {
  const options = { ...cuda?.options, precision: 'fp16' } as const;
  const step = { loss: 'mse', optimizer: sgd({ learningRate: 1e-3 }) } as const;
  const x = [[[1]], [[1]]];

  it('halves after a step whose gradients overflow, which changes nothing and is no error', async () => {
    await using model = await line(options);
    const before = await model.getWeights();
    // 2 · (1e3 - y) / 2 · scale is beyond 65504 until the scale is 64, y being a number around 1.
    for (let scale = 65536; scale > 64; scale /= 2) {
      const result = await model.trainStep({ x, y: [[1e3], [1e3]] }, step);
      expect(result).toMatchObject({ applied: false, step: 0, lossScale: scale });
    }
    expect(await model.getWeights()).toEqual(before);
    const result = await model.trainStep({ x, y: [[1e3], [1e3]] }, step);
    expect(result).toMatchObject({ applied: true, step: 1, lossScale: 64 });
  });

  it('lets fit go on, which counts the skipped steps', async () => {
    await using model = await line(options);
    const data = { x: [[[1]], [[1]], [[1]], [[1]]], y: [[0], [1e2], [0], [0]] };
    const history = await model.fit(data, {
      ...step,
      batchSize: 1,
      epochs: 3,
      shuffle: false,
      verbose: 'silent',
    });
    expect(history.skippedSteps).toBeGreaterThan(0);
    expect(history.steps + history.skippedSteps).toBe(12);
  });

  it('is in a checkpoint and goes with a model that moves, and the CPU has none', async () => {
    await using model = await line(options);
    for (let k = 0; k < 3; k++) await model.trainStep({ x, y: [[1e4], [1e4]] }, step);
    const path = join(folder, 'scaled.safetensors');
    await model.save(path);
    const next = { x, y: [[0], [0]] };
    await using loaded = await loadModel(path, options);
    expect((await loaded.trainStep(next, step)).lossScale).toBe(8192);
    await using onCpu = await loadModel(path, { device: 'cpu' });
    expect((await onCpu.trainStep(next, step)).lossScale).toBe(1);
    await model.to({ ...options, rnnAlgorithm: 'standard' });
    expect((await model.trainStep(next, step)).lossScale).toBe(8192);
  });
});

describe.skipIf(cuda === undefined)(`dropoutImplementation 'cudnn' (skipped without CUDA: ${noCuda})`, () => {
  const options = { ...cuda?.options, dropoutImplementation: 'cudnn' } as const;
  const step = { loss: 'crossEntropy', optimizer: 'adam' } as const;

  it('starts from the weights of any device, and predicts alike', async () => {
    await using ours = await classifier({ device: 'cpu' });
    await using theirs = await classifier(options);
    expect(theirs.device).toMatchObject({ dropoutImplementation: 'cudnn' });
    expect(await theirs.getWeights()).toEqual(await ours.getWeights());
    const [wanted, actual] = [await ours.predict(tokens), await theirs.predict(tokens)];
    assertClose(actual.y.data, wanted.y.data, { name: 'y', tolerance: 1e-5 });
  });

  it('draws other masks than the CPU, the same for the same seed', async () => {
    const losses = async (where: DeviceOptions) => {
      await using model = await classifier(where);
      const seen: number[] = [];
      for (let k = 0; k < 3; k++) seen.push((await model.trainStep({ x: tokens, y: classes }, step)).loss);
      return seen;
    };
    const first = await losses({ ...options, rnnAlgorithm: 'standard' });
    expect(await losses({ ...options, rnnAlgorithm: 'standard' })).toEqual(first);
    expect(first).not.toEqual(await losses({ device: 'cpu' }));
  });

  it('a model moves to and fro with its weights and moments', async () => {
    await using model = await classifier(options);
    await model.trainStep({ x: tokens, y: classes }, step);
    const trained = await model.getWeights();
    await model.to('cpu');
    expect(await model.getWeights()).toEqual(trained);
    await model.to(options);
    expect(await model.getWeights()).toEqual(trained);
    expect((await model.trainStep({ x: tokens, y: classes }, step)).step).toBe(2);
  });
});
