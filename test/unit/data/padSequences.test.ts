import { describe, expect, it } from 'vitest';

import {
  ConfigError,
  DataError,
  padSequences,
  type PadSequencesOptions,
  ShapeError,
} from '../../../src/index.js';

const tokens = [[1, 2, 3], [4], [5, 6]];
const rowsOf = (options: PadSequencesOptions) => {
  const { x, seqLengths } = padSequences(tokens, options);
  const [count = 0, steps = 0] = x.shape;
  const rows = Array.from({ length: count }, (_, row) => [
    ...x.data.subarray(row * steps, (row + 1) * steps),
  ]);
  return { rows, lengths: [...seqLengths] };
};

describe('padSequences', () => {
  it('fills up at the end, and says how long the sequences are', () => {
    expect(rowsOf({})).toEqual({
      rows: [
        [1, 2, 3],
        [4, 0, 0],
        [5, 6, 0],
      ],
      lengths: [3, 1, 2],
    });
  });

  // keras.utils.pad_sequences(tokens) of Keras 3 gives these rows.
  it('fills up at the start, where padding becomes time steps', () => {
    expect(rowsOf({ padding: 'start', value: 9 })).toEqual({
      rows: [
        [1, 2, 3],
        [9, 9, 4],
        [9, 5, 6],
      ],
      lengths: [3, 3, 3],
    });
  });

  it('fills up at random sides, the same for the same seed', () => {
    const many = Array.from({ length: 200 }, () => [1]);
    const starts = (seed: number) => {
      const { x, seqLengths } = padSequences(many, { maxLength: 4, padding: 'random', seed });
      expect(seqLengths.every((length) => length === 4)).toBe(true);
      return many.map((_, row) => x.data.subarray(row * 4, row * 4 + 4).indexOf(1));
    };
    expect(starts(1)).toEqual(starts(1));
    expect(starts(1)).not.toEqual(starts(2));
    const counts = [0, 1, 2, 3].map((place) => starts(1).filter((start) => start === place).length);
    // 50 each, give or take 5 deviations of 6.1.
    expect(counts.every((count) => Math.abs(count - 50) < 31)).toBe(true);
  });

  it('cuts longer sequences at the end or at the start', () => {
    expect(rowsOf({ maxLength: 2 })).toEqual({
      rows: [
        [1, 2],
        [4, 0],
        [5, 6],
      ],
      lengths: [2, 1, 2],
    });
    expect(rowsOf({ maxLength: 2, truncation: 'start' })).toEqual({
      rows: [
        [2, 3],
        [4, 0],
        [5, 6],
      ],
      lengths: [2, 1, 2],
    });
    expect(rowsOf({ maxLength: 5 }).rows[0]).toEqual([1, 2, 3, 0, 0]);
  });

  it('pads features in every channel, from nested arrays, typed arrays and tensors', () => {
    const wanted = { data: Float32Array.of(-1, -1, 1, 2, 3, 4, 5, 6), shape: [2, 2, 2] };
    const nested = [
      [[1, 2]],
      [
        [3, 4],
        [5, 6],
      ],
    ];
    expect(padSequences(nested, { padding: 'start', value: -1 }).x).toEqual(wanted);
    const typed = [[Float32Array.of(1, 2)], [Float64Array.of(3, 4), Float64Array.of(5, 6)]];
    expect(padSequences(typed, { padding: 'start', value: -1 }).x).toEqual(wanted);
    const tensor = { data: Int16Array.of(1, 2, 3, 4), shape: [2, 2, 1] };
    expect(padSequences(tensor, { maxLength: 3 }).x).toEqual({
      data: Float32Array.of(1, 2, 0, 3, 4, 0),
      shape: [2, 3, 1],
    });
  });

  it.each<[string, unknown, object, new (...parts: never[]) => Error]>([
    ['no sequences', [], {}, DataError],
    ['a sequence without steps', [[1], []], {}, DataError],
    ['half an id', [[1.5]], {}, DataError],
    ['half an id to fill with', [[1]], { value: 0.5 }, DataError],
    ['flat numbers', [1, 2], {}, ShapeError],
    ['text', 'ab', {}, ShapeError],
    ['channels that differ', [[[1], [2, 3]]], {}, ShapeError],
    ['ids in a Float32Array', { data: Float32Array.of(1, 2), shape: [1, 2] }, {}, ShapeError],
    ['a length of 0', [[1]], { maxLength: 0 }, ConfigError],
    ["Keras' word for the start", [[1]], { padding: 'pre' }, ConfigError],
    ['a value that is NaN', [[[1]]], { value: Number.NaN }, ConfigError],
  ])('refuses %s', (_, x, options, error) => {
    expect(() => padSequences(x as never, options)).toThrow(error);
  });
});
