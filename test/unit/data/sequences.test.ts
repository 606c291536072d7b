import { describe, expect, it } from 'vitest';

import {
  type FeatureInput,
  featureSequences,
  type TokenInput,
  tokenSequences,
} from '../../../src/data/sequences.js';
import { DataError, LstmError, ShapeError } from '../../../src/errors.js';

function errorOf(call: () => unknown): LstmError {
  try {
    call();
  } catch (error) {
    if (error instanceof LstmError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const ragged = [
  [
    [1, 2],
    [3, 4],
    [5, 6],
  ],
  [[7, 8]],
];

describe('featureSequences', () => {
  it('puts ragged sequences back to back', () => {
    const sequences = featureSequences(ragged, { channels: 2 });
    expect(sequences).toMatchObject({
      kind: 'features',
      count: 2,
      channels: 2,
      maxLength: 3,
      equalLengths: false,
    });
    expect([...sequences.lengths]).toEqual([3, 1]);
    expect([...sequences.offsets]).toEqual([0, 3]);
    expect([...sequences.data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('leaves the padding of a tensor out, whatever it holds', () => {
    const data = new Float64Array([1, 2, Number.NaN, 3, 4, 5]);
    const sequences = featureSequences({ data, shape: [2, 3, 1] }, { channels: 1, seqLengths: [2, 3] });
    expect([...sequences.data]).toEqual([1, 2, 3, 4, 5]);
    expect(sequences.maxLength).toBe(3);
  });

  it('copies, so that a caller may reuse the array', () => {
    const data = new Float32Array([1, 2]);
    const sequences = featureSequences({ data, shape: [1, 2, 1] }, { channels: 1 });
    data[0] = 9;
    expect([...sequences.data]).toEqual([1, 2]);
  });

  it('takes typed arrays as steps', () => {
    expect([...featureSequences([[Float32Array.of(1, 2)]], { channels: 2 }).data]).toEqual([1, 2]);
  });

  it('names row, step and channel of a NaN', () => {
    const error = errorOf(() =>
      featureSequences(
        [
          ...ragged,
          [
            [1, 1],
            [0, Number.NaN],
          ],
        ],
        { channels: 2 },
      ),
    );
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toBe('x row 2, step 1, channel 1: expected a finite float32 number, received NaN');
    expect(error.details).toMatchObject({ row: 2, step: 1, channel: 1 });
  });

  it('refuses numbers that float32 cannot hold', () => {
    expect(errorOf(() => featureSequences([[[1e39]]], { channels: 1 })).code).toBe('ERR_DATA');
  });

  const shared = new Float32Array(new SharedArrayBuffer(8));
  const detached = new Float32Array(2);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  it.each<[string, unknown, typeof ShapeError | typeof DataError]>([
    ['a tensor of rank 2', { data: new Float32Array(2), shape: [1, 2] }, ShapeError],
    ['nested arrays of rank 2', [[1, 2]], ShapeError],
    ['another number of channels', { data: new Float32Array(3), shape: [1, 1, 3] }, ShapeError],
    ['a step with another number of channels', [[[1, 2], [3]]], ShapeError],
    ['a step that is no array', [[[1, 2], 3]], ShapeError],
    ['a row that is no array', [[[1, 2]], 3], ShapeError],
    ['data that do not fill the shape', { data: new Float32Array(3), shape: [1, 2, 2] }, ShapeError],
    ['a negative size', { data: new Float32Array(2), shape: [-1, -1, 2] }, ShapeError],
    ['big integers', { data: new BigInt64Array(2), shape: [1, 1, 2] }, ShapeError],
    ['shared memory', { data: shared, shape: [1, 1, 2] }, ShapeError],
    ['detached memory', { data: detached, shape: [1, 1, 2] }, ShapeError],
    ['a text among the numbers', [[[1, '2']]], DataError],
    ['a hole', [[[1, undefined]]], DataError],
    ['no sequences', [], DataError],
    ['a tensor of no sequences', { data: new Float32Array(0), shape: [0, 3, 2] }, DataError],
    ['a sequence of no steps', [[[1, 2]], []], DataError],
    ['nothing', undefined, ShapeError],
    ['a text', 'abc', ShapeError],
  ])('refuses %s', (_, x, type) => {
    expect(() => featureSequences(x as FeatureInput, { channels: 2 })).toThrow(type);
  });

  it.each([
    ['a length of 0', [0, 1], 'row 0'],
    ['a length beyond T', [3, 2], 'row 1'],
    ['a fraction', [1.5, 1], 'row 0'],
    ['NaN', [3, Number.NaN], 'row 1'],
  ])('refuses %s and says where', (_, seqLengths, place) => {
    const error = errorOf(() => featureSequences(ragged, { channels: 2, seqLengths }));
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain(`seqLengths ${place}`);
  });

  it('refuses another number of lengths than rows', () => {
    expect(() => featureSequences(ragged, { channels: 2, seqLengths: [1] })).toThrow(ShapeError);
  });
});

describe('tokenSequences', () => {
  it('takes lists of different lengths', () => {
    const sequences = tokenSequences([[1, 2, 3], Uint8Array.of(4)], { vocabSize: 5 });
    expect(sequences).toMatchObject({ kind: 'tokens', count: 2, maxLength: 3, equalLengths: false });
    expect([...sequences.data]).toEqual([1, 2, 3, 4]);
  });

  it('does not look at ids in the padding', () => {
    const x = { data: Int32Array.of(1, -1, 2, 3), shape: [2, 2] };
    expect([...tokenSequences(x, { vocabSize: 4, seqLengths: Int32Array.of(1, 2) }).data]).toEqual([1, 2, 3]);
  });

  it.each<[string, TokenInput]>([
    ['nested arrays', [[1], [2, 9]]],
    ['a tensor', { data: Int32Array.of(1, 1, 2, 9), shape: [2, 2] }],
    ['an unsigned tensor', { data: Uint32Array.of(1, 1, 2, 2 ** 32 - 1), shape: [2, 2] }],
    ['a number that an int32 would wrap to 0', [[1], [2, 2 ** 32]]],
    ['a fraction', [[1], [2, 1.5]]],
    ['a negative id', [[1], [2, -1]]],
  ])('names row, step and id of one outside the vocabulary: %s', (_, x) => {
    const error = errorOf(() => tokenSequences(x, { vocabSize: 9 }));
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain('x row 1, step 1: expected an id from 0 to 8');
    expect(error.details).toMatchObject({ row: 1, step: 1 });
  });

  it('refuses floats as ids', () => {
    expect(() => tokenSequences({ data: Float32Array.of(1), shape: [1, 1] }, { vocabSize: 2 })).toThrow(
      ShapeError,
    );
  });

  it('refuses features', () => {
    expect(() => tokenSequences([[[1]]] as unknown as TokenInput, { vocabSize: 2 })).toThrow(ShapeError);
  });
});
