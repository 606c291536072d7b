import { describe, expect, it } from 'vitest';
import { BusyError } from '../../../src/index.js';
import type { NativeBatch, NativeHeadTargets } from '../../../src/native/binding.js';
import type { Device } from '../../../src/native/device.js';
import { Session } from '../../../src/native/session.js';

/** A session on an addon that only notes what it is asked for. */
async function noted() {
  const calls: string[] = [];
  const addon = {
    createSession: async () => ({}),
    parameters: () => [],
    forward: async () => void calls.push('forward'),
    backward: async () => void calls.push('backward'),
    resetStates: async () => void calls.push('resetStates'),
    evaluate: async (_: unknown, batch: NativeBatch, targets: NativeHeadTargets) =>
      void calls.push(`evaluate ${String(batch.features)} ${String(targets.values)}`),
    predictSync: () => void calls.push('predictSync'),
  };
  const device = { addon, handle: {}, info: { kind: 'cpu' } } as unknown as Device;
  return { calls, session: await Session.create(device, {} as never) };
}

describe('calls that belong together', () => {
  const batchOf = (features: Float32Array): NativeBatch => ({ batchSize: 1, timeSteps: 1, features });

  it('are not parted, and what waits for them is made in its order with what its batch held', async () => {
    const { calls, session } = await noted();
    const [features, values] = [Float32Array.of(1), Float32Array.of(2)];
    const together = session.together(async (own) => {
      await own.forward(batchOf(features), true);
      await new Promise((resolve) => setTimeout(resolve, 5));
      await own.backward(features, undefined);
    });
    const reset = session.resetStates();
    const evaluation = session.evaluate(batchOf(features), { loss: { kind: 'mse' }, values });
    features[0] = values[0] = 9;
    await Promise.all([together, reset, evaluation]);
    expect(calls).toEqual(['forward', 'backward', 'resetStates', 'evaluate 1 2']);
  });

  it('let nothing be computed on the calling thread in between', async () => {
    const { calls, session } = await noted();
    const y = new Float32Array(1);
    await session.together(async () => {
      await Promise.resolve();
      expect(() => session.predictSync(batchOf(y), [y], undefined)).toThrow(BusyError);
    });
    session.predictSync(batchOf(y), [y], undefined);
    expect(calls).toEqual(['predictSync']);
  });
});
