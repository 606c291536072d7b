import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adam,
  type Callback,
  CallbackError,
  CheckpointError,
  ConfigError,
  csvLog,
  dense,
  earlyStopping,
  jsonLinesLog,
  loadModel,
  lstm,
  type Model,
  modelCheckpoint,
  pool,
  sequential,
  sgd,
  tensorBoard,
  terminateOnNaN,
  type TrainingControl,
} from '../../src/index.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('callbacks');
const count = 20;
const x = { data: Float32Array.from(draws.uniform(count * 6 * 2)), shape: [count, 6, 2] };
const y = Array.from(draws.integers(count, 0, 3));
const device = { device: 'cpu', threads: 1 } as const;
const quiet = { loss: 'crossEntropy', verbose: 'silent', batchSize: 8 } as const;
const validated = { ...quiet, metrics: ['accuracy'], validationSplit: 0.25 } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callbacks-'));
});
afterAll(() => rm(folder, { recursive: true }));

const newModel = (hiddenSize = 8): Promise<Model> =>
  sequential([lstm({ hiddenSize, returnSequences: false }), dense({ units: 3 })], {
    ...device,
    inputSize: 2,
    seed: 4,
  });

describe('modelCheckpoint', () => {
  it('keeps the best epoch in one file and the last in another', async () => {
    await using model = await newModel();
    const [bestPath, lastPath] = [join(folder, 'best.safetensors'), join(folder, 'last.safetensors')];
    const weights: object[] = [];
    const remember: Callback = {
      onEpochEnd: async (_record, control) => void weights.push(await control.getWeights()),
    };
    // A rate far too high, so that the best epoch is not the last.
    const { epochs } = await model.fit(
      { x, y },
      {
        ...validated,
        epochs: 8,
        optimizer: adam({ learningRate: 0.5 }),
        callbacks: [
          remember,
          modelCheckpoint({ path: bestPath }),
          modelCheckpoint({ path: lastPath, keep: 'last', every: 3 }),
        ],
      },
    );
    const losses = epochs.map(({ valLoss }) => valLoss!);
    const best = losses.indexOf(Math.min(...losses));
    expect(best).toBeLessThan(7);
    await using loadedBest = await loadModel(bestPath, device);
    expect(await loadedBest.getWeights()).toEqual(weights[best]);
    await using loadedLast = await loadModel(lastPath, device);
    expect(await loadedLast.getWeights()).toEqual(weights[5]);
  });

  it('names a file for each epoch, and beats a value that was given', async () => {
    await using model = await newModel();
    const path = ({ epoch }: { epoch: number }) => join(folder, `epoch-${epoch}.safetensors`);
    const never = modelCheckpoint({ path: join(folder, 'never'), monitor: 'accuracy', initialBest: 1 });
    const each = modelCheckpoint({ path, keep: 'last', every: 2 });
    await model.fit({ x, y }, { ...validated, epochs: 5, callbacks: [each, never] });
    const files = await readdir(folder);
    expect(files.filter((name) => name.startsWith('epoch-')).sort()).toEqual([
      'epoch-2.safetensors',
      'epoch-4.safetensors',
    ]);
    expect(files).not.toContain('never');
  });

  it('ends fit with an error that names it where it cannot write; the model has learnt and is usable', async () => {
    await using model = await newModel();
    const before = await model.getWeights();
    const path = join(folder, 'no folder', 'model.safetensors');
    const failure: unknown = await model
      .fit({ x, y }, { ...quiet, epochs: 3, callbacks: [modelCheckpoint({ path, keep: 'last' })] })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CallbackError);
    expect(failure).toMatchObject({
      callback: 'modelCheckpoint',
      hook: 'onEpochEnd',
      cause: expect.any(CheckpointError) as unknown,
      history: { epochs: [{ epoch: 1 }], steps: 3 },
    });
    expect((failure as Error).message).toContain(`modelCheckpoint.onEpochEnd: cannot write ${path}`);
    expect(await model.getWeights()).not.toEqual(before);
    await expect(model.fit({ x, y }, quiet)).resolves.toMatchObject({ steps: 3 });
  });

  const dist = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
  const worker = fileURLToPath(new URL('../support/checkpointWorker.mjs', import.meta.url));
  const inShell = (command: string) => promisify(execFile)('sh', ['-c', command]);

  // `npm run build` makes dist/, which the process loads.
  it.skipIf(!existsSync(dist))(
    'leaves the file before it when the process is ended in the middle of a write',
    async () => {
      const path = join(folder, 'killed.safetensors');
      await using model = await sequential(
        [lstm({ hiddenSize: 64, returnSequences: false }), dense({ units: 1 })],
        {
          ...device,
          inputSize: 16,
        },
      );
      await model.save(path);
      const before = await readFile(path);
      // No file may grow beyond 8 KiB: the system ends the write, or the process, after that much.
      const limited = inShell(`ulimit -f 16; exec '${process.execPath}' '${worker}' '${path}'`);
      await expect(limited).rejects.toThrow('Command failed');
      expect(before.length).toBeGreaterThan(64 << 10);
      expect(await readFile(path)).toEqual(before);
      await using loaded = await loadModel(path, device);
      expect(await loaded.getWeights()).toEqual(await model.getWeights());
      // Without the limit the same command writes.
      expect((await inShell(`exec '${process.execPath}' '${worker}' '${path}'`)).stdout).toBe('written\n');
      expect(await readFile(path)).not.toEqual(before);
    },
  );
});

describe('logs', () => {
  const run = async (model: Model, callbacks: readonly Callback[], more = {}) =>
    model.fit({ x, y }, { ...validated, epochs: 3, callbacks, ...more });

  it('csvLog writes what the history holds', async () => {
    await using model = await newModel();
    const path = join(folder, 'new folder', 'log.csv');
    const history = await run(model, [csvLog({ path })]);
    const text = await readFile(path, 'utf8');
    expect(text).toBe(history.toCsv());
    const [header, ...lines] = text.trimEnd().split('\n');
    expect(header).toBe('epoch,loss,accuracy,valLoss,valAccuracy,learningRate,seconds');
    expect(lines.map((line) => line.split(',').map(Number))).toEqual(
      history.epochs.map((record) => Object.values(record)),
    );
  });

  it('csvLog goes on with a file, half a line in it or not, and refuses other columns', async () => {
    await using model = await newModel();
    const path = join(folder, 'resumed.csv');
    const first = await run(model, [csvLog({ path })]);
    await writeFile(path, '4,0.1', { flag: 'a' });
    const rest = await run(model, [csvLog({ path, append: true })], { epochs: 5, initialEpoch: 3 });
    const tail = rest.toCsv().split('\n').slice(1).join('\n');
    expect(await readFile(path, 'utf8')).toBe(`${first.toCsv()}4,0.1\n${tail}`);
    const failure = run(model, [csvLog({ path, append: true })], { metrics: [] });
    await expect(failure).rejects.toThrow(
      'csvLog.onEpochEnd: ' +
        `${path}: expected the columns epoch,loss,valLoss,learningRate,seconds, received epoch,`,
    );
    await run(model, [csvLog({ path })], { epochs: 1 });
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(3);
  });

  it('jsonLinesLog writes an object a line, for batches too when asked', async () => {
    await using model = await newModel();
    const path = join(folder, 'log.jsonl');
    const history = await run(model, [jsonLinesLog({ path, batches: true })]);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const events = lines.map((line) => JSON.parse(line) as { event: string });
    expect(events.map(({ event }) => event)).toEqual(
      Array.from({ length: 3 }, () => ['batch', 'batch', 'epoch']).flat(),
    );
    expect(events.filter(({ event }) => event === 'epoch')).toEqual(
      history.epochs.map((record) => ({ event: 'epoch', ...record })),
    );
    expect(events[0]).toMatchObject({
      epoch: 1,
      batch: 1,
      batches: 2,
      step: 1,
      learningRate: 1e-3,
      applied: true,
    });
  });

  it.each<[() => Callback, string]>([
    [() => csvLog({ path: '' }), "csvLog.path: expected the path of a file, received ''"],
    [() => csvLog({} as never), 'csvLog.path: expected the path of a file, received undefined'],
    [
      () => jsonLinesLog({ path: 'a', batch: true } as never),
      "jsonLinesLog: no setting 'batch'; did you mean 'batches'?",
    ],
    [
      () => tensorBoard({ logDir: 3 as never }),
      'tensorBoard.logDir: expected the path of a folder, received 3',
    ],
    [
      () => modelCheckpoint({ path: 'a', keep: 'all' as never }),
      "modelCheckpoint.keep: expected 'best' | 'last', received 'all'",
    ],
    [
      () => earlyStopping({ mode: 'up' as never }),
      "earlyStopping.mode: expected 'auto' | 'min' | 'max', received 'up'",
    ],
  ])('refuses what cannot be: %s', (make, message) => {
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
  });
});

describe('watched values', () => {
  it.each<[string, Callback, string]>([
    [
      'validation where there is none',
      earlyStopping(),
      "earlyStopping.monitor: 'valLoss' needs validation data and, where named, its metric in fit",
    ],
    [
      'a metric that is not measured',
      earlyStopping({ monitor: 'accuracy' }),
      "'accuracy' needs its metric in fit",
    ],
    ['a misspelt name', earlyStopping({ monitor: 'los' as never }), "(there is 'loss')"],
    ['one of modelCheckpoint', modelCheckpoint({ path: 'x' }), "modelCheckpoint.monitor: 'valLoss' needs"],
    ['one of a callback of your own', { monitor: 'f1' }, "callbacks[0].monitor: 'f1' needs"],
  ])('are asked for before anything is trained: %s', async (_name, callback, message) => {
    await using model = await newModel();
    const before = await model.getWeights();
    const failure = model.fit({ x, y }, { ...quiet, callbacks: [callback] });
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(message);
    expect(await model.getWeights()).toEqual(before);
  });
});

describe('terminateOnNaN', () => {
  // The third sequence's gradient 2·(y - target) is beyond float32.
  const data = { x: [[[1]], [[1]], [[1]], [[1]]], y: [0, 0, 3.4e38, 0] };
  const settings = {
    loss: 'mse',
    batchSize: 1,
    shuffle: false,
    verbose: 'silent',
    optimizer: sgd(),
  } as const;
  const newLine = () =>
    sequential([pool({ mode: 'last' }), dense({ units: 1 })], { ...device, inputSize: 1 });

  it.each(['throw', 'skip'] as const)('stops with the history, onNonFinite %s', async (onNonFinite) => {
    await using model = await newLine();
    const history = await model.fit(data, {
      ...settings,
      onNonFinite,
      epochs: 9,
      callbacks: [terminateOnNaN()],
    });
    expect(history).toMatchObject({ stopped: 'callback', skippedSteps: 1, epochs: [{ epoch: 1 }] });
    for (const { data: values } of Object.values(await model.getWeights())) {
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });

  it.each([
    [1, Number.NaN, true],
    [Number.NaN, undefined, true],
    [1, Infinity, true],
    [1, 2, false],
    [1, undefined, false],
  ])('an epoch of loss %d and validation loss %d stops: %s', async (loss, valLoss, stops) => {
    let stopped = false;
    const control = { stop: () => void (stopped = true) } as TrainingControl;
    const record = { epoch: 1, learningRate: 1, seconds: 1, loss };
    await terminateOnNaN().onEpochEnd?.(valLoss === undefined ? record : { ...record, valLoss }, control);
    expect(stopped).toBe(stops);
  });
});
