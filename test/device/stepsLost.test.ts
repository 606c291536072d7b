import { describe, expect, it, vi } from 'vitest';
import { CudaError, dense, lstm, sequential } from '../../src/index.js';

// The stand-in reads it when it is opened: the third step's results never arrive (kRuntimeLost).
vi.hoisted(() => {
  process.env['CUDNN_LSTM_STANDIN_FAIL'] = 'collect:3:5';
});
const { cuda, isRealGpu } = await import('../support/devices.js');

const why = cuda === undefined || isRealGpu ? ' (skipped: CUDNN_LSTM_CUDA_LIBRARY names no stand-in)' : '';

describe.skipIf(why !== '')(`a CUDA device that is lost with steps under way${why}`, () => {
  it('gives the results that arrived, and CudaError for the step and all behind it', async () => {
    const model = await sequential([lstm({ hiddenSize: 3, returnSequences: false }), dense({ units: 1 })], {
      ...cuda!.options,
      rnnAlgorithm: 'standard',
      inputSize: 1,
    });
    const step = { loss: 'mse', optimizer: 'adam' } as const;
    const steps = Array.from({ length: 6 }, () => model.trainStep({ x: [[[1], [2]]], y: [[0]] }, step));
    const outcomes = await Promise.allSettled(steps);
    expect(outcomes.slice(0, 2)).toMatchObject([{ value: { step: 1 } }, { value: { step: 2 } }]);
    for (const outcome of outcomes.slice(2)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CUDA', lost: true } });
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(CudaError);
    }
    await expect(model.predict([[[1]]])).rejects.toMatchObject({ code: 'ERR_CUDA', lost: true });
    await expect(model.dispose()).resolves.toBeUndefined();
  });
});
