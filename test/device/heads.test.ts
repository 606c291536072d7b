import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  accuracyScore,
  adam,
  customLoss,
  dense,
  earlyStopping,
  embedding,
  exampleStream,
  generate,
  heads,
  l2,
  languageModelStream,
  loadModel,
  lstm,
  meanAbsoluteError,
  type Model,
  pool,
  rocAucScore,
  sequential,
  type TrainingControl,
} from '../../src/index.js';
import { devices } from '../support/devices.js';

type Heads = 'tag' | 'length' | 'odd';

const cpu = { device: 'cpu', threads: 2 } as const;
const VOCABULARY = 7;
const CLASSES = 3;

function newModel(options: object = cpu): Promise<Model<Heads>> {
  return sequential(
    [
      embedding({ vocabSize: VOCABULARY, size: 6, regularizer: l2(1e-3) }),
      lstm({ hiddenSize: 8, dropout: 0.2, numLayers: 2 }),
      heads({
        tag: [dense({ units: CLASSES, activation: 'softmax' })],
        length: [pool({ mode: 'mean' }), dense({ units: 1 })],
        odd: [lstm({ hiddenSize: 4, returnSequences: false }), dense({ units: 1, activation: 'sigmoid' })],
      }),
    ],
    { seed: 3, ...options },
  );
}

// Sequences of 1 to 5 tokens; the class of a token is its rest by 3, and what a sequence begins with decides odd.
const x = Array.from({ length: 30 }, (_, n) =>
  Array.from({ length: 1 + (n % 5) }, (__, t) => (5 * n + 3 * t * t + (n % 4)) % VOCABULARY),
);
const y = {
  tag: x.map((row) => row.map((token) => token % CLASSES)),
  length: x.map((row) => row.length),
  odd: x.map((row) => row[0]! % 2),
};
const data = { x, y };
const goal = {
  loss: { tag: 'crossEntropy', length: 'mse', odd: 'binaryCrossEntropy' },
  lossWeights: { length: 0.2, odd: 0.5 },
  metrics: { tag: ['accuracy', 'f1'], length: ['mae'], odd: ['rocAuc'] },
} as const;
const optimizer = adam({ learningRate: 0.02 });
const fast = { ...goal, optimizer, batchSize: 8, verbose: 'silent' } as const;

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'heads-'))));
afterAll(() => rm(folder, { recursive: true }));

describe.each(devices)('a model with heads on $name', ({ options }) => {
  it('learns all of them in fit, with losses and metrics by head and their weighted sum', async () => {
    await using model = await newModel(options);
    const history = await model.fit(data, { ...fast, epochs: 12, validationSplit: 0.2 });
    const [first, last] = [history.epochs[0]!, history.epochs.at(-1)!];
    for (const record of history.epochs) {
      const sum = record.valTagLoss! + 0.2 * record.valLengthLoss! + 0.5 * record.valOddLoss!;
      // The rest is the penalty on the embedding.
      const penalty = record.valLoss! - sum;
      expect(penalty).toBeGreaterThan(0);
      expect(penalty).toBeLessThan(0.05);
      expect(record.loss).toBeGreaterThan(record.tagLoss + 0.2 * record.lengthLoss + 0.5 * record.oddLoss);
    }
    expect(last.loss).toBeLessThan(first.loss);
    expect(last.tagLoss).toBeLessThan(first.tagLoss);
    expect(last.lengthLoss).toBeLessThan(first.lengthLoss);
    expect(last.tagAccuracy!).toBeGreaterThan(first.tagAccuracy!);
    expect(history.toCsv().split('\n')[0]).toContain('tagLoss');
  });

  it('evaluates what its predictions say', async () => {
    await using model = await newModel(options);
    await model.fit(data, { ...fast, epochs: 2 });
    const { y: outputs } = await model.predict(x, { batchSize: 7 });
    expect(Object.keys(outputs)).toEqual(['tag', 'length', 'odd']);
    expect(model.outputShape).toEqual({ tag: ['N', 'T', CLASSES], length: ['N', 1], odd: ['N', 1] });
    expect([outputs.tag.shape, outputs.length.shape]).toEqual([
      [30, 5, CLASSES],
      [30, 1],
    ]);
    // By the last fit's loss, weights and metrics; in batches that cut the sequences elsewhere.
    const evaluation = await model.evaluate(data, { batchSize: 4 });
    const live = x.flatMap((row, n) => row.map((_, t) => n * 5 + t));
    const rows = live.map((at) => outputs.tag.data.slice(at * CLASSES, (at + 1) * CLASSES));
    const classes = rows.map((row) => row.indexOf(Math.max(...row)));
    expect(evaluation.tagAccuracy).toBeCloseTo(accuracyScore(y.tag.flat(), classes), 10);
    expect(evaluation.lengthMae).toBeCloseTo(meanAbsoluteError(y.length, [...outputs.length.data]), 5);
    expect(evaluation.oddRocAuc).toBeCloseTo(rocAucScore(y.odd, [...outputs.odd.data]), 10);
    const logs = rows.map((row, i) => -Math.log(row[y.tag.flat()[i]!]!));
    expect(evaluation.tagLoss).toBeCloseTo(logs.reduce((a, b) => a + b) / logs.length, 5);
    const other = await model.evaluate(data, { loss: goal.loss, lossWeights: { tag: 0, length: 1, odd: 0 } });
    expect(other.lengthLoss).toBeCloseTo(evaluation.lengthLoss, 6);
    expect(other.loss - other.lengthLoss).toBeCloseTo(
      evaluation.loss - evaluation.tagLoss - 0.2 * evaluation.lengthLoss - 0.5 * evaluation.oddLoss,
      5,
    );
    expect(other.tagAccuracy).toBeUndefined();
  });

  it('takes weights of rows for all heads, or by head', async () => {
    await using model = await newModel(options);
    const weights = x.map((_, n) => n % 3);
    const settings = { ...goal, metrics: {}, batchSize: 30 };
    const all = await model.evaluate({ ...data, sampleWeights: weights }, settings);
    const one = await model.evaluate({ ...data, sampleWeights: { length: weights } }, settings);
    const none = await model.evaluate(data, settings);
    expect([one.tagLoss, one.oddLoss]).toEqual([none.tagLoss, none.oddLoss]);
    expect(one.lengthLoss).toBe(all.lengthLoss);
    expect(all.tagLoss).not.toBe(none.tagLoss);
    expect(one.lengthLoss).not.toBe(none.lengthLoss);
  });

  it('a weight of 0 leaves the layers of a head as they are', async () => {
    await using model = await newModel(options);
    const before = await model.getWeights();
    const step = { loss: goal.loss, lossWeights: { odd: 0 }, optimizer: 'sgd' } as const;
    const { heads: results } = await model.trainStep(data, step);
    const after = await model.getWeights();
    expect(results.odd.loss).toBeGreaterThan(0);
    expect(after['odd.fc.weight']).toEqual(before['odd.fc.weight']);
    expect(after['odd.lstm.weight_hh_l0']).toEqual(before['odd.lstm.weight_hh_l0']);
    expect(after['tag.fc.weight']).not.toEqual(before['tag.fc.weight']);
    expect(after['length.fc.weight']).not.toEqual(before['length.fc.weight']);
  });

  it('goes on in the middle of an epoch with the bits and the history of a run that was not interrupted', async () => {
    const path = join(folder, `middle-${options.device}-${options.threads}.safetensors`.replace(':', '_'));
    await using whole = await newModel(options);
    const expected = await whole.fit(data, { ...fast, epochs: 2 });
    await using model = await newModel(options);
    const halfway = {
      onBatchEnd: async ({ epoch, batch }: { epoch: number; batch: number }, control: TrainingControl) => {
        if (epoch !== 2 || batch !== 2) return;
        await control.save(path);
        control.stop();
      },
    };
    await model.fit(data, { ...fast, epochs: 2, callbacks: [halfway] });
    await using resumed = await loadModel(path, { ...options, heads: ['tag', 'length', 'odd'] });
    const again = { ...fast, epochs: 2, resume: true };
    const changed = resumed.fit(data, { ...again, lossWeights: { odd: 2 } });
    await expect(changed).rejects.toMatchObject({ code: 'ERR_CONFIG', message: /weight: expected 0\.2/ });
    const history = await resumed.fit(data, again);
    const values = (epochs: readonly object[]) => epochs.map((epoch) => ({ ...epoch, seconds: 0 }));
    expect(values(history.epochs)).toEqual(values(expected.epochs));
    expect(await resumed.getWeights()).toEqual(await whole.getWeights());
  });

  it('goes on from a file with the bits of one that was never saved', async () => {
    const path = join(folder, `${options.device}-${options.threads}.safetensors`.replace(':', '_'));
    await using model = await newModel(options);
    await model.fit(data, { ...fast, epochs: 1 });
    await model.save(path);
    await using loaded = await loadModel(path, { ...options, heads: ['tag', 'length', 'odd'] });
    expect(loaded.config).toEqual(model.config);
    // Loss, weights and metrics come with the file.
    expect(await loaded.evaluate(data)).toEqual(await model.evaluate(data));
    const on = { ...fast, epochs: 2, initialEpoch: 1 };
    const [a, b] = [await model.fit(data, on), await loaded.fit(data, on)];
    expect(b.epochs[0]!.loss).toBe(a.epochs[0]!.loss);
    expect(await loaded.getWeights()).toEqual(await model.getWeights());
    const wrong = loadModel(path, { ...options, heads: ['tag', 'lengths', 'odd'] });
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });
});

describe('heads', () => {
  it('are the same whatever the number of threads, and again', async () => {
    const trained = async (threads: number) => {
      await using model = await newModel({ device: 'cpu', threads });
      await model.fit(data, { ...fast, epochs: 2 });
      return model.getWeights();
    };
    const one = await trained(1);
    expect(await trained(2)).toEqual(one);
    expect(await trained(1)).toEqual(one);
  });

  it('are rebuilt from the config', async () => {
    await using model = await newModel();
    const layers = JSON.parse(JSON.stringify(model.config.layers)) as typeof model.config.layers;
    await using again = await sequential(layers as never, { ...cpu, seed: 3 });
    expect(again.config).toEqual(model.config);
    expect(await again.getWeights()).toEqual(await model.getWeights());
    expect(again.summary()).toBe(model.summary());
    expect(model.summary()).toContain('odd.lstm (lstm, 1 × 4)');
    expect(model.parameters.map(({ name }) => name)).toContain('tag.fc.weight');
  });

  it('compute at once as they do later, into the arrays of the caller', async () => {
    await using model = await newModel();
    const { y: later } = await model.predict(x, { returnStates: true });
    const out = {
      tag: new Float32Array(30 * 5 * 3),
      length: new Float32Array(30),
      odd: new Float32Array(30),
    };
    const { y: now, states } = model.predictSync(x, { out, returnStates: true });
    expect(now).toEqual(later);
    expect(now.tag.data).toBe(out.tag);
    expect(states!.map(({ layer }) => layer)).toEqual(['lstm', 'odd.lstm']);
    const short = x.map((row) => row.slice(0, 2));
    const lengths = short.map((row) => row.length);
    const wide = {
      data: Int32Array.from(x.flatMap((row) => [...row, 0, 0, 0, 0].slice(0, 5))),
      shape: [30, 5],
    };
    const narrow = model.predictSync(wide, { seqLengths: lengths });
    expect(narrow.y.tag.shape).toEqual([30, 5, 3]);
    expect(narrow.y.tag.data.slice(6, 15)).toEqual(new Float32Array(9));
  });

  it('can be watched by their own values', async () => {
    await using model = await newModel();
    const callbacks = [earlyStopping({ monitor: 'valTagAccuracy', patience: 0, minDelta: 2 })];
    const history = await model.fit(data, { ...fast, epochs: 9, validationSplit: 0.3, callbacks });
    expect([history.stopped, history.epochs.length]).toEqual(['callback', 2]);
  });

  it('are searched for a rate and a batch size together', async () => {
    await using model = await newModel();
    const { loss } = goal;
    const { points } = await model.findLearningRate(data, { loss, steps: 5 });
    expect(points.every((point) => Number.isFinite(point.loss))).toBe(true);
    expect((await model.suggestBatchSize(data, { loss, max: 4 })).largest).toBe(4);
  });

  it('gather gradients of several steps for one update', async () => {
    await using parts = await newModel();
    await using whole = await newModel();
    const rows = (from: number, to: number) => ({
      x: x.slice(from, to),
      y: { tag: y.tag.slice(from, to), length: y.length.slice(from, to), odd: y.odd.slice(from, to) },
    });
    // Without dropout, and with as many rows and steps in each half.
    const step = { loss: goal.loss, lossWeights: goal.lossWeights, optimizer: adam({ accumulate: 2 }) };
    const first = await parts.trainStep(rows(0, 15), step);
    expect([first.gradNorm, first.step]).toEqual([0, 0]);
    const second = await parts.trainStep(rows(15, 30), step);
    expect(second.step).toBe(1);
    const all = await whole.gradients(data, { loss: goal.loss, lossWeights: goal.lossWeights });
    expect(all.loss).toBeCloseTo((first.loss + second.loss) / 2, 1);
  });
});

describe('bad input to heads', () => {
  let model: Model<Heads>;
  let plain: Model;
  beforeAll(async () => {
    model = await newModel();
    plain = await sequential([lstm({ hiddenSize: 2 }), dense({ units: 1 })], { ...cpu, inputSize: 1 });
  });
  afterAll(() => Promise.all([model.dispose(), plain.dispose()]));

  const { loss } = goal;
  const custom = customLoss({ compute: ({ predictions: { data: p } }) => ({ loss: 0, gradient: p }) });
  const fit = (options: object, given: object = data) =>
    model.fit(given as typeof data, { loss, ...options } as never);
  const cases: [string, string, () => unknown, RegExp][] = [
    [
      'one loss for all',
      'ERR_CONFIG',
      () => fit({ loss: 'mse' }),
      /fit\.loss: expected an object .* tag, length, odd/,
    ],
    [
      'a misspelt head',
      'ERR_CONFIG',
      () => fit({ loss: { tags: 'mse' } }),
      /no head 'tags'; did you mean 'tag'/,
    ],
    [
      'an unknown head',
      'ERR_CONFIG',
      () => fit({ lossWeights: { xy: 1 } }),
      /no head 'xy'; heads are tag, length/,
    ],
    [
      'a head without a loss',
      'ERR_CONFIG',
      () => fit({ loss: { tag: 'mse' } }),
      /fit\.loss\.length: expected a loss/,
    ],
    [
      'an unknown loss',
      'ERR_CONFIG',
      () => fit({ loss: { ...loss, tag: 'mze' } }),
      /fit\.loss\.tag: .*'mse'/,
    ],
    [
      'a loss that does not fit its head',
      'ERR_CONFIG',
      () => fit({ loss: { ...loss, odd: 'crossEntropy' } }),
      /heads\.odd \(odd\.fc\)/,
    ],
    [
      'a custom loss',
      'ERR_CONFIG',
      () => fit({ loss: { ...loss, length: custom } }),
      /fit\.loss\.length: .*one output/,
    ],
    [
      'a weight below 0',
      'ERR_CONFIG',
      () => fit({ lossWeights: { tag: -1 } }),
      /lossWeights\.tag: expected a number from 0/,
    ],
    [
      'a weight that is no number',
      'ERR_CONFIG',
      () => fit({ lossWeights: { tag: NaN } }),
      /lossWeights\.tag/,
    ],
    ['one weight for all', 'ERR_CONFIG', () => fit({ lossWeights: 2 }), /lossWeights: expected an object/],
    ['a list of metrics', 'ERR_CONFIG', () => fit({ metrics: ['accuracy'] }), /metrics: expected an object/],
    [
      'a metric that its head does not give',
      'ERR_CONFIG',
      () => fit({ metrics: { length: ['accuracy'] } }),
      /metrics\.length/,
    ],
    [
      'a head without targets',
      'ERR_CONFIG',
      () => fit({}, { x, y: { ...y, odd: undefined } }),
      /y\.odd: expected targets/,
    ],
    [
      'targets of an unknown head',
      'ERR_CONFIG',
      () => fit({}, { x, y: { ...y, even: y.odd } }),
      /y: no head 'even'/,
    ],
    ['targets for all heads', 'ERR_CONFIG', () => fit({}, { x, y: y.odd }), /y: expected an object/],
    ['too few targets', 'ERR_SHAPE', () => fit({}, { x, y: { ...y, length: [1] } }), /y\.length/],
    [
      'a class beyond the last',
      'ERR_DATA',
      () => fit({}, { x, y: { ...y, tag: y.tag.map((r) => r.map(() => 3)) } }),
      /y\.tag row 0/,
    ],
    [
      'weights of rows of an unknown head',
      'ERR_CONFIG',
      () => fit({}, { ...data, sampleWeights: { even: [1] } }),
      /no head 'even'/,
    ],
    [
      'too few weights of rows',
      'ERR_SHAPE',
      () => fit({}, { ...data, sampleWeights: { odd: [1] } }),
      /sampleWeights/,
    ],
    [
      'a stream of text',
      'ERR_CONFIG',
      () => fit({}, languageModelStream({ tokens: [1, 2, 3, 4, 5], batchSize: 1, timeSteps: 2 } as never)),
      /one output/,
    ],
    [
      'a stream of examples',
      'ERR_CONFIG',
      () =>
        fit(
          {},
          exampleStream(() => [{ x: [1], y: 1 }], { batchSize: 1 }),
        ),
      /an example stream: expected a model of one output/,
    ],
    [
      'a misspelt value to watch',
      'ERR_CONFIG',
      () => fit({ callbacks: [earlyStopping({ monitor: 'tagsLoss' })] }),
      /tagLoss/,
    ],
    [
      'an array that is too short',
      'ERR_SHAPE',
      () =>
        model.predictSync(x, {
          out: { tag: new Float32Array(1), length: new Float32Array(30), odd: new Float32Array(30) },
        }),
      /out/,
    ],
    [
      'one array for all',
      'ERR_CONFIG',
      () => model.predictSync(x, { out: new Float32Array(30) } as never),
      /out/,
    ],
    [
      'streaming',
      'ERR_CONFIG',
      () => model.stream(),
      /a model of one output, received heads tag, length, odd/,
    ],
    [
      'weights of losses without heads',
      'ERR_CONFIG',
      () => plain.fit({ x: [[[1]]], y: [[1]] }, { loss: 'mse', lossWeights: { a: 1 } } as never),
      /none for a model of one output/,
    ],
    [
      'losses by head without heads',
      'ERR_CONFIG',
      () => plain.fit({ x: [[[1]]], y: [[1]] }, { loss: { a: 'mse' } } as never),
      /fit\.loss/,
    ],
  ];

  it.each(cases)('%s gives %s', async (_, code, call, message) => {
    const before = await model.getWeights();
    await expect((async () => call())()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(await model.getWeights()).toEqual(before);
  });

  it('text is not generated by heads', async () => {
    await expect(generate(model as never, { length: 3 } as never)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
    });
  });
});
