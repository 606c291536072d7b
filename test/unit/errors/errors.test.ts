import { describe, expect, it } from 'vitest';
import * as errors from '../../../src/errors.js';
import { typedError, withCallerStack } from '../../../src/native/nativeErrors.js';

const codes = [
  ['ConfigError', errors.ConfigError, 'ERR_CONFIG'],
  ['ShapeError', errors.ShapeError, 'ERR_SHAPE'],
  ['DataError', errors.DataError, 'ERR_DATA'],
  ['DisposedError', errors.DisposedError, 'ERR_DISPOSED'],
  ['BusyError', errors.BusyError, 'ERR_BUSY'],
  ['StateError', errors.StateError, 'ERR_STATE'],
  ['AbortError', errors.AbortError, 'ERR_ABORTED'],
  ['OutOfMemoryError', errors.OutOfMemoryError, 'ERR_OUT_OF_MEMORY'],
  ['DeviceUnavailableError', errors.DeviceUnavailableError, 'ERR_DEVICE_UNAVAILABLE'],
  ['CudaError', errors.CudaError, 'ERR_CUDA'],
  ['NonFiniteError', errors.NonFiniteError, 'ERR_NON_FINITE'],
  ['CheckpointError', errors.CheckpointError, 'ERR_CHECKPOINT'],
  ['InternalError', errors.InternalError, 'ERR_INTERNAL'],
] as const;

describe('errors', () => {
  it.each(codes)('%s has its name, a code and its details', (name, ErrorClass, code) => {
    const error = new ErrorClass('text', { row: 3 }, { cause: 'why' });
    expect(error).toBeInstanceOf(errors.LstmError);
    expect(error).toMatchObject({ name, code, message: 'text', details: { row: 3 }, cause: 'why' });
  });

  it('tells of a step that was not finite by fields', () => {
    const error = new errors.NonFiniteError('text', { step: 4, loss: Infinity, gradNorm: 2 });
    expect([error.step, error.loss, error.gradNorm]).toEqual([4, Infinity, 2]);
  });
});

describe('errors of a GPU', () => {
  it('tell what was asked, what was free, and which call failed how', () => {
    const full = new errors.OutOfMemoryError('text', { requestedBytes: 12, freeBytes: 5 });
    expect([full.requestedBytes, full.freeBytes]).toEqual([12, 5]);
    const details = { status: 5003, call: 'cudnnRNNForward', text: 'its words', lost: true };
    const { status, call, text, lost } = new errors.CudaError('text', details);
    expect({ status, call, text, lost }).toEqual(details);
    expect(new errors.CudaError('text').lost).toBe(false);
  });
});

describe('typedError', () => {
  const native = (code: unknown, fields: object = {}) => Object.assign(new Error('text'), { code }, fields);

  it.each([
    ['ERR_INVALID_ARGUMENT', errors.ConfigError],
    ['ERR_SHAPE', errors.ShapeError],
    ['ERR_DATA', errors.DataError],
    ['ERR_STATE', errors.StateError],
    ['ERR_DISPOSED', errors.DisposedError],
    ['ERR_ABORTED', errors.AbortError],
    ['ERR_OUT_OF_MEMORY', errors.OutOfMemoryError],
    ['ERR_DEVICE_UNAVAILABLE', errors.DeviceUnavailableError],
    ['ERR_CUDA', errors.CudaError],
    ['ERR_SOMETHING_NEW', errors.InternalError],
    ['toString', errors.InternalError],
    [undefined, errors.InternalError],
  ])('makes of the native code %s the right class', (code, type) => {
    expect(typedError(native(code)).constructor).toBe(type);
  });

  it('keeps message and fields, and the native error as cause', () => {
    const from = native('ERR_OUT_OF_MEMORY', { requestedBytes: 12 });
    const error = typedError(from);
    expect(error).toMatchObject({ message: 'text', details: { requestedBytes: 12 }, cause: from });
  });

  it('passes typed errors through and wraps what is no error', () => {
    const error = new errors.DataError('text');
    expect(typedError(error)).toBe(error);
    expect(typedError('text')).toBeInstanceOf(errors.InternalError);
  });
});

describe('withCallerStack', () => {
  function entry(error: unknown): Promise<never> {
    return withCallerStack(entry, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      throw error;
    });
  }

  it('leads to the caller even when nothing awaits the call', async () => {
    const thrown = new errors.DataError('text');
    // A stack as a native rejection has it: without any frame of the caller.
    thrown.stack = 'DataError: text';
    const settled = await Promise.allSettled([entry(thrown)]);
    expect((settled[0] as PromiseRejectedResult).reason.stack).toContain('errors.test.ts');
  });

  it("leaves errors of the user's own code alone", async () => {
    const thrown = new TypeError('mine');
    const { stack } = thrown;
    await expect(entry(thrown)).rejects.toBe(thrown);
    expect(thrown.stack).toBe(stack);
  });
});
