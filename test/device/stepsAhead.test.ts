import { describe, expect, it } from 'vitest';
import {
  adam,
  dense,
  dropout,
  embedding,
  type DeviceOptions,
  languageModelStream,
  lstm,
  type NonFiniteError,
  sequential,
} from '../../src/index.js';
import { acquireDevice } from '../../src/native/device.js';
import { dataOf } from '../support/arrays.js';
import { cuda, noCuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';

// Training steps as CUDA graphs and two under way at a time, against the same steps call by call, each awaited. The
// bits are the same because the calls are.
const draws = new Draws('steps ahead');
const [count, T] = [44, 6];
const x = Array.from({ length: count }, () => [...draws.integers(T, 0, 12)]);
const seqLengths = [...draws.integers(count, 1, T + 1)];
const y = [...draws.integers(count, 0, 3)];
const tokens = [...draws.integers(300, 0, 12)];

const classifier = (options: DeviceOptions) =>
  sequential(
    [
      embedding({ vocabSize: 12, size: 5 }),
      lstm({ hiddenSize: 6, numLayers: 2, dropout: 0.3, returnSequences: false }),
      dropout({ rate: 0.2 }),
      dense({ units: 3, activation: 'softmax' }),
    ],
    { ...options, seed: 5 },
  );

const optimizer = adam({ learningRate: 0.01, clip: { globalNorm: 1 } });
const quiet = { loss: 'crossEntropy', optimizer, verbose: 'silent' } as const;

async function statistics(options: DeviceOptions) {
  const { addon, handle } = await acquireDevice(options);
  return addon.stepStatistics(handle);
}

/** What `train` gives on a device of these options, and the steps that it took there. */
async function counted<R>(options: DeviceOptions, train: (options: DeviceOptions) => Promise<R>) {
  const before = await statistics(options);
  const result = await train(options);
  const after = await statistics(options);
  const { eager, recorded, replayed, overlapped } = after;
  return {
    result,
    steps: {
      eager: eager - before.eager,
      recorded: recorded - before.recorded,
      replayed: replayed - before.replayed,
      overlapped: overlapped - before.overlapped,
    },
  };
}

describe.skipIf(cuda === undefined)(`steps of ${cuda?.name ?? `cuda (skipped: ${noCuda})`}`, () => {
  const graphs = { ...cuda?.options, rnnAlgorithm: 'standard' } as const;
  const eager = { ...graphs, graph: false } as const;

  it('are the same bits as graphs and call by call: epochs of shuffled batches with a short last one', async () => {
    const train = async (options: DeviceOptions) => {
      await using model = await classifier(options);
      const { epochs } = await model.fit({ x, y }, { ...quiet, epochs: 4, batchSize: 8 });
      return { losses: epochs.map(({ loss }) => loss), weights: dataOf(await model.getWeights()) };
    };
    const recorded = await counted(graphs, train);
    const wanted = await counted(eager, train);
    expect(recorded.result).toEqual(wanted.result);
    // Two shapes: the first step of each call by call, the second recorded, 24 steps in all.
    expect(recorded.steps).toMatchObject({ eager: 2, recorded: 2, replayed: 20 });
    expect(wanted.steps).toMatchObject({ eager: 24, recorded: 0, replayed: 0 });
  });

  it('are those of the CPU with sequences of every length', async () => {
    const train = async (options: DeviceOptions) => {
      await using model = await classifier(options);
      const { epochs } = await model.fit({ x, y, seqLengths }, { ...quiet, epochs: 3, batchSize: 11 });
      return epochs.map(({ loss }) => loss);
    };
    const wanted = await train({ device: 'cpu', threads: 1 });
    for (const [k, loss] of (await train(graphs)).entries()) expect(loss).toBeCloseTo(wanted[k]!, 4);
  });

  it('carry states on the device from step to step, and evaluations in between see them', async () => {
    const train = async (options: DeviceOptions) => {
      await using model = await sequential(
        [embedding({ vocabSize: 12, size: 4 }), lstm({ hiddenSize: 5 }), dense({ units: 12 })],
        { ...options, seed: 6 },
      );
      const stream = languageModelStream({ tokens, batchSize: 4, timeSteps: 5 });
      const history = await model.fit(stream, { ...quiet, epochs: 3, validationData: stream });
      return {
        losses: history.epochs.map(({ loss, valLoss }) => [loss, valLoss]),
        weights: dataOf(await model.getWeights()),
      };
    };
    const { result, steps } = await counted(graphs, train);
    expect(result).toEqual((await counted(eager, train)).result);
    expect(steps.replayed).toBeGreaterThan(20);
    const { losses } = await train({ device: 'cpu', threads: 1 });
    for (const [k, [loss, valLoss]] of losses.entries()) {
      expect(result.losses[k]![0]).toBeCloseTo(loss!, 4);
      expect(result.losses[k]![1]).toBeCloseTo(valLoss!, 4);
    }
  });

  const build = (options: DeviceOptions) =>
    sequential([lstm({ hiddenSize: 4, returnSequences: false }), dense({ units: 1 })], {
      ...options,
      inputSize: 1,
      seed: 7,
    });
  const batch = (k: number, target = k / 10) => ({ x: [[[k / 5], [1]]], y: [[target]] });
  const step = { loss: 'mse', optimizer } as const;

  it('submitted together are those that are awaited one by one, one that is not applied among them', async () => {
    const targets = [0.1, 0.2, 0.3, 3e38, 0.5, 0.6, 0.7];
    await using one = await build(eager);
    const outcome = (call: Promise<{ step: number }>) =>
      call.catch(({ code, details }: NonFiniteError) => ({ code, ...details }));
    const wanted = [];
    for (const [k, target] of targets.entries())
      wanted.push(await outcome(one.trainStep(batch(k, target), step)));
    expect(wanted.map((result) => ('code' in result ? result.code : result.step))).toEqual([
      1,
      2,
      3,
      'ERR_NON_FINITE',
      4,
      5,
      6,
    ]);
    await using all = await build(graphs);
    await using slow = await build(graphs);
    const { result, steps } = await counted(graphs, () => {
      // A step that takes far longer than it takes to submit the others, which are queued when it ends.
      const long = slow.trainStep(
        { x: { data: new Float32Array(40_000), shape: [4, 10_000, 1] }, y: [[0], [0], [0], [0]] },
        step,
      );
      const calls = targets.map((target, k) => outcome(all.trainStep(batch(k, target), step)));
      return Promise.all([long, ...calls]);
    });
    expect(result.slice(1)).toEqual(wanted);
    expect(steps.overlapped).toBe(targets.length);
    expect(await all.getWeights()).toEqual(await one.getWeights());
  });

  it('refused among others fail alone', async () => {
    await using model = await build(graphs);
    const steps = [0, 1, 2, 3].map((k) => model.trainStep(batch(k, k === 1 ? Number.NaN : k), step));
    const outcomes = await Promise.allSettled(steps);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'ERR_DATA' } });
    expect(await steps[3]).toMatchObject({ step: 3 });
  });

  it('are over before a call that was made behind them: it sees the parameters of all of them', async () => {
    await using model = await build(graphs);
    const early = [0, 1, 2].map((k) => model.trainStep(batch(k), step));
    const between = model.getWeights();
    const late = [3, 4].map((k) => model.trainStep(batch(k), step));
    await using other = await build(graphs);
    for (const k of [0, 1, 2]) await other.trainStep(batch(k), step);
    expect(await between).toEqual(await other.getWeights());
    await Promise.all([...early, ...late]);
    expect(await model.getWeights()).not.toEqual(await between);
  });

  it('end with DisposedError when the model is disposed of with steps under way', async () => {
    const model = await build(graphs);
    const steps = [0, 1, 2, 3, 4, 5].map((k) => model.trainStep(batch(k), step));
    const outcomes = Promise.allSettled(steps);
    await model.dispose();
    const failures = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of failures) expect(reason).toMatchObject({ code: 'ERR_DISPOSED' });
  });
});
