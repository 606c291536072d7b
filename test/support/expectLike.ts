import { expect } from 'vitest';
import { assertClose } from './compare.js';
import { decode, type GoldenArrays } from './golden.js';

/** Holds named arrays to those of a golden file: the same names, and values within the tolerance. */
export function expectLike(
  actual: Readonly<Record<string, ArrayLike<number>>>,
  golden: GoldenArrays,
  tolerance: number,
): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(golden).sort());
  for (const [name, array] of Object.entries(golden)) {
    assertClose(actual[name]!, decode(array), { name: `golden ${name}`, tolerance, shape: array.shape });
  }
}
