import { describe, expect, it } from 'vitest';
import { terminateOnNaN, type BatchLogs } from '../../../src/index.js';

const logs: BatchLogs = {
  epoch: 1,
  batch: 1,
  batches: 2,
  step: 1,
  loss: 1,
  gradNorm: 1,
  learningRate: 0.1,
  applied: true,
  overflow: false,
};

async function stops(batch: Partial<BatchLogs>): Promise<boolean> {
  let stopped = false;
  const control = {
    stop: () => void (stopped = true),
    getWeights: async () => ({}),
    setWeights: async () => {},
    save: async () => {},
  };
  await terminateOnNaN().onBatchEnd?.({ ...logs, ...batch }, control);
  return stopped;
}

describe('terminateOnNaN', () => {
  it.each<[string, Partial<BatchLogs>, boolean]>([
    ['goes on after a step that was applied', {}, false],
    ['ends at a loss that is not finite', { loss: NaN, gradNorm: NaN, applied: false }, true],
    ['ends at a gradient norm that is not finite', { gradNorm: Infinity, applied: false }, true],
    [
      "goes on after an overflow of fp16's scale",
      { gradNorm: Infinity, applied: false, overflow: true },
      false,
    ],
  ])('%s', async (_, batch, stopped) => {
    expect(await stops(batch)).toBe(stopped);
  });
});
