import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AbortError,
  adam,
  batchOrder,
  type Callback,
  ConfigError,
  cosineDecay,
  DataError,
  dense,
  dropout,
  embedding,
  type Example,
  exampleStream,
  type ExampleStream,
  type FitOptions,
  type History,
  type Layer,
  learningRateMonitor,
  loadModel,
  lstm,
  type Model,
  modelCheckpoint,
  reduceOnPlateau,
  type Schedule,
  sequential,
  sgd,
  ShapeError,
  stepDecay,
  warmup,
} from '../../src/index.js';
import { dataOf } from '../support/arrays.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('example streams');
const count = 22;
const x = Array.from({ length: count }, () =>
  Array.from({ length: 2 + draws.integers(1, 0, 4)[0]! }, () => [...draws.uniform(2)]),
);
const y = Array.from(draws.integers(count, 0, 3));
const sampleWeights = Array.from(draws.uniform(count, 0.5, 2));
const examples: readonly Example[] = x.map((row, i) => ({
  x: row,
  y: y[i]!,
  sampleWeight: sampleWeights[i]!,
}));

const layers: readonly Layer[] = [
  lstm({ hiddenSize: 6, returnSequences: false }),
  dropout({ rate: 0.2 }),
  dense({ units: 3 }),
];
// Six batches an epoch.
const batchSize = 4;
const quiet = { loss: 'crossEntropy', verbose: 'silent' } as const;
const rowsInOrder = { ...quiet, batchSize, shuffle: false } as const;

/** A source that does not say how many there are. */
async function* uncounted(): AsyncGenerator<Example> {
  yield* examples;
}
const stream = () => exampleStream(() => uncounted(), { batchSize });

const comeTo = async (model: Model, history: History) => ({
  steps: history.steps,
  epochs: history.epochs.map(({ seconds: _seconds, ...record }) => record),
  weights: dataOf(await model.getWeights()),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examples-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(devices)('example streams on $name', ({ options: device }) => {
  const newModel = (some = layers) => sequential(some, { ...device, inputSize: 2, seed: 4 });

  const settings = {
    ...quiet,
    epochs: 3,
    metrics: ['accuracy'],
    optimizer: adam({ learningRate: 0.01 }),
  } as const;

  it.each<[string, ExampleStream]>([
    ['an array', exampleStream(examples, { batchSize })],
    ['a generator of unknown length', stream()],
  ])('train as the same rows in memory do: %s', async (_name, data) => {
    await using streamed = await newModel();
    await using held = await newModel();
    const validated = { ...settings, validationData: data };
    const history = await streamed.fit(data, validated);
    const memory = { x, y, sampleWeights };
    const wanted = await held.fit(memory, { ...rowsInOrder, ...settings, validationData: memory });
    expect(await comeTo(streamed, history)).toEqual(await comeTo(held, wanted));
    expect(history.epochs[0]!.valAccuracy).toBeGreaterThan(0);
  });

  it('are evaluated and predicted as the same rows in memory are', async () => {
    await using model = await newModel();
    const measured = { loss: 'crossEntropy', metrics: ['accuracy', 'rocAuc', 'confusionMatrix'] } as const;
    const held = await model.evaluate({ x, y, sampleWeights }, { ...measured, batchSize });
    expect(await model.evaluate(stream(), measured)).toEqual(held);
    expect(await model.predict(stream())).toEqual(await model.predict(x, { batchSize }));
    await using tagger = await newModel([lstm({ hiddenSize: 3 }), dense({ units: 2 })]);
    expect(await tagger.predict(stream())).toEqual(await tagger.predict(x, { batchSize }));
  });

  it('take targets by step, and token ids', async () => {
    await using model = await sequential(
      [embedding({ vocabSize: 5, size: 3 }), lstm({ hiddenSize: 4 }), dense({ units: 5 })],
      { ...device, seed: 4 },
    );
    const tokens = x.map((row, i) => row.map((_, t) => (i * 3 + t) % 5));
    const next = tokens.map((row) => row.map((id) => (id + 1) % 5));
    const data = exampleStream(
      tokens.map((row, i) => ({ x: row, y: next[i]! })),
      { batchSize },
    );
    const measured = { loss: 'crossEntropy' } as const;
    expect(await model.evaluate(data, measured)).toEqual(
      await model.evaluate({ x: tokens, y: next }, { ...measured, batchSize }),
    );
  });

  it('are resumed bit for bit from a file in mid-epoch, in every epoch', async () => {
    const shuffled = () => exampleStream(() => uncounted(), { batchSize, shuffleBuffer: 9, seed: 3 });
    await using model = await newModel();
    const paths: string[] = [];
    const saving: Callback = {
      onBatchEnd: async ({ epoch, batch }, control) => {
        if ((batch + epoch) % 3 !== 0) return;
        paths.push(join(folder, `${epoch}-${batch}.safetensors`));
        await control.save(paths.at(-1)!);
      },
    };
    const history = await model.fit(shuffled(), { ...settings, callbacks: [saving] });
    const wanted = await comeTo(model, history);
    expect(paths).toHaveLength(6);
    for (const path of paths) {
      await using loaded = await loadModel(path, device);
      const rest = await loaded.fit(shuffled(), { ...settings, resume: true });
      expect(await comeTo(loaded, rest), path).toEqual(wanted);
    }
  });

  it('that throw in mid-epoch pass their error on; the model is usable and goes on where it was', async () => {
    await using straight = await newModel();
    const wanted = await comeTo(straight, await straight.fit(stream(), settings));
    await using model = await newModel();
    const mine = new RangeError('the disk is gone');
    let reads = 0;
    const failing = exampleStream(
      async function* () {
        for await (const one of uncounted()) {
          // The fourth batch of the second epoch.
          if (++reads === count + 15) throw mine;
          yield one;
        }
      },
      { batchSize },
    );
    const failure: unknown = await model.fit(failing, settings).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DataError);
    expect((failure as Error).message).toMatch(/^data: batch 4 of epoch 2: .*the disk is gone/);
    expect(failure).toMatchObject({ details: { epoch: 2, batch: 4 } });
    let cause = (failure as Error).cause as Error;
    while (cause !== mine && cause.cause !== undefined) cause = cause.cause as Error;
    expect(cause).toBe(mine);
    await model.predict(x);
    expect(await comeTo(model, await model.fit(stream(), { ...settings, resume: true }))).toEqual(wanted);
  });
});

describe('example streams', () => {
  const device = { device: 'cpu', threads: 1 } as const;
  const newModel = () => sequential(layers, { ...device, inputSize: 2, seed: 4 });

  /** One that notes what is read and whether it was closed. */
  function observed({ hangsAt = Infinity } = {}) {
    const log = { read: 0, closed: 0 };
    const data: ExampleStream = {
      kind: 'examples',
      batchSize,
      async *open(_epoch, from = 0) {
        try {
          for (let k = from; k < 100; k++) {
            if (k === hangsAt) await new Promise(() => {});
            log.read++;
            yield examples.slice(0, batchSize);
          }
        } finally {
          log.closed++;
        }
      },
    };
    return { data, log };
  }

  it.each([1, 4])(
    'are read %d batches ahead of those under way, and closed when training stops',
    async (prefetch) => {
      await using model = await newModel();
      const { data, log } = observed();
      const ahead: number[] = [];
      const stop: Callback = {
        async onBatchEnd({ batch }, control) {
          await sleep(5);
          ahead.push(log.read - batch);
          if (batch === 10) control.stop();
        },
      };
      await model.fit(data, { ...quiet, prefetch, callbacks: [stop] });
      // One batch is computed meanwhile.
      expect(Math.max(...ahead)).toBe(1 + prefetch);
      expect(log.closed).toBe(1);
    },
  );

  it('that give nothing any more do not hold up an abort', async () => {
    await using model = await newModel();
    const { data } = observed({ hangsAt: 3 });
    const abort = new AbortController();
    const fitting = model.fit(data, { ...quiet, signal: abort.signal });
    const evaluating = model
      .evaluate(data, { loss: 'mse', signal: abort.signal })
      .catch((error: unknown) => error);
    const predicting = model.predict(data, { signal: abort.signal });
    predicting.catch(() => {});
    await sleep(50);
    abort.abort();
    await expect(fitting).rejects.toThrow(AbortError);
    await expect(predicting).rejects.toThrow(AbortError);
    await evaluating;
    await model.predict(x);
  });

  it('that do not count tell callbacks how many batches there are once an epoch has ended', async () => {
    await using model = await newModel();
    const seen: (number | undefined)[] = [];
    const watch: Callback = {
      onTrainBegin: ({ batchesPerEpoch }) => void seen.push(batchesPerEpoch),
      onBatchEnd: ({ batch, batches }) => void (batch === 1 && seen.push(batches)),
    };
    await model.fit(stream(), { ...quiet, epochs: 3, callbacks: [watch] });
    expect(seen).toEqual([undefined, undefined, 6, 6]);
  });

  const perEpoch = stepDecay({ initial: 1, every: 1, factor: 0.5 });
  it.each<[string, Schedule]>([
    ['as long as the run', cosineDecay({ initial: 0.1 })],
    ['a warm-up that counts epochs', warmup({ length: 1, per: 'epoch', learningRate: 0.1 })],
    ['a warm-up before epochs', warmup({ length: 2, learningRate: perEpoch })],
  ])('need stepsPerEpoch for a schedule that depends on it: %s', async (_name, learningRate) => {
    await using model = await newModel();
    const run = { ...quiet, epochs: 2, optimizer: sgd({ learningRate }) };
    const failure = model.fit(stream(), run);
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(
      'fit.stepsPerEpoch: expected the batches of an epoch, as the rates of ' +
        `'${learningRate.kind}' depend on them and the data does not say, received undefined`,
    );
    const rates = async (data: ExampleStream, more: Partial<FitOptions>) => {
      await using own = await newModel();
      const monitor = learningRateMonitor();
      await own.fit(data, { ...run, ...more, callbacks: [monitor] });
      return monitor.points;
    };
    expect(await rates(stream(), { stepsPerEpoch: 6 })).toEqual(
      await rates(exampleStream(examples, { batchSize }), {}),
    );
  });

  it('follow schedules that count epochs or watch them without it', async () => {
    await using model = await newModel();
    const { epochs } = await model.fit(stream(), {
      ...quiet,
      epochs: 3,
      optimizer: sgd({ learningRate: perEpoch }),
    });
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([1, 0.5, 0.25]);
    const watching = reduceOnPlateau({
      initial: 1,
      monitor: 'loss',
      patience: 0,
      threshold: 1e6,
      factor: 0.5,
    });
    const watched = await model.fit(stream(), {
      ...quiet,
      epochs: 3,
      optimizer: sgd({ learningRate: watching }),
    });
    expect(watched.epochs.map(({ learningRate }) => learningRate)).toEqual([1, 1, 0.5]);
  });

  it('are searched for a learning rate, epoch after epoch', async () => {
    await using model = await newModel();
    const search = { loss: 'crossEntropy', optimizer: 'sgd', steps: 20, divergence: 1e9 } as const;
    const { points } = await model.findLearningRate(stream(), search);
    expect(points).toHaveLength(20);
    // Counted or not, the batches are the same.
    const counted = exampleStream(examples, { batchSize });
    expect((await model.findLearningRate(counted, search)).points).toEqual(points);
  });

  it.each<[string, Partial<FitOptions>, string]>([
    ['a validation split', { validationSplit: 0.1 }, 'fit.validationSplit: expected none for a stream'],
    [
      'another batch size',
      { batchSize: 5 },
      "fit.batchSize: expected none or 4, the stream's own, received 5",
    ],
    ['buckets', { bucketByLength: true }, 'fit.bucketByLength: expected false for a stream'],
    ['balance', { sampling: 'balanced' }, "fit.sampling: expected 'natural' for a stream"],
    [
      'another number of steps',
      { stepsPerEpoch: 5 },
      'fit.stepsPerEpoch: expected none or 6, the batches of the data',
    ],
    ['no batch ahead', { prefetch: 0 }, 'fit.prefetch: expected a whole number from 1'],
  ])('refuse %s', async (_name, wrong, message) => {
    await using model = await newModel();
    const failure = model.fit(exampleStream(examples, { batchSize }), { ...quiet, ...wrong });
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(message);
  });

  it('name the batch whose examples do not fit the model', async () => {
    await using model = await newModel();
    const wrong = examples.map((one, i) => (i === 9 ? { ...one, x: [[1, 2, 3]] } : one));
    const failure = model.fit(exampleStream(wrong, { batchSize }), quiet);
    await expect(failure).rejects.toThrow(ShapeError);
    await expect(failure).rejects.toThrow(
      'data: batch 3 of epoch 1: x row 1, step 0: expected 2 numbers, received 3',
    );
    const outside = examples.map((one, i) => (i === 9 ? { ...one, y: 3 } : one));
    await expect(
      model.evaluate(exampleStream(outside, { batchSize }), { loss: 'crossEntropy' }),
    ).rejects.toThrow('data: batch 3 of epoch 1: y row 1: expected a class id from 0 to 2, received 3');
  });

  it('without a batch, without open and with settings of sequences are refused', async () => {
    await using model = await newModel();
    const empty: ExampleStream = { kind: 'examples', batchSize, async *open() {} };
    await expect(model.fit(empty, quiet)).rejects.toThrow(
      'data: expected at least one batch in epoch 1, received none',
    );
    await expect(model.evaluate(empty, { loss: 'crossEntropy' })).rejects.toThrow(DataError);
    await expect(model.predict(empty)).rejects.toThrow(DataError);
    await expect(model.fit({ kind: 'examples', batchSize } as never, quiet)).rejects.toThrow(ShapeError);
    await expect(model.predict(stream(), { returnStates: true })).rejects.toThrow(
      'predict.returnStates: expected none for an example stream, received true',
    );
    await expect(model.predict(stream(), { batchSize: 3 })).rejects.toThrow(
      "predict.batchSize: expected none or 4, the stream's own, received 3",
    );
  });
});

describe('the order of rows in memory', () => {
  const device = { device: 'cpu', threads: 1 } as const;
  const plain = [lstm({ hiddenSize: 6, returnSequences: false }), dense({ units: 3 })];
  const newModel = () => sequential(plain, { ...device, inputSize: 2, seed: 4 });
  const lengths = x.map((row) => row.length);

  it.each([
    { bucketByLength: true },
    { bucketByLength: true, shuffle: false },
    { sampling: 'balanced' },
    { sampling: 'balanced', bucketByLength: true, dropLast: true },
  ] as const)('is that of batchOrder: %o', async (order) => {
    await using fitted = await newModel();
    await using stepped = await newModel();
    const optimizer = sgd({ learningRate: 0.1 });
    await fitted.fit({ x, y }, { ...quiet, batchSize, epochs: 2, seed: 8, optimizer, ...order });
    for (const epoch of [0, 1]) {
      for (const rows of batchOrder(lengths, y, { batchSize, shuffle: true, seed: 8, epoch, ...order })) {
        const batch = { x: [...rows].map((row) => x[row]!), y: [...rows].map((row) => y[row]!) };
        await stepped.trainStep(batch, { loss: 'crossEntropy', optimizer });
      }
    }
    expect(await fitted.getWeights()).toEqual(await stepped.getWeights());
  });

  it('is resumed in mid-epoch', async () => {
    const path = join(folder, 'order.safetensors');
    const run = { ...quiet, batchSize, epochs: 2, sampling: 'balanced', bucketByLength: true } as const;
    await using model = await newModel();
    await model.fit({ x, y }, { ...run, callbacks: [modelCheckpoint({ path, everySteps: 8 })] });
    await using resumed = await loadModel(path, device);
    await resumed.fit({ x, y }, { ...run, resume: true });
    expect(await resumed.getWeights()).toEqual(await model.getWeights());
    await using other = await loadModel(path, device);
    await expect(other.fit({ x, y }, { ...run, sampling: 'natural', resume: true })).rejects.toThrow(
      "fit.sampling: expected 'balanced'",
    );
  });

  it('is balanced for one sigmoid output as well, and refused where targets are no classes', async () => {
    await using model = await sequential(
      [lstm({ hiddenSize: 3, returnSequences: false }), dense({ units: 1 })],
      {
        ...device,
        inputSize: 2,
      },
    );
    const rare = y.map((_, i) => Number(i === 5));
    const balanced = { verbose: 'silent', batchSize, sampling: 'balanced', metrics: ['accuracy'] } as const;
    // Of 22 draws 11 are of the one row of class 1: a model that always says 0 is right half of the time.
    await model.setWeights({ 'fc.weight': [[0, 0, 0]], 'fc.bias': [-50] });
    const still = { ...balanced, loss: 'binaryCrossEntropy', optimizer: sgd({ learningRate: 0 }) } as const;
    const { epochs } = await model.fit({ x, y: rare }, still);
    expect(epochs[0]!.accuracy).toBe(0.5);
    const failure = model.fit({ x, y: rare }, { ...balanced, loss: 'mse', metrics: [] });
    await expect(failure).rejects.toThrow("sampling: expected 'natural' where the targets are no class ids");
  });
});
