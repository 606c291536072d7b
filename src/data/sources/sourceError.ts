import { describe } from '../../config/describe.js';
import { DataError } from '../../errors.js';

/** Where in a source something is: lines from 1, as editors count them. */
export interface SourcePlace {
  /** A path, or `input` for a stream. */
  readonly file: string;
  readonly line?: number | undefined;
  /** A column's name, or for text without columns the character in its line, from 1. */
  readonly column?: string | number | undefined;
}

/** An error in a file: `train.csv:12, column 'c3': expected a number, received 'abc'`. */
export function sourceError(
  place: SourcePlace,
  expected: string,
  received: string,
  options?: ErrorOptions,
): DataError {
  const { file, line, column } = place;
  const where = `${file}${line === undefined ? '' : `:${line}`}`;
  const named = typeof column === 'string' ? `, column ${describe(column)}` : '';
  const at = typeof column === 'number' ? `:${column}` : '';
  const message = `${where}${at}${named}: expected ${expected}, received ${received}`;
  return new DataError(message, { ...place, expected, received }, options);
}
