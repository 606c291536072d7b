import { describe, expect, it } from 'vitest';
import {
  adam,
  ConfigError,
  dense,
  dropout,
  embedding,
  languageModelStream,
  lstm,
  sequential,
  type DeviceOptions,
} from '../../src/index.js';
import { acquireDevice } from '../../src/native/device.js';
import { dataOf } from '../support/arrays.js';
import { cuda, isRealGpu, noCuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';

// A training step replayed as a CUDA graph against the same step call by call: the kernels and their order are the
// same, so every bit is.
const draws = new Draws('cuda graphs');
const [N, T] = [16, 20];
// The stand-in's loops are slow under the sanitizers; ten steps still replay the graph of each of three batches.
const steps = process.env['CUDNN_LSTM_SANITIZED'] === undefined ? 24 : 10;
const optimizer = adam({ learningRate: 1e-3, clip: { globalNorm: 0.5 } });

/** Three batches: of one length, of every length, of other lengths with as many sequences. */
const batches = [0, 1, 2].map((k) => ({
  x: { data: Int32Array.from(draws.integers(N * T, 0, 40)), shape: [N, T] },
  y: [...draws.integers(N, 0, 5)],
  ...(k === 0 ? {} : { seqLengths: [...draws.integers(N, 1, T + 1)] }),
}));

async function statistics(options: DeviceOptions) {
  const { addon, handle } = await acquireDevice(options);
  return addon.stepStatistics(handle);
}

/** Losses, norms and weights; each step is awaited, or all are submitted at once. */
async function train(options: DeviceOptions, used: readonly number[], together: boolean) {
  await using model = await sequential(
    [
      embedding({ vocabSize: 40, size: 16 }),
      dropout({ rate: 0.2, sharedOverTime: true }),
      lstm({ hiddenSize: 32, numLayers: 2, dropout: 0.3, returnSequences: false }),
      dense({ units: 5, activation: 'softmax' }),
    ],
    { ...options, seed: 4 },
  );
  const step = (k: number) =>
    model.trainStep(batches[used[k % used.length]!]!, { loss: 'crossEntropy', optimizer });
  const results = [];
  if (together) results.push(...(await Promise.all(Array.from({ length: steps }, (_, k) => step(k)))));
  else for (let k = 0; k < steps; k++) results.push(await step(k));
  return { results, weights: dataOf(await model.getWeights()) };
}

const name = cuda?.name ?? `cuda (skipped: ${noCuda})`;
const algorithms = ['standard', 'persistStatic', 'persistDynamic', 'smallH'] as const;
const cases = algorithms.flatMap((rnnAlgorithm) =>
  // The others take sequences of one length alone.
  (rnnAlgorithm === 'standard' ? [[0], [1], [0, 1, 2]] : [[0]]).map((used) => ({ rnnAlgorithm, used })),
);

describe.skipIf(cuda === undefined)(`training steps as graphs on ${name}`, () => {
  it.each(cases)('have the bits of $rnnAlgorithm call by call, batches $used in turn', async (given) => {
    const { rnnAlgorithm, used } = given;
    const eager = { ...cuda!.options, rnnAlgorithm, graph: false };
    const graphs = { ...cuda!.options, rnnAlgorithm };
    const wanted = await train(eager, used, false).catch((error: unknown) => {
      if (rnnAlgorithm !== 'standard' && error instanceof ConfigError) return undefined; // the card refuses it
      throw error;
    });
    if (wanted === undefined) return;
    const before = await statistics(graphs);
    expect(await train(graphs, used, false)).toEqual(wanted);
    const after = await statistics(graphs);
    const recorded = after.recorded - before.recorded;
    expect(recorded).toBe(rnnAlgorithm === 'standard' ? used.length : recorded);
    expect(await train(graphs, used, true)).toEqual(wanted);
    expect((await statistics(graphs)).overlapped).toBeGreaterThan(after.overlapped);
  });

  it('are captured with every algorithm that the card has (on a GPU alone)', async ({ skip }) => {
    if (!isRealGpu) skip();
    const captured: Record<string, boolean> = {};
    for (const rnnAlgorithm of algorithms) {
      const graphs = { ...cuda!.options, rnnAlgorithm };
      const before = await statistics(graphs);
      const refused = await train(graphs, [0], false).then(
        () => false,
        (error: unknown) => error instanceof ConfigError,
      );
      if (!refused) captured[rnnAlgorithm] = (await statistics(graphs)).recorded > before.recorded;
    }
    expect(Object.values(captured), JSON.stringify(captured)).not.toContain(false);
  });

  it('carry states on the device as the host did', async () => {
    const tokens = [...draws.integers(2000, 0, 30)];
    const fit = async (options: DeviceOptions) => {
      await using model = await sequential(
        [embedding({ vocabSize: 30, size: 8 }), lstm({ hiddenSize: 24 }), dense({ units: 30 })],
        { ...options, rnnAlgorithm: 'standard', seed: 8 },
      );
      const stream = languageModelStream({ tokens, batchSize: 8, timeSteps: 10 });
      const settings = { loss: 'crossEntropy', optimizer, epochs: 3, verbose: 'silent' } as const;
      const history = await model.fit(stream, { ...settings, validationData: stream });
      return {
        losses: history.epochs.map(({ loss, valLoss }) => [loss, valLoss]),
        weights: dataOf(await model.getWeights()),
      };
    };
    expect(await fit(cuda!.options)).toEqual(await fit({ ...cuda!.options, graph: false }));
  });

  it('read their own batch though the next one is on its way: batches of 6 MB, submitted together', async () => {
    const [size, length, channels] = isRealGpu ? [64, 100, 240] : [8, 10, 240];
    const large = Array.from({ length: 6 }, (_, k) => ({
      x: {
        data: Float32Array.from(draws.uniform(size * length * channels)),
        shape: [size, length, channels],
      },
      y: Array.from({ length: size }, () => [k / 10]),
    }));
    const run = async (options: DeviceOptions, together: boolean) => {
      await using model = await sequential(
        [lstm({ hiddenSize: 16, returnSequences: false }), dense({ units: 1 })],
        { ...options, rnnAlgorithm: 'standard', inputSize: channels, seed: 9 },
      );
      const step = (k: number) => model.trainStep(large[k % 6]!, { loss: 'mse', optimizer });
      if (together) return await Promise.all(Array.from({ length: 12 }, (_, k) => step(k)));
      const results = [];
      for (let k = 0; k < 12; k++) results.push(await step(k));
      return results;
    };
    expect(await run(cuda!.options, true)).toEqual(await run({ ...cuda!.options, graph: false }, false));
  });
});
