import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  adam,
  characterVocabulary,
  CheckpointError,
  dense,
  dropout,
  embedding,
  loadModel,
  lstm,
  type Model,
  sequential,
} from '../../src/index.js';

const device = { device: 'cpu', threads: 2 } as const;
const step = {
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: 0.01, clip: { globalNorm: 1 } }),
} as const;
const vocabulary = characterVocabulary('abcde');
const batch = {
  x: [
    [1, 2, 3, 4],
    [5, 4],
    [3, 3, 3],
  ],
  y: [1, 0, 2],
};

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

// Tensors of odd sizes, so that blocks in the device's memory have gaps between them.
function newModel(hiddenSize = 9): Promise<Model> {
  return sequential(
    [
      embedding({ vocabSize: vocabulary.size, size: 5 }),
      lstm({ hiddenSize, projectionSize: 5, cellClip: 0.5, numLayers: 2, dropout: 0.2 }),
      lstm({ hiddenSize, numLayers: 2, bidirectional: true, dropout: 0.3, returnSequences: false }),
      dropout({ rate: 0.5 }),
      dense({ units: 3 }),
    ],
    { ...device, seed: 11, vocabulary },
  );
}

async function train(model: Model, steps: number): Promise<number[]> {
  const losses: number[] = [];
  for (let k = 0; k < steps; k++) losses.push((await model.trainStep(batch, step)).loss);
  return losses;
}

describe('a saved model', () => {
  it('comes back with the same config, vocabulary, weights and predictions', async () => {
    await using model = await newModel();
    await train(model, 3);
    await model.save(path);
    await using loaded = await loadModel(path, device);
    expect(loaded.config).toEqual(model.config);
    expect(loaded.vocabulary?.tokens).toEqual(vocabulary.tokens);
    expect(await loaded.getWeights()).toEqual(await model.getWeights());
    expect(await loaded.predict(batch.x)).toEqual(await model.predict(batch.x));
  });

  it('trains on bit for bit, dropout and moments included', async () => {
    await using straight = await newModel();
    const expected = await train(straight, 8);

    await using first = await newModel();
    const losses = await train(first, 4);
    await first.save(path);
    await using resumed = await loadModel(path, device);
    losses.push(...(await train(resumed, 4)));

    expect(losses).toEqual(expected);
    expect(await resumed.getWeights()).toEqual(await straight.getWeights());
  });

  it('keeps carried states, the h of a projection among them', async () => {
    const layers = [
      embedding({ vocabSize: 6, size: 3 }),
      lstm({ hiddenSize: 4, projectionSize: 2 }),
      lstm({ hiddenSize: 3 }),
      dense({ units: 6, activation: 'softmax' }),
    ];
    const carrying = { x: [[1, 2, 3]], y: [[2, 3, 4]], carryStates: true };
    await using straight = await sequential(layers, device);
    await straight.trainStep(carrying, step);
    await straight.save(path);
    const next = async (reset: boolean) => {
      await using resumed = await loadModel(path, device);
      if (reset) await resumed.resetStates();
      return (await resumed.trainStep(carrying, step)).loss;
    };
    const expected = (await straight.trainStep(carrying, step)).loss;
    expect(await next(false)).toBe(expected);
    expect(await next(true)).not.toBe(expected);
  });

  it('can leave the optimiser out, which makes the file a third as large', async () => {
    await using model = await newModel();
    await train(model, 1);
    await model.save(path);
    const whole = (await readFile(path)).length;
    await model.save(path, { includeOptimizer: false });
    const parameterBytes = model.parameterCount * 4;
    expect(whole - (await readFile(path)).length).toBeGreaterThanOrEqual(2 * parameterBytes);
    await using loaded = await loadModel(path, device);
    expect(await loaded.predict(batch.x)).toEqual(await model.predict(batch.x));
  });

  it('is not loaded when it was altered', async () => {
    await using model = await newModel();
    await model.save(path);
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    await expect(loadModel(path, device)).rejects.toThrow(CheckpointError);
  });

  it('is not loaded when it was cut short', async () => {
    await using model = await newModel();
    await model.save(path);
    await writeFile(path, (await readFile(path)).subarray(0, -100));
    await expect(loadModel(path, device)).rejects.toThrow(CheckpointError);
  });

  it('is not loaded from a file of another kind', async () => {
    await writeFile(path, 'PK\u0003\u0004 what torch.save writes is a zip archive');
    await expect(loadModel(path, device)).rejects.toThrow(CheckpointError);
  });
});
