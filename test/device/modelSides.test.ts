import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  adam,
  bytePairVocabulary,
  CheckpointError,
  ConfigError,
  dataTable,
  dense,
  embedding,
  forecast,
  generate,
  labelNames,
  languageModelStream,
  loadModel,
  lstm,
  meanAbsoluteError,
  quantile,
  seasonalNaive,
  sequential,
  timeSeries,
} from '../../src/index.js';
import { readCheckpoint, writeCheckpoint } from '../../src/io/checkpoint.js';

const device = { device: 'cpu', threads: 1 } as const;

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sides-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

describe('a model with a series', () => {
  const hours = Array.from({ length: 240 }, (_, hour) => hour);
  const table = dataTable({
    time: hours.map((hour) => Date.UTC(2024, 0, 1, hour)),
    load: hours.map((hour) => 100 + hour / 4 + 20 * Math.sin((2 * Math.PI * hour) / 24) + (hour % 3)),
  });
  const { series, train, validation, places } = timeSeries({
    lookBack: 24,
    horizon: 6,
    targets: 'load',
    time: 'time',
    calendar: ['hour'],
    difference: 'last',
  }).split(table, { validation: 48 });
  const newModel = (units = series.outputSize) =>
    sequential([lstm({ hiddenSize: 12, returnSequences: false }), dense({ units })], {
      ...device,
      inputSize: series.inputSize,
      series,
      seed: 3,
    });

  it('learns to forecast better than the last value, and says so in the units of the table', async () => {
    await using model = await newModel();
    await model.fit(train, {
      loss: 'mse',
      epochs: 15,
      batchSize: 16,
      optimizer: adam({ learningRate: 0.01 }),
      validationData: validation,
      verbose: 'silent',
    });
    const own = await forecast(model, table, places.validation);
    const naive = seasonalNaive(series, table, places.validation);
    const error = ({ actual, y }: typeof own) => meanAbsoluteError(actual.data, y.data);
    expect([...own.rows]).toEqual([...naive.rows]);
    expect(error(own)).toBeLessThan(error(naive) / 2);
  });

  it('forecasts the same after it was saved, with what its outputs are', async () => {
    const loss = quantile({ quantiles: [0.1, 0.5, 0.9] });
    await using model = await newModel(3 * series.outputSize);
    await model.fit(train, { loss, verbose: 'silent' });
    await model.save(path);
    await using loaded = await loadModel(path, device);
    expect(loaded.series).toEqual(series);
    expect(loaded.loss).toEqual(loss);
    const after = await forecast(loaded, table);
    expect(after).toEqual(await forecast(model, table));
    expect(after.quantiles!.shape).toEqual([1, 6, 1, 3]);
    await using bare = await loadModel(path, device);
    expect(bare.labels).toBeUndefined();
  });

  it('of a newer version is refused as such', async () => {
    await using model = await newModel();
    await model.save(path);
    const content = await readCheckpoint(path);
    await writeCheckpoint(path, { ...content, series: { ...series.toJSON(), version: 2, more: true } });
    const load = loadModel(path, device);
    await expect(load).rejects.toThrow(CheckpointError);
    await expect(load).rejects.toThrow('series: expected version 1 or earlier, received version 2');
  });

  it('is refused where the channels are others', async () => {
    const layers = [lstm({ hiddenSize: 2 })];
    await expect(sequential(layers, { ...device, inputSize: 2, series })).rejects.toThrow(
      'options.series: expected one of 2 channels, received 3 channels',
    );
    const lookalike = series.toJSON() as never;
    await expect(sequential(layers, { ...device, inputSize: 3, series: lookalike })).rejects.toThrow(
      ConfigError,
    );
  });
});

describe('a model with labels', () => {
  const layers = [
    lstm({ hiddenSize: 4, returnSequences: false }),
    dense({ units: 3, activation: 'softmax' }),
  ];

  it('keeps the names of its classes in the file', async () => {
    const labels = ['no', 'yes', 'maybe'];
    await using model = await sequential(layers, { ...device, inputSize: 1, labels });
    labels.reverse();
    await model.save(path);
    await using loaded = await loadModel(path, device);
    expect(loaded.labels).toEqual(['no', 'yes', 'maybe']);
    const { y } = await loaded.predict([[[1]], [[-1]]]);
    expect(labelNames(y, loaded.labels!)).toEqual(labelNames(y, ['no', 'yes', 'maybe']));
  });

  it.each([
    [['a', 'b'], 'options.labels: expected 3 names, received 2'],
    [['a', 'b', 'a'], 'options.labels: expected different names of classes'],
    [['a', 'b', 1], 'options.labels: expected different names of classes'],
  ])('is refused with the names %j', async (labels, message) => {
    await expect(sequential(layers, { ...device, inputSize: 1, labels: labels as string[] })).rejects.toThrow(
      message,
    );
  });
});

describe('a language model', () => {
  const text = 'the cat sat on the mat. the dog sat on the log. '.repeat(20);
  const layersFor = (size: number) => [
    embedding({ vocabSize: size, size: 16 }),
    lstm({ hiddenSize: 32 }),
    dense({ units: size, activation: 'softmax' }),
  ];

  it('reads and writes byte pairs, which its file keeps', async () => {
    const vocabulary = bytePairVocabulary(text, { maxSize: 280 });
    await using model = await sequential(layersFor(vocabulary.size), { ...device, vocabulary });
    const tokens = vocabulary.encode(text);
    await model.fit(languageModelStream({ tokens, batchSize: 4, timeSteps: 16 }), {
      loss: 'crossEntropy',
      epochs: 30,
      optimizer: adam({ learningRate: 0.02 }),
      verbose: 'silent',
    });
    await model.save(path);
    await using loaded = await loadModel(path, device);
    const options = { prompt: 'the cat sat on', length: 2, temperature: 0 };
    expect(await generate(loaded, options)).toBe(await generate(model, options));
    expect(await generate(loaded, options)).toMatch(/^ the /);
  });

  it("takes a tokenizer of the caller's, and again when it is loaded", async () => {
    const tokenizer = {
      encode: (part: string) => [...Buffer.from(part)],
      decode: (ids: number[]) => Buffer.from(ids).toString('latin1'),
    };
    await using model = await sequential(layersFor(256), { ...device, vocabulary: tokenizer });
    expect(model.vocabulary).toMatchObject({ kind: 'custom', size: 256 });
    await model.save(path);
    await using without = await loadModel(path, device);
    expect(without.vocabulary).toBeUndefined();
    await expect(generate(without, { prompt: 'a', length: 1 })).rejects.toThrow('one with a vocabulary');
    await using loaded = await loadModel(path, { ...device, vocabulary: tokenizer });
    const options = { prompt: 'a', length: 5, seed: 2 };
    expect(await generate(loaded, options)).toBe(await generate(model, options));
    await expect(loadModel(path, { ...device, vocabulary: {} as never })).rejects.toThrow(ConfigError);
  });
});
