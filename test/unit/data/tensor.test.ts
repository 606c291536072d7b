import { describe, expect, it } from 'vitest';
import { checkTensor, float32Tensor } from '../../../src/data/tensor.js';
import { DataError } from '../../../src/errors.js';

describe('float32Tensor', () => {
  it('takes nested arrays and finds their shape', () => {
    const nested = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    expect(float32Tensor(nested, 'w')).toEqual({ data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] });
    expect(float32Tensor([], 'w')).toEqual({ data: new Float32Array(0), shape: [0] });
  });

  it('takes other typed arrays, and passes float32 on without a copy', () => {
    expect(float32Tensor({ data: Int32Array.of(1, 2), shape: [2] }, 'w').data).toEqual(Float32Array.of(1, 2));
    const data = Float32Array.of(1, 2);
    expect(float32Tensor({ data, shape: [1, 2] }, 'w').data).toBe(data);
  });

  it.each([
    [[[1, 2], [3]], 'w[1]: expected an array of length 2, received an array of length 1'],
    [[[1, 2], 3], 'w[1]: expected an array of length 2, received 3'],
    [[1, 'two'], "w[1]: expected a number, received 'two'"],
    [7, 'w: expected a tensor {data, shape} or nested arrays, received 7'],
  ])('row %#: names what is wrong in nested arrays', (value, message) => {
    expect(() => float32Tensor(value, 'w')).toThrow(expect.objectContaining({ code: 'ERR_SHAPE', message }));
  });

  it('ends on an array that holds itself', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    expect(() => float32Tensor(loop, 'w')).toThrow('w: expected at most 8 axes');
  });

  it('says where NaN is, float64 beyond float32 included', () => {
    expect(() => float32Tensor([0, Number.NaN], 'w')).toThrow(DataError);
    expect(() => float32Tensor([0, 1e39], 'w')).toThrow(
      'w: expected finite numbers, received Infinity at element 1',
    );
  });

  it('holds the shape against the expected one', () => {
    expect(() => float32Tensor([1, 2], 'w', [3])).toThrow('w: expected shape [3], received [2]');
  });
});

describe('checkTensor', () => {
  const transferred = (): Float32Array => {
    const data = new Float32Array(4);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    return data;
  };
  const shrunk = (): Float32Array => {
    const buffer = new (ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer)(16, {
      maxByteLength: 16,
    });
    const data = new Float32Array(buffer, 8, 2);
    (buffer as unknown as { resize(size: number): void }).resize(4);
    return data;
  };

  it.each<[string, unknown, string]>([
    [
      'too few elements',
      { data: new Float32Array(5), shape: [2, 3] },
      'x: expected 6 elements for shape [2, 3], received 5',
    ],
    [
      'no typed array',
      { data: [1, 2], shape: [2] },
      'x.data: expected a typed array of numbers, received an array of length 2',
    ],
    [
      'the wrong element type',
      { data: new BigInt64Array(2), shape: [2] },
      'x.data: expected a typed array of numbers, received a BigInt64Array',
    ],
    [
      'a typed array in disguise',
      { data: { length: 2, [Symbol.toStringTag]: 'Float32Array' }, shape: [2] },
      'x.data: expected a typed array of numbers, received a Float32Array',
    ],
    [
      'shared memory',
      { data: new Float32Array(new SharedArrayBuffer(8)), shape: [2] },
      'x.data: expected readable memory of its own; the array lies in a SharedArrayBuffer, which another thread may change',
    ],
    [
      'a detached buffer',
      { data: transferred(), shape: [4] },
      'x.data: expected readable memory of its own; the array is detached: its buffer was transferred',
    ],
    [
      'a buffer made smaller',
      { data: shrunk(), shape: [2] },
      'x.data: expected readable memory of its own; the array is out of bounds: its buffer was made smaller',
    ],
    [
      'a negative size',
      { data: new Float32Array(2), shape: [-1, -2] },
      'x.shape: expected an array of whole numbers from 0, received [-1, -2]',
    ],
    [
      'no shape',
      { data: new Float32Array(2), shape: 2 },
      'x.shape: expected an array of whole numbers from 0, received 2',
    ],
  ])('refuses %s', (_name, value, message) => {
    expect(() => checkTensor(value, 'x')).toThrow(expect.objectContaining({ code: 'ERR_SHAPE', message }));
  });
});
