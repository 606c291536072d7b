import { describe, expect, it } from 'vitest';
import { decodeExact, encodeExact } from '../../../src/io/exactJson.js';

const again = (value: Parameters<typeof encodeExact>[0]) =>
  decodeExact(JSON.parse(JSON.stringify(encodeExact(value))));

describe('exact JSON', () => {
  it('gives back numbers that JSON has no word for, and arrays of numbers bit for bit', () => {
    const value = {
      numbers: [Number.NaN, Infinity, -Infinity, -0, 0, 0.1, 5e-324, 2 ** 53],
      doubles: Float64Array.of(0.1, -0, Number.NaN, 1e300),
      floats: new Float32Array(new Float32Array([9, 0.1, -0, 8]).buffer, 4, 2),
      nested: { text: 'NaN', no: null, yes: true, none: [] },
    };
    const result = again(value);
    expect(result).toEqual(value);
    expect(Object.is((result as typeof value).numbers[3], -0)).toBe(true);
    expect((result as typeof value).floats).toEqual(Float32Array.of(Math.fround(0.1), -0));
  });

  it('leaves out what is undefined', () => {
    expect(again({ a: undefined, b: 1 })).toEqual({ b: 1 });
  });

  it('keeps the order of names', () => {
    expect(Object.keys(again({ b: 1, a: 2 }) as object)).toEqual(['b', 'a']);
  });
});
