import { split } from '../data/splits.js';
import { DataError } from '../errors.js';

/** Examples to train on and to validate with. */
export interface ExampleParts<E> {
  readonly train: readonly E[];
  readonly validation: readonly E[] | undefined;
}

/** Takes a share of examples for validation: the same for the same examples and seed. */
export function splitExamples<E>(
  examples: readonly E[],
  share: number | undefined,
  options: {
    readonly by: 'random' | 'stratified' | 'tail';
    readonly seed: number;
    readonly source: string;
    readonly labels?: (() => readonly string[]) | undefined;
  },
): ExampleParts<E> {
  if (share === undefined) return { train: examples, validation: undefined };
  const { by, seed, labels, source } = options;
  const seeded = by === 'tail' ? { by } : by === 'random' ? { by, seed } : { by, seed, labels: labels?.() };
  try {
    const parts = split(examples.length, { ...seeded, validation: share });
    const rows = (list: Uint32Array) => Array.from(list, (row) => examples[row]!);
    return { train: rows(parts.train), validation: rows(parts.validation) };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(`${source}: ${error.message}`, { ...error.details }, { cause: error });
  }
}
