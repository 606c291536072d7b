import { describe, expect, it } from 'vitest';

import { DataError, ShapeError } from '../../../src/errors.js';
import { classLabels, labelIds, labelNames } from '../../../src/index.js';

describe('class names', () => {
  it('are the different ones in order, and an id each', () => {
    const names = ['spam', 'ham', 'spam', 'eggs'];
    const labels = classLabels(names);
    expect(labels).toEqual(['eggs', 'ham', 'spam']);
    expect([...labelIds(names, labels)]).toEqual([2, 1, 2, 0]);
  });

  it('are those of the largest outputs, the first of equal ones', () => {
    const y = { data: Float32Array.of(0.1, 0.7, 0.2, 0.4, 0.2, 0.4), shape: [2, 3] };
    expect(labelNames(y, ['a', 'b', 'c'])).toEqual(['b', 'a']);
  });

  it('are two for a single probability', () => {
    const y = { data: Float32Array.of(0.49, 0.5, 0.9), shape: [3, 1] };
    expect(labelNames(y, ['no', 'yes'])).toEqual(['no', 'yes', 'yes']);
  });

  it('are refused where they do not fit', () => {
    const y = { data: new Float32Array(4), shape: [2, 2] };
    expect(() => labelNames(y, ['a', 'b', 'c'])).toThrow(ShapeError);
    expect(() => labelNames({ data: new Float32Array(4), shape: [1, 2, 2] }, ['a', 'b'])).toThrow(ShapeError);
    expect(() => labelIds(['a', 'x'], ['a', 'b'])).toThrow(
      "labels, row 1: expected one of 2 labels, received 'x'",
    );
    expect(() => classLabels([])).toThrow(DataError);
    expect(() => classLabels(['a', 1 as never])).toThrow(DataError);
  });
});
