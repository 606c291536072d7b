import { describe, expect, it } from 'vitest';
import {
  AbortError,
  adam,
  type Callback,
  CallbackError,
  dense,
  dropout,
  earlyStopping,
  embedding,
  type Layer,
  lstm,
  languageModelStream,
  NonFiniteError,
  pool,
  sequential,
  sgd,
} from '../../src/index.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('fit');
const count = 20;
const x = { data: Float32Array.from(draws.uniform(count * 6 * 2)), shape: [count, 6, 2] };
const y = Array.from(draws.integers(count, 0, 3));
const layers: readonly Layer[] = [
  lstm({ hiddenSize: 8, returnSequences: false }),
  dropout({ rate: 0.2 }),
  dense({ units: 3, activation: 'softmax' }),
];
const quiet = { loss: 'crossEntropy', verbose: 'silent', batchSize: 8 } as const;
const rows = (from: number, to: number) => ({
  x: { data: x.data.subarray(from * 12, to * 12), shape: [to - from, 6, 2] },
  y: y.slice(from, to),
});
const withoutSeconds = (history: { epochs: readonly { seconds: number }[] }) =>
  history.epochs.map(({ seconds: _seconds, ...rest }) => rest);

describe.each(devices)('fit on $name', ({ options }) => {
  const newModel = (some = layers) => sequential(some, { ...options, inputSize: 2, seed: 4 });

  it('learns one batch by heart', async () => {
    await using model = await newModel([
      lstm({ hiddenSize: 32, returnSequences: false }),
      dense({ units: 3 }),
    ]);
    const history = await model.fit(
      { x, y },
      { ...quiet, epochs: 400, batchSize: count, optimizer: adam({ learningRate: 0.02 }) },
    );
    expect(history.epochs[0]!.loss).toBeGreaterThan(0.9);
    expect(history.epochs.at(-1)!.loss).toBeLessThan(1e-3);
    expect(await model.evaluate({ x, y }, { loss: 'crossEntropy', metrics: ['accuracy'] })).toMatchObject({
      accuracy: 1,
    });
  });

  it('keeps loss, metrics and time of every epoch', async () => {
    await using model = await newModel();
    const history = await model.fit(
      { x, y },
      { ...quiet, epochs: 2, metrics: ['accuracy'], validationSplit: 0.25 },
    );
    expect(history).toMatchObject({ steps: 4, skippedSteps: 0, stopped: 'finished' });
    expect(history.epochs.map((record) => Object.keys(record))).toEqual(
      [1, 2].map(() => ['epoch', 'loss', 'accuracy', 'valLoss', 'valAccuracy', 'learningRate', 'seconds']),
    );
    expect(history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
  });

  it('weighs the mean loss by rows: a short last batch counts for what it holds', async () => {
    await using model = await newModel([
      lstm({ hiddenSize: 8, returnSequences: false }),
      dense({ units: 3 }),
    ]);
    const { loss } = await model.evaluate({ x, y }, { loss: 'crossEntropy', batchSize: count });
    const history = await model.fit({ x, y }, { ...quiet, optimizer: sgd({ learningRate: 0 }) });
    expect(history.epochs[0]!.loss).toBeCloseTo(loss, 6);
  });

  it('splits off the tail for validation before it shuffles, as Keras does', async () => {
    await using split = await newModel();
    await using given = await newModel();
    const one = await split.fit({ x, y }, { ...quiet, epochs: 2, validationSplit: 0.25 });
    const other = await given.fit(rows(0, 15), { ...quiet, epochs: 2, validationData: rows(15, 20) });
    expect(withoutSeconds(one)).toEqual(withoutSeconds(other));
    expect(await split.getWeights()).toEqual(await given.getWeights());
  });

  it('goes on at an epoch as if it had never stopped', async () => {
    await using straight = await newModel();
    await using resumed = await newModel();
    const whole = await straight.fit({ x, y }, { ...quiet, epochs: 3 });
    await resumed.fit({ x, y }, { ...quiet, epochs: 1 });
    const rest = await resumed.fit({ x, y }, { ...quiet, epochs: 3, initialEpoch: 1 });
    expect(withoutSeconds(rest)).toEqual(withoutSeconds(whole).slice(1));
    expect(await resumed.getWeights()).toEqual(await straight.getWeights());
  });

  it('shuffles by its seed, and not at all when told so', async () => {
    const run = async (shuffling: object) => {
      await using model = await newModel();
      return (await model.fit({ x, y }, { ...quiet, ...shuffling })).epochs[0]!.loss;
    };
    expect(await run({ seed: 1 })).toBe(await run({ seed: 1 }));
    expect(await run({ seed: 1 })).not.toBe(await run({ seed: 2 }));
    expect(await run({ shuffle: false, seed: 1 })).toBe(await run({ shuffle: false, seed: 2 }));
  });

  it('calls hooks in order, with what each batch and epoch came to', async () => {
    await using model = await newModel();
    const log: string[] = [];
    const callback: Callback = {
      onTrainBegin: ({ epochs, batchesPerEpoch }) => void log.push(`begin ${epochs}×${batchesPerEpoch}`),
      onEpochBegin: ({ epoch }) => void log.push(`epoch ${epoch}`),
      onBatchEnd: ({ batch, batches, step, applied }) =>
        void log.push(`batch ${batch}/${batches} ${step} ${applied}`),
      onEpochEnd: async ({ epoch }) => void log.push(`end of ${epoch}`),
      onTrainEnd: ({ steps }) => void log.push(`steps ${steps}`),
    };
    await model.fit({ x, y }, { ...quiet, epochs: 2, dropLast: true, callbacks: [callback] });
    expect(log).toEqual([
      'begin 2×2',
      'epoch 1',
      'batch 1/2 1 true',
      'batch 2/2 2 true',
      'end of 1',
      'epoch 2',
      'batch 1/2 3 true',
      'batch 2/2 4 true',
      'end of 2',
      'steps 4',
    ]);
  });

  it('stops when a callback says so', async () => {
    await using model = await newModel();
    const stop: Callback = { onEpochEnd: (_record, control) => control.stop() };
    const history = await model.fit({ x, y }, { ...quiet, epochs: 50, callbacks: [stop] });
    expect(history.stopped).toBe('callback');
    expect(history.epochs).toHaveLength(1);
  });

  it('goes back to the best epoch when early stopping is asked to', async () => {
    await using model = await newModel();
    let best = {};
    const remember: Callback = {
      onEpochEnd: async ({ epoch }, control) => {
        if (epoch === 1) best = await control.getWeights();
      },
    };
    // A learning rate far too high makes everything after the first epoch worse.
    const history = await model.fit(
      { x, y },
      {
        ...quiet,
        epochs: 20,
        optimizer: sgd({ learningRate: 1e3 }),
        validationSplit: 0.25,
        callbacks: [remember, earlyStopping({ patience: 2, restoreBest: true, minDelta: 1e6 })],
      },
    );
    expect(history).toMatchObject({ stopped: 'callback' });
    expect(history.epochs).toHaveLength(3);
    expect(await model.getWeights()).toEqual(best);
  });

  it('ends with an error that names the callback that threw, and stays usable', async () => {
    await using model = await newModel();
    const mine = new RangeError('mine');
    const broken: Callback = {
      name: 'broken',
      onBatchEnd() {
        throw mine;
      },
    };
    const failure: unknown = await model
      .fit({ x, y }, { ...quiet, callbacks: [{}, broken] })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CallbackError);
    expect(failure).toMatchObject({
      code: 'ERR_CALLBACK',
      message: 'broken.onBatchEnd: mine',
      callback: 'broken',
      hook: 'onBatchEnd',
      details: { index: 1 },
      history: { steps: 1 },
      cause: mine,
    });
    await expect(model.fit({ x, y }, quiet)).resolves.toMatchObject({ steps: 3 });
  });

  it('is aborted in the middle with the history so far, and the model stays usable', async () => {
    await using model = await newModel();
    const abort = new AbortController();
    const reason = new Error('enough');
    const aborting: Callback = {
      onBatchEnd: ({ epoch, batch }) => {
        // The second batch is under way already; the third can no longer be submitted.
        if (epoch === 3 && batch === 1) abort.abort(reason);
      },
    };
    const failure: unknown = await model
      .fit({ x, y }, { ...quiet, epochs: 100, signal: abort.signal, callbacks: [aborting] })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AbortError);
    expect(failure).toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED', cause: reason });
    expect((failure as AbortError).history).toMatchObject({
      stopped: 'aborted',
      epochs: [{ epoch: 1 }, { epoch: 2 }],
    });
    await expect(model.fit({ x, y }, quiet)).resolves.toMatchObject({ stopped: 'finished' });
  });

  it('does nothing when its signal is aborted already', async () => {
    await using model = await newModel();
    const before = await model.getWeights();
    const signal = AbortSignal.abort();
    await expect(model.fit({ x, y }, { ...quiet, signal })).rejects.toThrow(AbortError);
    await expect(model.predict(x, { signal })).rejects.toThrow(AbortError);
    await expect(model.evaluate({ x, y }, { loss: 'crossEntropy', signal })).rejects.toThrow(AbortError);
    await expect(model.gradients({ x, y }, { loss: 'crossEntropy', signal })).rejects.toThrow(AbortError);
    const step = { loss: 'crossEntropy', optimizer: 'adam', signal } as const;
    await expect(model.trainStep({ x, y }, step)).rejects.toThrow(AbortError);
    expect(await model.getWeights()).toEqual(before);
  });

  it("does not take a prediction down with another call's abort", async () => {
    await using model = await newModel();
    const expected = await model.predict(x);
    const abort = new AbortController();
    const fitting = model.fit(
      { x, y },
      { ...quiet, epochs: 1000, optimizer: sgd({ learningRate: 0 }), signal: abort.signal },
    );
    const predictions = Array.from({ length: 20 }, () => model.predict(x, { batchSize: 4 }));
    abort.abort();
    await expect(fitting).rejects.toThrow(AbortError);
    for (const prediction of predictions) {
      expect([...(await prediction).y.data]).toEqual([...expected.y.data].map((p) => expect.closeTo(p, 5)));
    }
  });

  describe('when a loss is not finite', () => {
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
      sequential([pool({ mode: 'last' }), dense({ units: 1 })], { ...options, inputSize: 1 });

    it('stops with the step, and parameters are finite', async () => {
      await using model = await newLine();
      const failure: unknown = await model.fit(data, settings).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(NonFiniteError);
      expect((failure as NonFiniteError).step).toBe(3);
      expect((failure as NonFiniteError).message).toContain('step 3');
      for (const { data: values } of Object.values(await model.getWeights())) {
        expect(values.every(Number.isFinite)).toBe(true);
      }
      await expect(model.fit({ x: data.x, y: [0, 0, 0, 0] }, settings)).resolves.toMatchObject({ steps: 4 });
    });

    it('skips the step when told so, as if the batch had not been there', async () => {
      await using model = await newLine();
      await using other = await newLine();
      const history = await model.fit(data, { ...settings, onNonFinite: 'skip' });
      expect(history).toMatchObject({ steps: 3, skippedSteps: 1, stopped: 'finished' });
      await other.fit({ x: data.x.slice(1), y: [0, 0, 0] }, settings);
      expect(await model.getWeights()).toEqual(await other.getWeights());
    });

    it('makes a single step fail and change nothing', async () => {
      await using model = await newLine();
      const before = await model.getWeights();
      const batch = { x: [[[1]]], y: [3.4e38] };
      await expect(model.trainStep(batch, { loss: 'mse', optimizer: 'adam' })).rejects.toThrow(
        NonFiniteError,
      );
      expect(await model.getWeights()).toEqual(before);
    });
  });

  describe('on a language-model stream', () => {
    const text = Array.from({ length: 400 }, (_, index) => (index * index) % 7);
    const newReader = () =>
      sequential(
        [embedding({ vocabSize: 7, size: 5 }), lstm({ hiddenSize: 12 }), dense({ units: 7 })],
        options,
      );
    const stream = languageModelStream({ tokens: text, batchSize: 3, timeSteps: 10 });

    it('learns, and validates from zero states', async () => {
      await using model = await newReader();
      const history = await model.fit(stream, {
        loss: 'crossEntropy',
        epochs: 15,
        optimizer: adam({ learningRate: 0.02 }),
        validationData: stream,
        verbose: 'silent',
      });
      expect(history.epochs[0]!.valLoss).toBeGreaterThan(1);
      expect(history.epochs.at(-1)!.valLoss).toBeLessThan(0.3);
    });

    it('carries states from batch to batch and starts each epoch from zeros', async () => {
      await using model = await newReader();
      const still = { loss: 'crossEntropy', optimizer: sgd({ learningRate: 0 }), verbose: 'silent' } as const;
      const { epochs } = await model.fit(stream, { ...still, epochs: 2 });
      expect(epochs[1]!.loss).toBe(epochs[0]!.loss);
      // Training with a rate of 0 reads the text as evaluation does; losing the states in between would not.
      expect((await model.evaluate(stream, { loss: 'crossEntropy' })).loss).toBeCloseTo(epochs[0]!.loss, 6);
      const pieces = languageModelStream({ tokens: text, batchSize: 3, timeSteps: 130 });
      expect((await model.evaluate(pieces, { loss: 'crossEntropy' })).loss).toBeCloseTo(epochs[0]!.loss, 5);
    });

    const random = languageModelStream({
      tokens: text,
      batchSize: 3,
      timeSteps: 10,
      lengths: 'random',
      seed: 2,
      dropLast: false,
    });

    it("takes a step with each of an epoch's random lengths, at a rate that is scaled by it", async () => {
      await using model = await newReader();
      await using byHand = await newReader();
      const seen: object[] = [];
      const watch: Callback = {
        onBatchEnd: ({ epoch, batch, batches, learningRate }) =>
          void seen.push({ epoch, batch, batches, learningRate }),
      };
      const fit = { loss: 'crossEntropy', verbose: 'silent', optimizer: sgd({ learningRate: 0.5 }) } as const;
      const { epochs } = await model.fit(random, { ...fit, epochs: 3, callbacks: [watch] });
      const wanted: object[] = [];
      for (const epoch of [0, 1, 2]) {
        await byHand.resetStates();
        const { steps, batch } = random.pass!(epoch);
        for (let k = 0, from = 0; k < steps; k++) {
          const { timeSteps } = batch(k).batch;
          // 399 tokens with one to follow: three parts of 133.
          const rows = (place: number) =>
            [0, 133, 266].map((start) => text.slice(start + place, start + place + timeSteps));
          const learningRate = (0.5 * timeSteps) / 10;
          await byHand.trainStep(
            { x: rows(from), y: rows(from + 1), carryStates: true },
            { loss: 'crossEntropy', optimizer: sgd({ learningRate }) },
          );
          wanted.push({ epoch: epoch + 1, batch: k + 1, batches: steps, learningRate });
          from += timeSteps;
        }
      }
      expect(seen).toEqual(wanted);
      expect(await model.getWeights()).toEqual(await byHand.getWeights());
      expect(epochs.map(({ learningRate }) => learningRate)).toEqual([0.5, 0.5, 0.5]);
      expect(new Set([0, 1, 2, 3, 4, 5].map((epoch) => random.pass!(epoch).steps)).size).toBeGreaterThan(1);
    });

    it('is evaluated by the average of the weights as by those weights themselves', async () => {
      await using model = await newReader();
      await using other = await newReader();
      const optimizer = sgd({ learningRate: 0.5, average: { kind: 'mean' } });
      await model.fit(stream, { loss: 'crossEntropy', verbose: 'silent', optimizer });
      const { loss } = await model.withAveragedWeights(() => model.evaluate(stream));
      await other.setWeights(await model.withAveragedWeights(() => model.getWeights()));
      expect(loss).toBe((await other.evaluate(stream, { loss: 'crossEntropy' })).loss);
      expect(loss).not.toBe((await model.evaluate(stream)).loss);
      await expect(
        model.withAveragedWeights(() => model.fit(stream, { loss: 'crossEntropy' })),
      ).rejects.toThrow('fit: the model is busy with withAveragedWeights');
    });

    it('refuses random lengths where gradients wait for a later update', async () => {
      await using model = await newReader();
      const optimizer = sgd({ accumulate: 2 });
      const fit = { loss: 'crossEntropy', verbose: 'silent', optimizer } as const;
      await expect(model.fit(random, fit)).rejects.toThrow(
        'fit.optimizer.accumulate: expected none beside random lengths',
      );
      await model.fit(stream, fit);
    });

    it('searches a learning rate over random lengths, pass after pass', async () => {
      await using model = await newReader();
      const first = random.pass!(0).steps;
      const rates = { from: 1e-20, to: 1e-19, steps: first + random.pass!(1).steps };
      const { points } = await model.findLearningRate(random, {
        loss: 'crossEntropy',
        ...rates,
        optimizer: 'sgd',
      });
      // At rates this small nothing is learnt: both passes read the same text from zero states.
      const mean = (epoch: number, from: number) => {
        const { steps, batch } = random.pass!(epoch);
        const lengths = Array.from({ length: steps }, (_, k) => batch(k).batch.timeSteps);
        return lengths.reduce((sum, length, k) => sum + length * points[from + k]!.loss, 0) / 133;
      };
      expect(points.length).toBe(rates.steps);
      expect(mean(1, first)).toBeCloseTo(mean(0, 0), 5);
    });

    it('gives back the states of training after an evaluation', async () => {
      await using model = await newReader();
      const batch = { x: [[1, 2, 3]], y: [[2, 3, 4]], carryStates: true };
      const still = { loss: 'crossEntropy', optimizer: sgd({ learningRate: 0 }) } as const;
      await model.trainStep(batch, still);
      const expected = await model.trainStep(batch, still);
      await model.resetStates();
      await model.trainStep(batch, still);
      await model.evaluate(stream, { loss: 'crossEntropy' });
      expect((await model.trainStep(batch, still)).loss).toBe(expected.loss);
    });

    it.each<[string, object, string]>([
      ['a validation split', { validationSplit: 0.1 }, 'fit.validationSplit: expected none for a stream'],
      [
        'another batch size',
        { batchSize: 4 },
        "fit.batchSize: expected none or 3, the stream's own, received 4",
      ],
      ['another loss', { loss: 'mse' }, 'data: a language-model stream needs token input'],
    ])('refuses %s', async (_name, wrong, message) => {
      await using model = await newReader();
      await expect(model.fit(stream, { loss: 'crossEntropy', verbose: 'silent', ...wrong })).rejects.toThrow(
        message,
      );
    });
  });
});
