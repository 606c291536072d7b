import { describe, expect, it, vi } from 'vitest';
import { CudaError, dense, lstm, sequential } from '../../src/index.js';

// The stand-in reads it when it is opened: its third forward pass of an LSTM fails for good (kRuntimeLost).
vi.hoisted(() => {
  process.env['CUDNN_LSTM_STANDIN_FAIL'] = 'rnnForward:3:5';
});
const { cuda, isRealGpu } = await import('../support/devices.js');

const x = [[[1], [2]]];
const step = { loss: 'mse', optimizer: 'adam' } as const;
const why = cuda === undefined || isRealGpu ? ' (skipped: CUDNN_LSTM_CUDA_LIBRARY names no stand-in)' : '';

describe.skipIf(why !== '')(`a CUDA device that is lost${why}`, () => {
  it('gives CudaError on every later call; its models can be disposed of; the CPU goes on', async () => {
    const build = (options: object) =>
      sequential([lstm({ hiddenSize: 3, returnSequences: false }), dense({ units: 1 })], {
        ...options,
        inputSize: 1,
      });
    // Call by call: a replayed step calls no forward pass.
    const options = { ...cuda!.options, rnnAlgorithm: 'standard', graph: false } as const;
    const model = await build(options);
    const other = await build(options);
    await model.trainStep({ x, y: [[0]] }, step);
    await model.trainStep({ x, y: [[0]] }, step);

    const failure: unknown = await model.trainStep({ x, y: [[0]] }, step).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CudaError);
    const { code, call, text, status, lost } = failure as CudaError;
    expect({ code, lost }).toEqual({ code: 'ERR_CUDA', lost: true });
    expect(call).not.toBe('');
    expect(text).not.toBe('');
    expect(status).toBeTypeOf('number');

    const calls = [
      () => model.predict(x),
      () => model.trainStep({ x, y: [[0]] }, step),
      () => model.getWeights(),
      () => model.to('cpu'),
      () => other.predict(x),
      () => build(options),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'ERR_CUDA', lost: true });
    expect(model.device.kind).toBe('cuda');
    await expect(model.dispose()).resolves.toBeUndefined();
    await expect(other.dispose()).resolves.toBeUndefined();

    await using onCpu = await build({ device: 'cpu', threads: 1 });
    expect((await onCpu.trainStep({ x, y: [[0]] }, step)).step).toBe(1);
  });
});
