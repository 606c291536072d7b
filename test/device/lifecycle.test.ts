import { describe, expect, it } from 'vitest';
import { createLstm, dense, lstm, sequential } from '../../src/index.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('lifecycle');
const layers = [lstm({ hiddenSize: 32, returnSequences: false }), dense({ units: 4 })];
const x = { data: Float32Array.from(draws.uniform(8 * 20 * 16)), shape: [8, 20, 16] };
const y = Array.from(draws.integers(8, 0, 4));
const step = { loss: 'crossEntropy', optimizer: 'adam' } as const;

// A sanitizer keeps freed memory aside, so the process grows whatever happens; it finds leaks by itself.
const sanitized = process.env['CUDNN_LSTM_SANITIZED'] !== undefined;

describe.each(devices)('the life of a model on $name', ({ options, isSlow = false }) => {
  it.skipIf(sanitized || isSlow)(
    'leaves memory flat over 2,000 rounds of create, train and dispose',
    async () => {
      const round = async () => {
        const model = await sequential(layers, { ...options, inputSize: 16 });
        await model.trainStep({ x, y }, step);
        await model.dispose();
      };
      for (let k = 0; k < 300; k++) await round();
      const before = process.memoryUsage.rss();
      for (let k = 0; k < 2000; k++) await round();
      const grownBytes = process.memoryUsage.rss() - before;
      // A model's four arenas alone are 101 kB, 203 MB over the rounds; 40 MB is room for the collector's moods.
      expect(grownBytes).toBeLessThan(40e6);
    },
  );

  it.skipIf(sanitized || isSlow)('frees what nobody disposed of, once it is collected', async () => {
    const round = async () => {
      const model = await sequential(layers, { ...options, inputSize: 16 });
      await model.trainStep({ x, y }, step);
    };
    for (let k = 0; k < 300; k++) await round();
    const before = process.memoryUsage.rss();
    for (let k = 0; k < 2000; k++) await round();
    // As above, with room for models that wait to be collected.
    expect(process.memoryUsage.rss() - before).toBeLessThan(120e6);
  });

  it('is disposed at the end of await using, and twice is once', async () => {
    let outer;
    {
      await using model = await sequential(layers, { ...options, inputSize: 16 });
      outer = model;
    }
    await expect(outer.predict(x)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await expect(outer.dispose()).resolves.toBeUndefined();
    {
      using layer = await createLstm({ inputSize: 2, hiddenSize: 3 }, options);
      expect(layer.parameters).toHaveLength(4);
    }
  });

  it.skipIf(isSlow)('keeps the event loop free during a long step', async () => {
    await using model = await sequential([lstm({ hiddenSize: 256 })], { ...options, inputSize: 16 });
    const steps = 1500;
    const long = { data: Float32Array.from(draws.uniform(2 * steps * 16)), shape: [2, steps, 16] };
    const target = { data: new Float32Array(2 * steps * 256), shape: [2, steps, 256] };
    await model.trainStep({ x: long, y: target }, { ...step, loss: 'mse' });
    let ticks = 0;
    const submittedMs = performance.now();
    const pending = model.trainStep({ x: long, y: target }, { ...step, loss: 'mse' });
    const preparedMs = performance.now() - submittedMs;
    const timer = setInterval(() => ticks++, 1);
    await pending;
    clearInterval(timer);
    const waitedMs = performance.now() - submittedMs - preparedMs;
    // A blocked loop ticks not once. A free one on a busy machine may miss most ticks, but never nearly all.
    expect(ticks).toBeGreaterThan(waitedMs / 40);
    expect(ticks).toBeGreaterThan(2);
  });
});
