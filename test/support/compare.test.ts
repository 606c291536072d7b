import { describe, expect, it } from 'vitest';
import { assertClose, assertZeroWhere, worstDifference } from './compare.js';

const within = { name: 'dx', tolerance: 0.01, shape: [2, 3] };

describe('the comparison of arrays', () => {
  it('measures against the largest expected magnitude', () => {
    expect(worstDifference([1, 2.5], [1, -10]).error).toBe(1.25);
    expect(worstDifference([0.5, 0], [0, 0]).error).toBe(0.5);
  });

  it('names the worst element, its place and the line that runs the case again', () => {
    const actual = [0, 0, 0, 0, 0, 1.5];
    expect(() => assertClose(actual, [0, 0, 0, 0, 1, 2], { ...within, rerun: 'run me' })).toThrow(
      /^dx\[1, 1\] is 0, expected 1: normalised error 5\.00e-1 > 1\.00e-2 .*\n {2}again: run me$/,
    );
  });

  it('lets no NaN pass, nor a missing or an additional element', () => {
    expect(() => assertClose([NaN], [0], within)).toThrow('NaN');
    expect(() => assertClose([Infinity], [1], within)).toThrow('Infinity');
    expect(() => assertClose([1], [1, 1], within)).toThrow('2 elements expected, got 1');
    expect(() => assertClose([1, 1, 1], [1, 1], within)).toThrow('2 elements expected, got 3');
  });

  it('accepts what is within the tolerance', () => {
    expect(() => assertClose([1.009, -1], [1, -1], within)).not.toThrow();
    expect(() => assertClose([1.011, -1], [1, -1], within)).toThrow('normalised error');
  });

  it('finds what is not 0 beyond the lengths', () => {
    expect(() => assertZeroWhere([1, 0], (i) => i === 0, { name: 'y' })).not.toThrow();
    expect(() => assertZeroWhere([1, 1e-30], (i) => i === 0, { name: 'y' })).toThrow('y[1]');
  });
});
