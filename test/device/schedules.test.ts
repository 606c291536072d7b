import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adam,
  backtracking,
  type Callback,
  ConfigError,
  cosineDecay,
  dense,
  dropout,
  learningRateAt,
  learningRateMonitor,
  loadModel,
  lstm,
  type Model,
  oneCycle,
  piecewiseConstant,
  reduceOnPlateau,
  type Schedule,
  sequential,
  sgd,
  stepDecay,
  warmup,
} from '../../src/index.js';
import { readCheckpoint } from '../../src/io/checkpoint.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('schedules');
const count = 20;
const x = { data: Float32Array.from(draws.uniform(count * 6 * 2)), shape: [count, 6, 2] };
const y = Array.from(draws.integers(count, 0, 3));
// Three batches an epoch.
const quiet = { loss: 'crossEntropy', verbose: 'silent', batchSize: 8 } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'schedules-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(devices)('a schedule in fit on $name', ({ options }) => {
  const newModel = (): Promise<Model> =>
    sequential(
      [lstm({ hiddenSize: 8, returnSequences: false }), dropout({ rate: 0.2 }), dense({ units: 3 })],
      { ...options, inputSize: 2, seed: 4 },
    );

  it('gives every step its rate, and the records of epochs that of their last', async () => {
    await using model = await newModel();
    const schedule = warmup({ length: 2, learningRate: cosineDecay({ initial: 0.1, end: 0.01 }) });
    const rates: number[] = [];
    const { epochs } = await model.fit(
      { x, y },
      {
        ...quiet,
        epochs: 4,
        optimizer: sgd({ learningRate: schedule }),
        callbacks: [{ onBatchEnd: ({ learningRate }) => void rates.push(learningRate) }],
      },
    );
    const expected = Array.from({ length: 12 }, (_, step) =>
      learningRateAt(schedule, { step, totalSteps: 12 }),
    );
    expect(rates).toEqual(expected);
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual(
      [2, 5, 8, 11].map((step) => expected[step]),
    );
  });

  it('trains as single steps with those rates do', async () => {
    await using fitted = await newModel();
    await using stepped = await newModel();
    const schedule = oneCycle({ max: 0.2 });
    const settings = { beta1: 0.8, clip: { globalNorm: 1 } } as const;
    const fit = { ...quiet, batchSize: count, epochs: 6, shuffle: false };
    await fitted.fit({ x, y }, { ...fit, optimizer: adam({ ...settings, learningRate: schedule }) });
    for (let step = 0; step < 6; step++) {
      const learningRate = learningRateAt(schedule, { step, totalSteps: 6 });
      const optimizer = adam({ ...settings, learningRate });
      await stepped.trainStep({ x, y }, { loss: 'crossEntropy', optimizer });
    }
    expect(await fitted.getWeights()).toEqual(await stepped.getWeights());
  });

  it('goes on at an epoch as if it had never stopped, through a file', async () => {
    await using straight = await newModel();
    await using first = await newModel();
    const fit = { ...quiet, epochs: 6, optimizer: adam({ learningRate: oneCycle({ max: 0.1 }) }) };
    await straight.fit({ x, y }, fit);
    await resumedAt(3, first, fit, straight);
  });

  it('notes where the rate changes', async () => {
    await using model = await newModel();
    const seen: number[] = [];
    const monitor = learningRateMonitor(({ learningRate }) => void seen.push(learningRate));
    const optimizer = sgd({ learningRate: stepDecay({ initial: 1, every: 2, factor: 0.5 }) });
    await model.fit({ x, y }, { ...quiet, epochs: 5, optimizer, callbacks: [monitor] });
    expect(monitor.points).toEqual([
      { epoch: 1, batch: 1, learningRate: 1 },
      { epoch: 3, batch: 1, learningRate: 0.5 },
      { epoch: 5, batch: 1, learningRate: 0.25 },
    ]);
    expect(seen).toEqual([1, 0.5, 0.25]);
  });

  it('lowers the rate when the watched value stands still', async () => {
    await using model = await newModel();
    const learningRate = reduceOnPlateau({ initial: 0, monitor: 'loss' });
    const still = warmup({
      length: 1,
      per: 'epoch',
      learningRate: { ...learningRate, patience: 1, factor: 0.5 },
    });
    // A rate of 0 would stay 0: the loss stands still because what is learnt is far too small for float32.
    const tiny = { ...still, learningRate: { ...still.learningRate, initial: 1e-30 } } as Schedule;
    const { epochs } = await model.fit(
      { x, y },
      { ...quiet, epochs: 8, shuffle: false, batchSize: count, optimizer: sgd({ learningRate: tiny }) },
    );
    // Dropout makes the losses of epochs differ, so which epochs are better is read from them.
    let [best, waited, rate] = [Infinity, 0, 1e-30];
    const expected = epochs.map(({ loss }, i) => {
      const used = i === 0 ? 0 : rate;
      waited = loss < best * (1 - 1e-4) ? 0 : waited + 1;
      best = Math.min(best, loss < best * (1 - 1e-4) ? loss : best);
      if (waited > 1) [rate, waited] = [rate * 0.5, 0];
      return used;
    });
    expect(epochs.map((record) => record.learningRate)).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(2);
  });

  describe('backtracking', () => {
    // So high a rate that the loss gets worse now and then.
    const fit = {
      ...quiet,
      epochs: 14,
      validationSplit: 0.25,
      optimizer: adam({ learningRate: backtracking({ initial: 0.5, factor: 0.5 }) }),
    };

    it('goes back to the best weights and moments, and lowers the rate', async () => {
      await using model = await newModel();
      const ends: { valLoss: number; rate: number; weights: object }[] = [];
      const callback: Callback = {
        onEpochEnd: async ({ valLoss, learningRate }, control) =>
          void ends.push({ valLoss: valLoss!, rate: learningRate, weights: await control.getWeights() }),
      };
      await model.fit({ x, y }, { ...fit, callbacks: [callback] });
      // What the rule makes of these validation losses.
      let [best, rate, better, worse] = [0, 0.5, 0, 0];
      const expected = ends.map(({ valLoss }, i) => {
        const used = rate;
        if (i === 0 || valLoss < ends[best]!.valLoss) [best, better] = [i, better + 1];
        else [rate, worse] = [rate * 0.5, worse + 1];
        return { rate: used, weights: ends[best]!.weights };
      });
      expect(ends).toMatchObject(expected);
      expect(better).toBeGreaterThan(1);
      expect(worse).toBeGreaterThan(1);
    });

    const whole = {
      ...fit,
      optimizer: adam({
        learningRate: backtracking({ initial: 0.5, factor: 0.5 }),
        amsgrad: true,
        average: { kind: 'ema', decay: 0.8 },
      }),
    };

    it("goes back to AMSGrad's third moment, the average of the weights and the counts as well", async () => {
      await using model = await newModel();
      const ends: { valLoss: number; file: Awaited<ReturnType<typeof readCheckpoint>> }[] = [];
      const keep: Callback = {
        onEpochEnd: async ({ epoch, valLoss }, control) => {
          const path = join(folder, `whole-${epoch}.safetensors`);
          await control.save(path);
          ends.push({ valLoss: valLoss!, file: await readCheckpoint(path) });
        },
      };
      await model.fit({ x, y }, { ...whole, callbacks: [keep] });
      let [best, wentBack] = [0, 0];
      for (const [i, { valLoss, file }] of ends.entries()) {
        if (i === 0 || valLoss < ends[best]!.valLoss) {
          best = i;
          continue;
        }
        wentBack++;
        const { optimizer, counters } = ends[best]!.file;
        expect(Object.keys(optimizer!)).toEqual(['m', 'v', 'aux', 'average']);
        expect(file.optimizer).toEqual(optimizer);
        expect(file.counters).toMatchObject({ step: counters.step, averaged: counters.averaged });
      }
      expect(wentBack).toBeGreaterThan(1);
    });

    it('keeps the best weights, but no moments, when the optimizer is reset', async () => {
      const layers = [lstm({ hiddenSize: 8, returnSequences: false }), dense({ units: 3 })];
      const make = () => sequential(layers, { ...options, inputSize: 2, seed: 4 });
      await using model = await make();
      const path = join(folder, 'reset.safetensors');
      const atBest: Callback = {
        onEpochEnd: ({ epoch }, control) => (epoch === 3 ? control.stop() : undefined),
      };
      await model.fit({ x, y }, { ...whole, callbacks: [atBest] });
      await model.save(path);
      const { tensors } = await readCheckpoint(path);
      await model.resetOptimizer();
      // So much worse that it goes back at once, and has the whole of what it went back to at its end.
      const far = adam({
        learningRate: { ...backtracking({ initial: 50 }), min: 50 },
        amsgrad: true,
        average: { kind: 'ema', decay: 0.8 },
      });
      await model.fit({ x, y }, { ...whole, epochs: 4, initialEpoch: 3, optimizer: far });
      await model.save(path);
      const after = await readCheckpoint(path);
      const names = model.parameters.map(({ name }) => name);
      for (const name of names) expect(after.tensors[name]).toEqual(tensors[`backtracking/params/${name}`]);
      for (const moments of Object.values(after.optimizer!)) {
        for (const { data } of Object.values(moments)) expect(data.every((value) => value === 0)).toBe(true);
      }
      expect(after.counters.step).toBe(0);
      // A new model with these weights makes the same step.
      await using fresh = await make();
      await fresh.setWeights(await model.getWeights());
      const step = { loss: 'crossEntropy', optimizer: adam({ amsgrad: true }) } as const;
      expect(await model.trainStep({ x, y }, step)).toEqual(await fresh.trainStep({ x, y }, step));
      expect(await model.getWeights()).toEqual(await fresh.getWeights());
    });

    it.each([2, 5, 9, 12])('is resumed after epoch %d with the state that it goes back to', async (epoch) => {
      await using straight = await newModel();
      await using first = await newModel();
      await straight.fit({ x, y }, fit);
      await resumedAt(epoch, first, fit, straight);
    });
  });

  async function resumedAt(
    epoch: number,
    first: Model,
    fit: Parameters<Model['fit']>[1],
    straight: Model,
  ): Promise<void> {
    const path = join(folder, 'resumed.safetensors');
    const stop: Callback = {
      onEpochEnd: (record, control) => {
        if (record.epoch === epoch) control.stop();
      },
    };
    await first.fit({ x, y }, { ...fit, callbacks: [stop] });
    await first.save(path);
    await using resumed = await loadModel(path, options);
    await resumed.fit({ x, y }, { ...fit, initialEpoch: epoch });
    expect(await resumed.getWeights()).toEqual(await straight.getWeights());
  }

  it.each<[string, Schedule, object, string]>([
    [
      'a schedule longer than the run',
      cosineDecay({ initial: 0.1, length: 10 }),
      {},
      "fit.optimizer.learningRate: expected a schedule no longer than the run's 6 steps (2 epochs of 3), received 'cosineDecay' over 10",
    ],
    [
      'a warm-up longer than the run',
      warmup({ length: 3, per: 'epoch', learningRate: 0.1 }),
      {},
      "received 'warmup' over 9",
    ],
    [
      'a boundary that is never reached',
      piecewiseConstant({ boundaries: [2], values: [1, 2] }),
      {},
      "received 'piecewiseConstant' over 7",
    ],
    [
      'a watched value that will not be there',
      reduceOnPlateau({ initial: 0.1 }),
      {},
      "reduceOnPlateau.monitor: 'valLoss' needs validation data and, where named, its metric in fit",
    ],
    [
      'a misspelt one',
      backtracking({ initial: 0.1, monitor: 'valLos' }),
      { validationSplit: 0.25 },
      "backtracking.monitor: 'valLos' needs validation data and, where named, its metric in fit (there is 'valLoss')",
    ],
  ])('refuses %s before anything is trained', async (_name, learningRate, more, message) => {
    await using model = await newModel();
    const before = await model.getWeights();
    const failure = model.fit({ x, y }, { ...quiet, epochs: 2, optimizer: sgd({ learningRate }), ...more });
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(message);
    expect(await model.getWeights()).toEqual(before);
  });

  it('is for fit alone: a single step needs a number', async () => {
    await using model = await newModel();
    const optimizer = sgd({ learningRate: oneCycle({ max: 1 }) });
    await expect(model.trainStep({ x, y }, { loss: 'crossEntropy', optimizer })).rejects.toThrow(
      "optimizer.learningRate: expected a number: fit alone follows a schedule, learningRateAt gives the rate of a step, received 'oneCycle'",
    );
  });
});
