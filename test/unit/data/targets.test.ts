import { describe, expect, it } from 'vitest';

import { type TargetInput, type TargetOptions, targetsFor } from '../../../src/data/targets.js';
import { DataError, ShapeError } from '../../../src/errors.js';

const lengths = Int32Array.of(2, 1);

function options(overrides: Partial<TargetOptions>): TargetOptions {
  return { loss: 'crossEntropy', classes: 3, perStep: false, lengths, ...overrides };
}

describe('targetsFor', () => {
  it.each<[string, TargetInput]>([
    ['an array', [2, 0]],
    ['a typed array', Int32Array.of(2, 0)],
    ['a tensor', { data: Uint8Array.of(2, 0), shape: [2] }],
  ])('takes class ids of vectors from %s', (_, y) => {
    const targets = targetsFor(y, options({}));
    expect(targets).toMatchObject({ kind: 'ids', perStep: false, width: 1 });
    expect([...targets.data]).toEqual([2, 0]);
  });

  it('takes distributions', () => {
    const targets = targetsFor(
      [
        [0.5, 0.25, 0.25],
        [0, 0, 1],
      ],
      options({}),
    );
    expect(targets).toMatchObject({ kind: 'values', width: 3 });
    expect([...targets.data]).toEqual([0.5, 0.25, 0.25, 0, 0, 1]);
  });

  it.each<[string, TargetInput]>([
    ['ragged as the inputs', [[2, 0], [1]]],
    [
      'padded to one length',
      [
        [2, 0, -1],
        [1, -1, -1],
      ],
    ],
    ['a padded tensor', { data: Int32Array.of(2, 0, 1, -100), shape: [2, 2] }],
  ])('takes class ids of steps %s', (_, y) => {
    const targets = targetsFor(y, options({ perStep: true }));
    expect(targets).toMatchObject({ kind: 'ids', perStep: true });
    expect([...targets.data]).toEqual([2, 0, 1]);
  });

  it('takes values of steps', () => {
    const y = { data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), shape: [2, 2, 2] };
    const targets = targetsFor(y, options({ loss: 'mse', classes: 2, perStep: true }));
    expect([...targets.data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each<[string, TargetInput, boolean, number[]]>([
    ['vectors', [1, 2], false, [1, 2]],
    ['vectors in a typed array', Float64Array.of(1, 2), false, [1, 2]],
    ['steps', [[1, 2], [3]], true, [1, 2, 3]],
    ['steps in a tensor', { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] }, true, [1, 2, 3]],
  ])('takes single values without an axis of their own: %s', (_, y, perStep, expected) => {
    const targets = targetsFor(y, options({ loss: 'mse', classes: 1, perStep }));
    expect(targets.width).toBe(1);
    expect([...targets.data]).toEqual(expected);
  });

  it.each<[string, TargetInput, Partial<TargetOptions>]>([
    ['ids for mse', [1, 2], { loss: 'mse' }],
    ['ids of vectors for steps', [1, 2], { perStep: true }],
    ['steps for vectors', [[[1, 0, 0]], [[1, 0, 0]]], {}],
    [
      'distributions of another size',
      [
        [1, 0],
        [0, 1],
      ],
      {},
    ],
    ['more rows than inputs', [1, 2, 0], {}],
    ['fewer steps than the input has', [[1], [1]], { perStep: true }],
    [
      'ragged rows that are not the inputs',
      [
        [1, 1],
        [1, 1, 1],
      ],
      { perStep: true },
    ],
    ['float ids', Float32Array.of(1, 2), {}],
    ['nothing', undefined as unknown as TargetInput, {}],
    ['a text', 'ab' as unknown as TargetInput, {}],
  ])('refuses %s as a matter of shape', (_, y, overrides) => {
    expect(() => targetsFor(y, options(overrides))).toThrow(ShapeError);
  });

  it.each<[string, TargetInput, Partial<TargetOptions>, string]>([
    ['a class id that is too large', [0, 3], {}, 'y row 1: expected a class id from 0 to 2, received 3'],
    [
      'a negative class id',
      Int32Array.of(0, -1),
      {},
      'y row 1: expected a class id from 0 to 2, received -1',
    ],
    ['a class id of a step', [[0, 3], [0]], { perStep: true }, 'y row 0, step 1: expected a class id'],
    [
      'a distribution that does not sum to 1',
      [
        [0, 0, 1],
        [0.5, 0, 0],
      ],
      {},
      'y row 1: expected a distribution',
    ],
    [
      'a negative probability',
      [
        [0, 0, 1],
        [2, -1, 0],
      ],
      {},
      'y row 1: expected probabilities',
    ],
    [
      'a label above 1',
      [1, 2],
      { loss: 'binaryCrossEntropy', classes: 1 },
      'y row 1: expected probabilities',
    ],
    ['NaN', [1, Number.NaN], { loss: 'mse', classes: 1 }, 'y row 1: expected finite float32 numbers'],
  ])('refuses %s and names the row', (_, y, overrides, message) => {
    expect(() => targetsFor(y, options(overrides))).toThrow(DataError);
    expect(() => targetsFor(y, options(overrides))).toThrow(message);
  });
});
