import { describe } from '../config/describe.js';
import { DataError } from '../errors.js';

/** For an id that a vocabulary of `size` ids does not have. @throws DataError */
export function refuseId(id: unknown, index: number, size: number): never {
  const expected = `an id from 0 to ${size - 1}`;
  throw new DataError(`ids[${index}]: expected ${expected}, received ${describe(id)}`, {
    name: 'ids',
    expected,
    received: id,
    index,
  });
}
