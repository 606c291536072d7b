import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AbortError,
  adam,
  backtracking,
  type Callback,
  ConfigError,
  csvLog,
  customLoss,
  dense,
  dropout,
  earlyStopping,
  embedding,
  type FitOptions,
  type History,
  l1,
  l2,
  languageModelStream,
  type Layer,
  learningRateMonitor,
  loadModel,
  lstm,
  type Model,
  modelCheckpoint,
  oneCycle,
  reduceOnPlateau,
  sequential,
  sgd,
  StateError,
  type TrainingData,
} from '../../src/index.js';
import { dataOf } from '../support/arrays.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

// A run that is interrupted and resumed from a file against the same run without a break: weights and history are equal
// bit for bit, wherever the file was written.

const draws = new Draws('resume');
const count = 23;
const x = Array.from({ length: count }, () =>
  Array.from({ length: 2 + draws.integers(1, 0, 4)[0]! }, () => [...draws.uniform(2)]),
);
const y = Array.from(draws.integers(count, 0, 3));
const binary = y.map((label) => Number(label > 0));
const tokens = [...draws.integers(260, 0, 9)];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'resume-'));
});
afterAll(() => rm(folder, { recursive: true }));

const classifier = (units: number): readonly Layer[] => [
  lstm({ hiddenSize: 5, numLayers: 2, dropout: 0.2, returnSequences: false }),
  dropout({ rate: 0.3 }),
  dense({ units }),
];
const reader: readonly Layer[] = [
  embedding({ vocabSize: 9, size: 4 }),
  lstm({ hiddenSize: 5 }),
  dense({ units: 9 }),
];

interface Case {
  readonly layers: readonly Layer[];
  readonly data: TrainingData;
  readonly options: () => FitOptions;
}

// Six batches of four an epoch, the last one of three; with a split five of 18 rows.
const common = { loss: 'crossEntropy', verbose: 'silent', batchSize: 4, epochs: 4 } as const;
const stream = languageModelStream({ tokens, batchSize: 3, timeSteps: 12 });
// Each epoch has other lengths and its own number of batches.
const cutAtRandom = languageModelStream({
  tokens,
  batchSize: 3,
  timeSteps: 10,
  lengths: 'random',
  seed: 4,
  dropLast: false,
});

const cases: readonly [string, Case][] = [
  [
    'a schedule over the run, metrics of every kind, a clip and dropout',
    {
      layers: classifier(3),
      data: { x, y },
      options: () => ({
        ...common,
        optimizer: adam({ learningRate: oneCycle({ max: 0.05 }), clip: { globalNorm: 0.5 } }),
        metrics: ['accuracy', 'confusionMatrix', 'classReport', 'perplexity', 'rocAuc'],
      }),
    },
  ],
  [
    'gradients that wait for their update, penalties, sample weights, a short last batch left out',
    {
      layers: [
        lstm({ hiddenSize: 5, returnSequences: false, recurrentRegularizer: l2(0.1) }),
        dense({ units: 1, regularizer: l1(0.1) }),
      ],
      data: { x, y: binary, sampleWeights: binary.map((label) => 1 + label) },
      options: () => ({
        ...common,
        loss: 'binaryCrossEntropy',
        dropLast: true,
        seed: 12,
        optimizer: sgd({ learningRate: 0.1, momentum: 0.9, accumulate: 4 }),
        metrics: ['accuracy', 'rocAuc', 'f1'],
        weightedMetrics: true,
      }),
    },
  ],
  [
    'backtracking with AMSGrad and a moving average',
    {
      layers: classifier(3),
      data: { x, y },
      options: () => ({
        ...common,
        epochs: 6,
        validationSplit: 0.2,
        optimizer: adam({
          learningRate: backtracking({ initial: 0.5, factor: 0.5 }),
          amsgrad: true,
          average: { kind: 'ema', decay: 0.8 },
        }),
      }),
    },
  ],
  [
    'a plateau, and early stopping behind and before a file that is written',
    {
      layers: classifier(3),
      data: { x, y },
      options: () => ({
        ...common,
        epochs: 9,
        shuffle: false,
        validationSplit: 0.2,
        optimizer: sgd({ learningRate: reduceOnPlateau({ initial: 2, patience: 0, factor: 0.3 }) }),
        callbacks: [earlyStopping({ patience: 3, restoreBest: true })],
      }),
    },
  ],
  [
    'a text read with carried states, validated by the mean of NT-ASGD',
    {
      layers: reader,
      data: stream,
      options: () => ({
        loss: 'crossEntropy',
        verbose: 'silent',
        epochs: 7,
        validationData: stream,
        optimizer: sgd({ learningRate: 4, average: { kind: 'ntAsgd', interval: 1 } }),
      }),
    },
  ],
  [
    'a text cut at random lengths, with a schedule over the run',
    {
      layers: reader,
      data: cutAtRandom,
      options: () => ({
        loss: 'crossEntropy',
        verbose: 'silent',
        epochs: 5,
        optimizer: sgd({ learningRate: oneCycle({ max: 4 }), momentum: 0.5 }),
      }),
    },
  ],
];

interface Come {
  readonly history: object;
  readonly weights: object;
}

const comeTo = async (model: Model, history: History): Promise<Come> => ({
  history: {
    ...history,
    epochs: history.epochs.map(({ seconds, ...record }) => ({ ...record, took: seconds >= 0 })),
  },
  weights: dataOf(await model.getWeights()),
});

describe.each(devices)('a run of fit on $name', ({ options: device, isSlow = false }) => {
  const newModel = (layers: readonly Layer[]) => sequential(layers, { ...device, inputSize: 2, seed: 9 });
  const make = (layers: readonly Layer[]) =>
    layers === reader ? sequential(layers, { ...device, seed: 9 }) : newModel(layers);

  const straight = async ({ layers, data, options }: Case, callbacks: readonly Callback[] = []) => {
    await using model = await make(layers);
    const own = options();
    const history = await model.fit(data, { ...own, callbacks: [...(own.callbacks ?? []), ...callbacks] });
    return comeTo(model, history);
  };

  const resumed = async (path: string, { data, options }: Case) => {
    await using model = await loadModel(path, device);
    return comeTo(model, await model.fit(data, { ...options(), resume: true }));
  };

  it.each(cases)('is resumed bit for bit from any batch and any epoch: %s', async (title, one) => {
    const wanted = await straight(one);
    const files: string[] = [];
    const place = (name: string) => {
      const path = join(folder, `${title.replaceAll(/\W/g, '')}-${name}.safetensors`);
      files.push(path);
      return path;
    };
    // A prime, so that the places in an epoch differ.
    const every = isSlow ? 11 : 5;
    let batches = 0;
    const saving: Callback = {
      onBatchEnd: async ({ epoch, batch }, control) => {
        if (++batches % every === 0) await control.save(place(`${epoch}-${batch}`));
      },
      onEpochEnd: async ({ epoch }, control) => control.save(place(`${epoch}`)),
    };
    expect(await straight(one, [saving])).toEqual(wanted);
    expect(files.length).toBeGreaterThan(4);
    for (const path of files) expect(await resumed(path, one), path).toEqual(wanted);
  });

  const plain: Case = {
    layers: classifier(3),
    data: { x, y },
    options: () => ({ ...common, metrics: ['accuracy'], optimizer: adam({ learningRate: 0.01 }) }),
  };

  it('that was aborted keeps its place, in the process and in a file', async () => {
    const wanted = await straight(plain);
    for (const at of [1, 4, 6]) {
      await using model = await make(plain.layers);
      const abort = new AbortController();
      const aborting: Callback = {
        onBatchEnd: ({ epoch, batch }) => {
          if (epoch === 2 && batch === at) abort.abort();
        },
      };
      const run = { ...plain.options(), signal: abort.signal, callbacks: [aborting] };
      await expect(model.fit(plain.data, run)).rejects.toThrow(AbortError);
      const path = join(folder, 'aborted.safetensors');
      await model.save(path);
      const history = await model.fit(plain.data, { ...plain.options(), resume: true });
      expect(await comeTo(model, history)).toEqual(wanted);
      expect(await resumed(path, plain)).toEqual(wanted);
    }
  });

  it('that a callback stopped or that a hook ended in the middle of an epoch goes on there', async () => {
    const wanted = await straight(plain);
    const ending: Callback[] = [
      {
        onBatchEnd({ epoch, batch }, control) {
          if (epoch === 3 && batch === 2) control.stop();
        },
      },
      {
        onBatchEnd({ epoch, batch }) {
          if (epoch === 2 && batch === 5) throw new Error('mine');
        },
      },
      {
        onEpochEnd({ epoch }) {
          if (epoch === 2) throw new Error('mine');
        },
      },
    ];
    for (const callback of ending) {
      await using model = await make(plain.layers);
      await model.fit(plain.data, { ...plain.options(), callbacks: [callback] }).catch(() => {});
      const history = await model.fit(plain.data, { ...plain.options(), resume: true });
      expect(await comeTo(model, history)).toEqual(wanted);
    }
  });

  it('is saved whole from outside at any moment', async () => {
    const wanted = await straight(plain);
    await using model = await make(plain.layers);
    const running = model.fit(plain.data, plain.options());
    const paths = Array.from({ length: 5 }, (_, i) => join(folder, `outside-${i}.safetensors`));
    for (const path of paths) await model.save(path);
    expect(await comeTo(model, await running)).toEqual(wanted);
    for (const path of paths) expect(await resumed(path, plain)).toEqual(wanted);
  });

  it('is resumed with more epochs, and ends at once where it is over', async () => {
    const longer = { ...plain, options: () => ({ ...plain.options(), epochs: 6 }) };
    const path = join(folder, 'over.safetensors');
    await using model = await make(plain.layers);
    const over = await comeTo(model, await model.fit(plain.data, plain.options()));
    await model.save(path);
    expect(await resumed(path, plain)).toEqual(over);
    expect(await resumed(path, longer)).toEqual(await straight(longer));
  });
});

describe('callbacks of a resumed run', () => {
  const device = { device: 'cpu', threads: 1 } as const;
  const make = () => sequential(classifier(3), { ...device, inputSize: 2, seed: 9 });
  const options = { ...common, epochs: 5, validationSplit: 0.2 } as const;

  it('go on with what they had come to, whatever was done after the file was written', async () => {
    const file = join(folder, 'run.safetensors');
    const [log, wantedLog] = [join(folder, 'log.csv'), join(folder, 'wanted.csv')];
    const callbacks = (path: string) => {
      const rates = learningRateMonitor();
      const seen: string[] = [];
      const spy: Callback = {
        name: 'spy',
        saveState: () => ({ values: seen }),
        restoreState: ({ values }) => void seen.splice(0, seen.length, ...(values as string[])),
        onEpochBegin: ({ epoch, batchesDone }) =>
          void seen.push(`begin ${epoch}`.repeat(batchesDone === 0 ? 1 : 0)),
        onBatchEnd: ({ epoch, batch }) => void seen.push(`batch ${epoch}.${batch}`),
        onEpochEnd: ({ epoch }) => void seen.push(`end ${epoch}`),
      };
      const saving = modelCheckpoint({ path: file, everySteps: 7 });
      return { list: [rates, saving, csvLog({ path }), spy], rates, seen };
    };
    const optimizer = adam({ learningRate: oneCycle({ max: 0.05 }) });
    const fit = { ...options, optimizer };
    await using straight = await make();
    const wanted = callbacks(wantedLog);
    const history = await straight.fit({ x, y }, { ...fit, callbacks: wanted.list });

    // The file is that of batch 14 of 25; batches and epochs after it are done and logged, then lost.
    await using killed = await make();
    const before = callbacks(log);
    const dying: Callback = {
      onBatchEnd({ epoch, batch }) {
        if (epoch === 4 && batch === 4) throw new Error('killed');
      },
    };
    await expect(killed.fit({ x, y }, { ...fit, callbacks: [...before.list, dying] })).rejects.toThrow(
      'killed',
    );
    await using resumed = await loadModel(file, device);
    const after = callbacks(log);
    const rest = await resumed.fit({ x, y }, { ...fit, callbacks: after.list, resume: true });

    const timeless = (text: string) => text.replaceAll(/,[^,\n]*$/gm, '');
    expect(timeless(await readFile(log, 'utf8'))).toBe(timeless(await readFile(wantedLog, 'utf8')));
    expect(timeless(rest.toCsv())).toBe(timeless(history.toCsv()));
    expect(after.rates.points).toEqual(wanted.rates.points);
    expect(after.seen.filter((line) => line !== '')).toEqual(wanted.seen);
  });

  it('know the best value that an earlier file holds', async () => {
    const [best, last] = [join(folder, 'best.safetensors'), join(folder, 'last.safetensors')];
    const run = () => ({
      ...options,
      epochs: 8,
      optimizer: adam({ learningRate: 0.5 }),
      callbacks: [
        modelCheckpoint({ path: best }),
        modelCheckpoint({ path: last, keep: 'last' as const, every: 6 }),
      ],
    });
    await using model = await make();
    const { epochs } = await model.fit({ x, y }, run());
    const wanted = await readFile(best);
    const losses = epochs.map(({ valLoss }) => valLoss!);
    // Else the resumed part would write the same file by beating nothing.
    expect(losses.indexOf(Math.min(...losses))).toBeLessThan(6);
    await using resumed = await loadModel(last, device);
    await resumed.fit({ x, y }, { ...run(), resume: true });
    expect((await readFile(best)).equals(wanted)).toBe(true);
  });

  it('that had stopped the run stop it again at once', async () => {
    const path = join(folder, 'stopped.safetensors');
    const run = () => ({
      ...options,
      epochs: 20,
      optimizer: sgd({ learningRate: 1e3 }),
      callbacks: [
        earlyStopping({ patience: 2, minDelta: 1e6 }),
        modelCheckpoint({ path, keep: 'last' as const }),
      ],
    });
    await using model = await make();
    const history = await model.fit({ x, y }, run());
    await using resumed = await loadModel(path, device);
    const again = await resumed.fit({ x, y }, { ...run(), resume: true });
    expect(again).toEqual(history);
    expect(again.epochs).toHaveLength(3);
    expect(await resumed.getWeights()).toEqual(await model.getWeights());
  });

  it.each<[string, object, string]>([
    ['the best epoch', { everySteps: 3, keep: 'best' }, "no keep 'best' beside everySteps"],
    ['a name for each epoch', { everySteps: 3, path: () => 'a' }, 'the path of one file beside everySteps'],
    [
      'no whole number',
      { everySteps: 0 },
      'modelCheckpoint.everySteps: expected a whole number from 1, received 0',
    ],
  ])('modelCheckpoint refuses %s by steps', (_name, wrong, message) => {
    expect(() => modelCheckpoint({ path: 'a', ...wrong })).toThrow(ConfigError);
    expect(() => modelCheckpoint({ path: 'a', ...wrong })).toThrow(message);
  });
});

describe('resume', () => {
  const device = { device: 'cpu', threads: 1 } as const;
  const path = () => join(folder, 'mismatch.safetensors');
  const fit = { ...common, optimizer: adam({ learningRate: 0.01 }), metrics: ['accuracy'] } as const;
  beforeAll(async () => {
    await using model = await sequential(classifier(3), { ...device, inputSize: 2, seed: 9 });
    const stop: Callback = {
      onBatchEnd: ({ epoch, batch }, control) => {
        if (epoch === 2 && batch === 3) control.stop();
      },
    };
    await model.fit({ x, y }, { ...fit, callbacks: [stop] });
    await model.save(path());
  });

  it.each<[string, object, object, string]>([
    [
      'batch size',
      {},
      { batchSize: 8 },
      'fit.batchSize: expected 4, with which the run was begun that resume goes on with, received 8',
    ],
    ['order', {}, { shuffle: false }, 'fit.shuffle: expected true'],
    [
      'seed',
      {},
      { seed: 3 },
      'fit.seed: expected 9, with which the run was begun that resume goes on with, received 3',
    ],
    [
      'loss',
      {},
      { loss: { kind: 'crossEntropy', labelSmoothing: 0.1 } },
      'fit.loss.labelSmoothing: expected none',
    ],
    ['metrics', {}, { metrics: [] }, 'fit.metrics[0]: expected {"kind":"accuracy"}'],
    [
      'learning rate',
      {},
      { optimizer: adam({ learningRate: 0.02 }) },
      'fit.optimizer.learningRate: expected 0.01, with which the run was begun that resume goes on with, received 0.02',
    ],
    [
      'number of rows',
      { x: x.slice(1), y: y.slice(1) },
      {},
      'data.rows: expected 23, with which the run was begun that resume goes on with, received 22',
    ],
    [
      'number of steps',
      { x: x.map((row, i) => (i === 0 ? [...row, [1, 2]] : row)) },
      {},
      'data.timeSteps: expected',
    ],
    ['validation', {}, { validationData: { x, y } }, 'fit.validates: expected false'],
    [
      'initial epoch',
      {},
      { initialEpoch: 1 },
      'fit.initialEpoch: expected none beside resume, which knows, received 1',
    ],
    ['number of epochs', {}, { epochs: 1 }, 'fit.epochs: expected at least 2'],
  ])('refuses another %s than the run was begun with', async (_name, data, options, message) => {
    await using model = await loadModel(path(), device);
    const before = await model.getWeights();
    const failure = model.fit({ x, y, ...data }, { ...fit, resume: true, ...options });
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(message);
    expect(await model.getWeights()).toEqual(before);
    // The run is still there.
    await expect(model.fit({ x, y }, { ...fit, resume: true })).resolves.toMatchObject({
      epochs: [{ epoch: 1 }, { epoch: 2 }, { epoch: 3 }, { epoch: 4 }],
      steps: 24,
    });
  });

  it('refuses a model that no run belongs to: new, changed since, or from a file without its optimiser', async () => {
    const refused = (model: Model) =>
      expect(model.fit({ x, y }, { ...fit, resume: true })).rejects.toThrow(StateError);
    await using fresh = await sequential(classifier(3), { ...device, inputSize: 2 });
    await refused(fresh);
    for (const change of [
      (model: Model) => model.trainStep({ x, y }, { loss: 'crossEntropy', optimizer: fit.optimizer }),
      (model: Model) => model.setWeights({}),
      (model: Model) => model.resetOptimizer(),
    ]) {
      await using changed = await loadModel(path(), device);
      await change(changed);
      await refused(changed);
    }
    // A step that fails in the caller's own code while the one after it waits already and is then applied.
    await using broken = await sequential(classifier(3), { ...device, inputSize: 2 });
    let calls = 0;
    const loss = customLoss({
      name: 'broken',
      compute({ predictions }) {
        if (++calls === 3) throw new Error('mine');
        return { loss: 1, gradient: new Float32Array(predictions.data.length) };
      },
    });
    const run = { loss, verbose: 'silent', batchSize: 4 } as const;
    await expect(broken.fit({ x, y: y.map(() => [0, 0, 0]) }, run)).rejects.toThrow('mine');
    expect(calls).toBe(4);
    await expect(broken.fit({ x, y: y.map(() => [0, 0, 0]) }, { ...run, resume: true })).rejects.toThrow(
      StateError,
    );
    await using loaded = await loadModel(path(), device);
    await loaded.save(join(folder, 'bare.safetensors'), { includeOptimizer: false });
    await using bare = await loadModel(join(folder, 'bare.safetensors'), device);
    await refused(bare);
  });
});
