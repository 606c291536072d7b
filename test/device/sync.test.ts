import { describe, expect, it } from 'vitest';
import {
  dense,
  embedding,
  lstm,
  pool,
  sequential,
  type Layer,
  type Model,
  type SequentialOptions,
} from '../../src/index.js';
import { cuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { assertClose } from '../support/compare.js';

const draws = new Draws('sync');
const floats = (count: number) => Float32Array.from(draws.uniform(count));
const codeOf = (call: () => unknown): string => {
  try {
    call();
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

const features = (options: SequentialOptions = {}, layers: Layer[] = []) =>
  sequential([lstm({ hiddenSize: 21, numLayers: 2 }), dense({ units: 3 }), ...layers], {
    inputSize: 5,
    seed: 3,
    device: 'cpu',
    ...options,
  });
const x = { data: floats(2 * 7 * 5), shape: [2, 7, 5] };
const target = { data: floats(2 * 7 * 3), shape: [2, 7, 3] };
const step = { loss: 'mse', optimizer: 'adam' } as const;

describe.each([1, 2])('predictSync on the CPU device with %d threads', (threads) => {
  it('gives what predict gives, bit for bit, states and unequal lengths included', async () => {
    await using model = await features({ threads });
    for (const options of [{}, { seqLengths: [3, 5] }, { weights: 'int8' as const }]) {
      expect(model.predictSync(x, options)).toEqual(await model.predict(x, options));
    }
    const nested = [[[1, 2, 3, 4, 5]], [[2, 3, 4, 5, 6]]];
    expect(model.predictSync(nested)).toEqual(await model.predict(nested));
    const first = await model.predict(x, { seqLengths: [3, 7], returnStates: true });
    expect(model.predictSync(x, { seqLengths: [3, 7], returnStates: true })).toEqual(first);
    const options = { states: first.states!, returnStates: true };
    expect(model.predictSync(x, options)).toEqual(await model.predict(x, options));
  });

  it('gives the same where there is work for every thread', async () => {
    await using model = await sequential([lstm({ hiddenSize: 300 })], {
      inputSize: 5,
      device: 'cpu',
      threads,
    });
    for (const count of [1, 9]) {
      const large = { data: floats(count * 40 * 5), shape: [count, 40, 5] };
      for (const weights of ['float32', 'bfloat16', 'int8'] as const)
        expect(model.predictSync(large, { weights })).toEqual(await model.predict(large, { weights }));
    }
  });

  it('takes the steps of training in between', async () => {
    await using model = await features({ threads });
    await model.trainStep({ x, y: target }, step);
    const before = model.predictSync(x).y.data;
    await model.trainStep({ x, y: target }, step);
    expect(model.predictSync(x).y.data).not.toEqual(before);
    expect(model.predictSync(x)).toEqual(await model.predict(x));
  });
});

describe('predictSync', () => {
  it('writes into an array of the caller', async () => {
    await using model = await features();
    const out = new Float32Array(2 * 7 * 3);
    expect(model.predictSync(x, { out }).y.data).toBe(out);
    expect(out).toEqual((await model.predict(x)).y.data);
    expect(codeOf(() => model.predictSync(x, { out: new Float32Array(41) }))).toBe('ERR_SHAPE');
    expect(codeOf(() => model.predictSync(x, { out: [] as unknown as Float32Array }))).toBe('ERR_CONFIG');
  });

  it('is refused with BusyError while work is under way, of this model or another on the device, which is not disturbed', async () => {
    await using model = await features();
    await using other = await features({ seed: 4 });
    await using twin = await features();
    const steps = [model.trainStep({ x, y: target }, step), model.trainStep({ x, y: target }, step)];
    expect(codeOf(() => model.predictSync(x))).toBe('ERR_BUSY');
    expect(codeOf(() => other.predictSync(x))).toBe('ERR_BUSY');
    expect(codeOf(() => other.stream().step(new Float32Array(5)))).toBe('ERR_BUSY');
    await Promise.all(steps);
    expect(codeOf(() => other.predictSync(x))).toBe('ok');
    for (let k = 0; k < 2; k++) await twin.trainStep({ x, y: target }, step);
    expect(await model.getWeights()).toEqual(await twin.getWeights());
  });

  it('never finds the device busy once every call was awaited', async () => {
    await using model = await features();
    for (let k = 0; k < 300; k++) {
      await model.predict(x);
      expect(codeOf(() => model.predictSync(x))).toBe('ok');
    }
  });

  it('works in a callback of fit, where nothing is queued', async () => {
    await using model = await features();
    const seen: string[] = [];
    const onEpochEnd = () => void seen.push(codeOf(() => model.predictSync(x)));
    await model.fit(
      { x, y: target },
      { loss: 'mse', epochs: 3, verbose: 'silent', callbacks: [{ onEpochEnd }] },
    );
    expect(seen).toEqual(['ok', 'ok', 'ok']);
  });

  it('leaves the states that training carries alone', async () => {
    await using model = await features();
    await using twin = await features();
    for (const [one, reads] of [
      [model, true],
      [twin, false],
    ] as const) {
      for (let k = 0; k < 3; k++) {
        await one.trainStep({ x, y: target, carryStates: true }, step);
        if (reads) one.predictSync(x);
      }
    }
    expect(await model.getWeights()).toEqual(await twin.getWeights());
  });

  it('refuses what predict refuses, with the same codes', async () => {
    const model = await features();
    expect(codeOf(() => model.predictSync([[[1, 2]]]))).toBe('ERR_SHAPE');
    const bad = { data: new Float32Array(10).fill(Number.NaN), shape: [1, 2, 5] };
    expect(codeOf(() => model.predictSync(bad))).toBe('ERR_DATA');
    expect(codeOf(() => model.predictSync({ ...bad, shape: [1, 3, 5] }))).toBe('ERR_SHAPE');
    expect(codeOf(() => model.predictSync([[[1, 2, Number.NaN, 4, 5]]]))).toBe('ERR_DATA');
    expect(codeOf(() => model.predictSync(x, { weights: 'int4' as 'int8' }))).toBe('ERR_CONFIG');
    await model.dispose();
    expect(codeOf(() => model.predictSync(x))).toBe('ERR_DISPOSED');
  });

  it.skipIf(cuda === undefined)('is refused on a GPU, as streams are', async () => {
    await using model = await features(cuda!.options);
    expect(codeOf(() => model.predictSync(x))).toBe('ERR_STATE');
    expect(codeOf(() => model.stream())).toBe('ERR_STATE');
    await expect(model.predict(x, { weights: 'int8' })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });
});

describe('a stream', () => {
  const sampleAt = (t: number) =>
    Float32Array.from([0, 1].flatMap((n) => [...x.data.subarray((n * 7 + t) * 5, (n * 7 + t + 1) * 5)]));

  async function streamed(model: Model, weights?: 'float32' | 'int8'): Promise<Float32Array> {
    const stream = model.stream({ batchSize: 2, weights });
    const y = new Float32Array(2 * 7 * 3);
    for (let t = 0; t < 7; t++) {
      const out = stream.step(sampleAt(t));
      for (const n of [0, 1]) y.set(out.subarray(n * 3, n * 3 + 3), (n * 7 + t) * 3);
    }
    return y;
  }

  it.each(['float32', 'int8'] as const)(
    'gives step by step what predict gives at once, with %s weights',
    async (weights) => {
      await using model = await features();
      expect(await streamed(model, weights)).toEqual((await model.predict(x, { weights })).y.data);
    },
  );

  it('takes token ids, and starts anew after reset', async () => {
    await using model = await sequential(
      [
        embedding({ vocabSize: 6, size: 4 }),
        lstm({ hiddenSize: 9 }),
        dense({ units: 6, activation: 'softmax' }),
      ],
      { device: 'cpu' },
    );
    const tokens = [3, 1, 4, 1, 5];
    const expected = (await model.predict([tokens])).y.data;
    const stream = model.stream();
    for (let round = 0; round < 2; round++) {
      const y = tokens.flatMap((token) => [...stream.step(Int32Array.of(token))]);
      expect(Float32Array.from(y)).toEqual(expected);
      stream.reset();
    }
  });

  it('goes on from states of predict, and gives its own to it', async () => {
    await using model = await features();
    const head = { data: x.data.slice(0, 4 * 5), shape: [1, 4, 5] };
    const tail = { data: x.data.slice(4 * 5, 7 * 5), shape: [1, 3, 5] };
    const whole = await model.predict(
      { data: x.data.slice(0, 7 * 5), shape: [1, 7, 5] },
      { returnStates: true },
    );
    const stream = model.stream();
    stream.states = (await model.predict(head, { returnStates: true })).states!;
    for (let t = 4; t < 6; t++) stream.step(x.data.slice(t * 5, t * 5 + 5));
    const last = { data: tail.data.slice(10), shape: [1, 1, 5] };
    const end = await model.predict(last, { states: stream.states, returnStates: true });
    expect(end.states).toEqual(whole.states);
  });

  it('keeps states of its own beside other streams', async () => {
    await using model = await features();
    const alone = await streamed(model);
    const [first, second] = [model.stream({ batchSize: 2 }), model.stream({ batchSize: 2 })];
    for (let t = 0; t < 3; t++) first.step(sampleAt(t));
    for (let t = 0; t < 7; t++) {
      const y = second.step(sampleAt(t));
      expect(y.subarray(0, 3)).toEqual(alone.subarray(t * 3, t * 3 + 3));
    }
  });

  it('keeps its states when a step is refused', async () => {
    const model = await features();
    const stream = model.stream();
    stream.step(floats(5));
    const before = stream.states;
    const wrong = new Float32Array(5).fill(Number.POSITIVE_INFINITY);
    expect(codeOf(() => stream.step(wrong))).toBe('ERR_DATA');
    expect(codeOf(() => stream.step(floats(4)))).toBe('ERR_SHAPE');
    expect(codeOf(() => stream.step(new Int32Array(5)))).toBe('ERR_SHAPE');
    expect(codeOf(() => stream.step(floats(5), new Float32Array(4)))).toBe('ERR_SHAPE');
    expect(codeOf(() => stream.step(new Float32Array(new SharedArrayBuffer(20))))).toBe('ERR_CONFIG');
    const running = model.trainStep({ x, y: target }, step);
    expect(codeOf(() => stream.step(floats(5)))).toBe('ERR_BUSY');
    await running;
    expect(stream.states).toEqual(before);
    await model.dispose();
    expect(codeOf(() => stream.step(floats(5)))).toBe('ERR_DISPOSED');
  });

  it('is refused for a model that reads backwards or pools over time', async () => {
    const device = { device: 'cpu', inputSize: 5 } as const;
    await using both = await sequential([lstm({ hiddenSize: 4, bidirectional: true })], device);
    await using pooled = await sequential([lstm({ hiddenSize: 4 }), pool({ mode: 'mean' })], device);
    expect(codeOf(() => both.stream())).toBe('ERR_CONFIG');
    expect(codeOf(() => pooled.stream())).toBe('ERR_CONFIG');
    expect(codeOf(() => both.stream({ batchSize: 0 }))).toBe('ERR_CONFIG');
  });
});

describe('narrow weights', () => {
  it('come near the float32 result, and are no part of the model', async () => {
    await using model = await features();
    const before = await model.getWeights();
    const exact = (await model.predict(x)).y;
    // A weight of bfloat16 is off by at most 2^-9 of itself, one of int8 by 1/254 of its row's greatest.
    for (const [weights, tolerance] of [
      ['bfloat16', 3e-3],
      ['int8', 6e-3],
    ] as const) {
      const y = (await model.predict(x, { weights })).y;
      expect(y.data).not.toEqual(exact.data);
      assertClose(y.data, exact.data, { name: weights, tolerance, shape: y.shape });
      const { loss } = await model.evaluate({ x, y: target }, { loss: 'mse', weights });
      const float32 = await model.evaluate({ x, y: target }, { loss: 'mse' });
      expect(Math.abs(loss - float32.loss)).toBeLessThan(0.01 * float32.loss);
    }
    expect(await model.getWeights()).toEqual(before);
    expect((await model.predict(x)).y).toEqual(exact);
  });

  it('are no option of training', async () => {
    await using model = await features();
    const options = { ...step, weights: 'int8' } as unknown as typeof step;
    await expect(model.trainStep({ x, y: target }, options)).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });
});
