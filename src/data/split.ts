import { describe } from '../config/describe.js';
import { ConfigError, DataError } from '../errors.js';

/**
 * Keeps the last `share` of the rows for validation, before any shuffling, as Keras does:
 * rows from floor(count·(1 - share)) on.
 *
 * @throws ConfigError for a share outside 0 <= share < 1.
 * @throws DataError for a share that leaves nothing to train on, or nothing to validate with.
 */
export function tailSplit(
  count: number,
  share: number,
): { readonly train: Uint32Array; readonly validation: Uint32Array } {
  if (!(share >= 0 && share < 1)) {
    const expected = 'a number from 0 to below 1';
    throw new ConfigError(`validationSplit: expected ${expected}, received ${describe(share)}`, {
      path: 'validationSplit',
      expected,
      received: share,
    });
  }
  const boundary = Math.floor(count * (1 - share));
  if (share > 0 && (boundary === 0 || boundary === count)) {
    const expected = 'rows to train on and rows to validate with';
    const received = `${boundary} and ${count - boundary}`;
    throw new DataError(
      `validationSplit ${share} of ${count} sequences: expected ${expected}, received ${received}`,
      {
        name: 'validationSplit',
        expected,
        received,
      },
    );
  }
  const rows = Uint32Array.from({ length: count }, (_, index) => index);
  return { train: rows.subarray(0, boundary), validation: rows.subarray(boundary) };
}
