import { describe, expect, it } from 'vitest';
import {
  AbortError,
  adam,
  BusyError,
  ConfigError,
  dense,
  embedding,
  languageModelStream,
  lstm,
  type Model,
  OutOfMemoryError,
  sequential,
  sgd,
} from '../../src/index.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('searches');
const count = 24;
const x = { data: Float32Array.from(draws.uniform(count * 6 * 2)), shape: [count, 6, 2] };
const y = Array.from(draws.integers(count, 0, 3));
const data = { x, y };
const step = { loss: 'crossEntropy', optimizer: adam({ learningRate: 0.01 }) } as const;

describe.each(devices)('searches on $name', ({ options }) => {
  const newModel = (): Promise<Model> =>
    sequential([lstm({ hiddenSize: 8, returnSequences: false }), dense({ units: 3 })], {
      ...options,
      inputSize: 2,
      seed: 4,
    });

  /** The next two steps and the weights behind them tell all of a model's state. */
  const future = async (model: Model) => [
    (await model.trainStep(data, step)).loss,
    (await model.trainStep(data, step)).loss,
    await model.getWeights(),
  ];

  describe('findLearningRate', () => {
    it('goes from the first rate to the last and suggests one at which the loss falls', async () => {
      await using model = await newModel();
      const { points, suggestion, diverged } = await model.findLearningRate(data, {
        loss: 'crossEntropy',
        optimizer: 'sgd',
        batchSize: count,
        from: 1e-4,
        to: 1,
        steps: 41,
      });
      expect(points).toHaveLength(41);
      expect(diverged).toBe(false);
      const rates = points.map(({ learningRate }) => Math.log10(learningRate));
      expect(rates).toEqual(rates.map((_, k) => expect.closeTo(-4 + k / 10, 9) as number));
      expect(suggestion).toBeGreaterThan(1e-4);
      expect(suggestion).toBeLessThan(1);
      // A model that is trained with it does better than one with the lowest rate.
      const learnt = async (learningRate: number) => {
        await using fresh = await newModel();
        const fit = { loss: 'crossEntropy', verbose: 'silent', epochs: 20, batchSize: count } as const;
        return (await fresh.fit(data, { ...fit, optimizer: sgd({ learningRate }) })).epochs.at(-1)!.loss;
      };
      expect(await learnt(suggestion!)).toBeLessThan(await learnt(1e-4));
    });

    it('makes the steps that the optimizer makes with these rates', async () => {
      await using model = await newModel();
      await using other = await newModel();
      const { points } = await model.findLearningRate(data, {
        loss: 'crossEntropy',
        batchSize: count,
        from: 1e-3,
        to: 1e-1,
        steps: 5,
      });
      for (const { learningRate, loss } of points) {
        const optimizer = adam({ learningRate });
        const single = await other.trainStep(data, { loss: 'crossEntropy', optimizer });
        // The rows stand in another order.
        expect(loss).toBeCloseTo(single.loss, 5);
      }
    });

    it('ends where the loss goes up and away', async () => {
      await using model = await newModel();
      const search = await model
        .findLearningRate(
          { x, y: Array.from(draws.uniform(count * 3), (value) => 5 + value) },
          { loss: 'mse', optimizer: 'sgd', from: 1e-3, to: 1e6, steps: 100 },
        )
        .catch((error: unknown) => error);
      expect(search).toBeInstanceOf(Error);
      const { diverged, points } = await model.findLearningRate(
        { x, y: Array.from({ length: count }, () => [5, 6, 7]) },
        { loss: 'mse', optimizer: 'sgd', from: 1e-3, to: 1e6, steps: 100, batchSize: 8 },
      );
      expect(diverged).toBe(true);
      expect(points.length).toBeLessThan(100);
      expect(points.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    });

    it('leaves weights, optimiser and counters as they were, and gives its memory back', async () => {
      await using model = await newModel();
      await using other = await newModel();
      for (const one of [model, other]) await one.trainStep(data, step);
      const bytes = model.memory().device.usedBytes;
      await model.findLearningRate(data, { loss: 'crossEntropy', to: 1e6 });
      expect(model.memory().device.usedBytes).toBe(bytes);
      expect(await future(model)).toEqual(await future(other));
    });

    it('carries the states of a stream, from zeros at its start', async () => {
      const layers = [embedding({ vocabSize: 7, size: 5 }), lstm({ hiddenSize: 6 }), dense({ units: 7 })];
      await using model = await sequential(layers, options);
      const tokens = Array.from({ length: 100 }, (_, i) => (i * i) % 7);
      const stream = languageModelStream({ tokens, batchSize: 3, timeSteps: 8 });
      const rates = { from: 1e-20, to: 1e-19, steps: 2 * stream.steps };
      const { points } = await model.findLearningRate(stream, {
        loss: 'crossEntropy',
        ...rates,
        optimizer: 'sgd',
      });
      const losses = points.map(({ loss }) => loss);
      // At rates this small nothing is learnt, so the second pass is the first again.
      expect(losses.slice(stream.steps)).toEqual(losses.slice(0, stream.steps));
      expect(new Set(losses).size).toBe(stream.steps);
    });

    it.each<[string, object, string]>([
      [
        'a range that falls',
        { from: 1, to: 0.1 },
        'findLearningRate.to: expected a rate above 1, the first, received 0.1',
      ],
      ['one step', { steps: 1 }, 'findLearningRate.steps: expected a whole number from 2'],
      [
        'smoothing of 1',
        { smoothing: 1 },
        'findLearningRate.smoothing: expected a number from 0 to less than 1',
      ],
      ['a misspelt option', { form: 1 }, "findLearningRate: no setting 'form'; did you mean 'from'?"],
    ])('refuses %s', async (_name, wrong, message) => {
      await using model = await newModel();
      const failure = model.findLearningRate(data, { loss: 'crossEntropy', ...wrong });
      await expect(failure).rejects.toThrow(ConfigError);
      await expect(failure).rejects.toThrow(message);
    });

    it('has the model for itself, and is aborted by its signal', async () => {
      await using model = await newModel();
      const abort = new AbortController();
      const { signal } = abort;
      const search = model.findLearningRate(data, { loss: 'crossEntropy', steps: 100_000, to: 1e-6, signal });
      await expect(model.trainStep(data, step)).rejects.toThrow(BusyError);
      setTimeout(() => abort.abort(), 20);
      await expect(search).rejects.toThrow(AbortError);
      await expect(model.trainStep(data, step)).resolves.toMatchObject({ step: 1 });
    });
  });

  describe('suggestBatchSize', () => {
    it('doubles up to what the data has, and counts bytes and speed', async () => {
      await using model = await newModel();
      const { curve, largest, limitedBy, suggestion } = await model.suggestBatchSize(data, step);
      expect(curve.map(({ batchSize }) => batchSize)).toEqual([1, 2, 4, 8, 16, 24]);
      expect({ largest, limitedBy }).toEqual({ largest: 24, limitedBy: 'data' });
      for (const { batchSize, stepMs, sequencesPerSecond } of curve) {
        expect(sequencesPerSecond).toBeCloseTo((1000 * batchSize) / stepMs, 6);
      }
      const bytes = curve.map((trial) => trial.bytes);
      expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
      const best = Math.max(...curve.map(({ sequencesPerSecond }) => sequencesPerSecond));
      const fast = curve.filter(({ sequencesPerSecond }) => sequencesPerSecond >= 0.9 * best);
      expect(suggestion).toBe(fast[0]!.batchSize);
    });

    it('finds the largest that stays within a limit of memory', async () => {
      await using model = await newModel();
      const { curve } = await model.suggestBatchSize(data, { ...step, max: 16 });
      const limit = curve.at(-1)!.bytes;
      const search = await model.suggestBatchSize(data, { ...step, memoryLimit: limit - 1 });
      expect(search.limitedBy).toBe('memory');
      // Every size up to 16 is tried to the unit.
      expect(search.largest).toBeGreaterThanOrEqual(8);
      expect(search.largest).toBeLessThan(16);
      expect(search.curve.every(({ bytes }) => bytes < limit)).toBe(true);
      const one = await model.suggestBatchSize(data, { ...step, memoryLimit: limit });
      expect(one.largest).toBeGreaterThanOrEqual(16);
      await expect(model.suggestBatchSize(data, { ...step, memoryLimit: 1000 })).rejects.toThrow(
        OutOfMemoryError,
      );
    });

    it('leaves the model as it was, memory included', async () => {
      await using model = await newModel();
      await using other = await newModel();
      for (const one of [model, other]) await one.trainStep(data, step);
      const memory = model.memory();
      await model.suggestBatchSize(data, { ...step, max: 8 });
      expect(model.memory()).toEqual({
        ...memory,
        device: { ...memory.device, peakBytes: expect.any(Number) as number },
      });
      expect(await future(model)).toEqual(await future(other));
    });

    it('refuses a stream', async () => {
      const layers = [embedding({ vocabSize: 7, size: 5 }), lstm({ hiddenSize: 6 }), dense({ units: 7 })];
      await using model = await sequential(layers, options);
      const stream = languageModelStream({ tokens: [1, 2, 3, 4], batchSize: 1, timeSteps: 2 });
      await expect(model.suggestBatchSize(stream as never, step)).rejects.toThrow(
        'suggestBatchSize: expected {x, y}, as a stream has a batch size of its own, received a stream',
      );
    });
  });
});
