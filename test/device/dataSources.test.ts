import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adam,
  batchOrder,
  type Callback,
  CallbackError,
  collectExamples,
  csvSequences,
  DataError,
  dense,
  type Example,
  exampleStream,
  type FitOptions,
  kFold,
  type LabelledData,
  type Layer,
  loadModel,
  lstm,
  type Model,
  padSequences,
  selectRows,
  sequential,
  ShapeError,
  split,
} from '../../src/index.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

// Sequences of 3 to 12 steps of two channels; the class is the sign of the first channel's mean, which is easy to learn.
const draws = new Draws('dataSources');
const count = 50;
const examples: readonly (Example & { readonly y: number })[] = Array.from({ length: count }, (_, row) => {
  const y = row % 2;
  const steps = 3 + draws.integers(1, 0, 10)[0]!;
  return {
    x: Array.from({ length: steps }, () => [(y ? 0.5 : -0.5) + draws.uniform(1)[0]!, draws.uniform(1)[0]!]),
    y,
  };
});
const lengths = examples.map(({ x }) => x.length);
const layers: readonly Layer[] = [lstm({ hiddenSize: 6, returnSequences: false }), dense({ units: 2 })];
const quiet: FitOptions = {
  loss: 'crossEntropy',
  verbose: 'silent',
  optimizer: adam({ learningRate: 0.02 }),
};

let folder: string;
let data: LabelledData;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sources-'));
  path = join(folder, 'sequences.csv');
  const lines = examples.flatMap(({ x, y }, id) =>
    (x as readonly number[][]).map((step, t) => [id, t, ...step, y].join(',')),
  );
  await writeFile(path, `id,t,a,b,label\n${lines.join('\n')}\n`);
  data = await collectExamples(examples);
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(devices)('data sources on $name', ({ options }) => {
  const newModel = () => sequential(layers, { ...options, inputSize: 2, seed: 3 });

  async function trained(source: Parameters<Model['fit']>[0], fit: Partial<FitOptions> = {}) {
    await using model = await newModel();
    const { epochs } = await model.fit(source, { ...quiet, epochs: 2, ...fit });
    return { losses: epochs.map(({ loss }) => loss), weights: await model.getWeights() };
  }

  it('train on a CSV file read as a stream what they train on in memory, bit for bit', async () => {
    const fields = { id: 'id', time: 't', features: ['a', 'b'], target: 'label' };
    const stream = exampleStream(csvSequences(path, fields), { batchSize: 8 });
    const inMemory = await trained(data, { batchSize: 8, shuffle: false });
    expect(await trained(stream)).toEqual(inMemory);
    expect(inMemory.losses[1]).toBeLessThan(inMemory.losses[0]!);
  });

  it('train on batches by length and by class as batchOrder gives them', async () => {
    const labels = examples.map(({ y }) => y);
    for (const how of [{ bucketByLength: true }, { sampling: 'balanced' as const }]) {
      // The same batches, given as a stream.
      const source = (epoch: number) =>
        batchOrder(lengths, labels, { batchSize: 8, shuffle: true, seed: 5, epoch, ...how }).flatMap((rows) =>
          Array.from(rows, (row) => examples[row]!),
        );
      const wanted = await trained(exampleStream(source, { batchSize: 8 }));
      expect(await trained(data, { batchSize: 8, seed: 5, ...how })).toEqual(wanted);
    }
  });

  it('evaluate and predict on a stream what they give in memory', async () => {
    await using model = await newModel();
    const stream = exampleStream(examples, { batchSize: 16, bucketBuffer: 0 });
    const measured = { loss: 'crossEntropy', metrics: ['accuracy'], batchSize: 16 } as const;
    const { batchSize: _own, ...streamed } = measured;
    expect(await model.evaluate(stream, streamed)).toEqual(await model.evaluate(data, measured));
    const { y } = await model.predict(stream);
    expect(y).toEqual((await model.predict(data.x, { batchSize: 16 })).y);
  });

  it.each([
    ['no buffer', {}],
    ['buffers', { shuffleBuffer: 20, bucketBuffer: 16 }],
  ])(
    'go on where a source failed in mid-epoch, in the process and from a file, bit for bit: %s',
    async (_, buffers) => {
      const wanted = await trained(exampleStream(examples, { batchSize: 8, seed: 2, ...buffers }), {
        epochs: 3,
      });
      let fails = true;
      const source = async function* (epoch: number) {
        yield* examples.slice(0, 41);
        if (epoch === 1 && fails) throw new Error('connection lost');
        yield* examples.slice(41);
      };
      const stream = exampleStream(source, { batchSize: 8, seed: 2, count, ...buffers });
      const run = { ...quiet, epochs: 3 };
      await using model = await newModel();
      const failure = await model.fit(stream, run).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(DataError);
      expect((failure as Error).message).toMatch(/epoch 2: .*after 41 examples: connection lost/);
      const file = join(folder, 'failed.safetensors');
      await model.save(file);
      fails = false;
      await model.fit(stream, { ...run, resume: true });
      expect(await model.getWeights()).toEqual(wanted.weights);
      await using loaded = await loadModel(file, options);
      await loaded.fit(stream, { ...run, resume: true });
      expect(await loaded.getWeights()).toEqual(wanted.weights);
    },
  );

  it('go on at the batch where a run was stopped', async () => {
    const stream = () =>
      exampleStream(examples, { batchSize: 8, shuffleBuffer: 20, bucketBuffer: 16, seed: 2 });
    const wanted = await trained(stream());
    const stop: Callback = {
      onBatchEnd: ({ epoch, batch }) => {
        if (epoch === 2 && batch === 3) throw new Error('enough');
      },
    };
    await using model = await newModel();
    await expect(model.fit(stream(), { ...quiet, epochs: 2, callbacks: [stop] })).rejects.toThrow(
      CallbackError,
    );
    await model.fit(stream(), { ...quiet, epochs: 2, resume: true });
    expect(await model.getWeights()).toEqual(wanted.weights);
  });

  it('refuse an example that does not fit the model, and leave the model usable', async () => {
    await using model = await newModel();
    const wrong: Example = { x: [[1, 2, 3]], y: 0 };
    const before = await model.getWeights();
    const failing = model.fit(exampleStream([wrong, ...examples], { batchSize: 8 }), quiet);
    await expect(failing).rejects.toThrow(ShapeError);
    expect(await model.getWeights()).toEqual(before);
    const classes = exampleStream([{ x: [[1, 2]], y: 2 }], { batchSize: 8 });
    await expect(model.fit(classes, quiet)).rejects.toThrow(/class id from 0 to 1/);
    await model.fit(exampleStream(examples, { batchSize: 8 }), quiet);
  });

  it('learn, on folds and on sequences padded at the end as on ragged ones', async () => {
    const { train, validation } = split(data, { by: 'stratified', validation: 0.2, seed: 1 });
    const fit = { epochs: 12, batchSize: 8 };
    await using model = await newModel();
    await model.fit(selectRows(data, train), { ...quiet, ...fit });
    const { accuracy } = await model.evaluate(selectRows(data, validation), { metrics: ['accuracy'] });
    expect(accuracy).toBeGreaterThan(0.8);
    const padded = { ...padSequences(data.x as number[][][]), y: data.y };
    expect(await trained(padded, { shuffle: false })).toEqual(await trained(data, { shuffle: false }));
    const folds = kFold(data, { kind: 'stratified', folds: 5 });
    expect(folds.every((fold) => selectRows(data, fold.validation).y)).toBe(true);
  });
});
