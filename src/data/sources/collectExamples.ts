import { DataError } from '../../errors.js';
import type { Example } from '../examples.js';
import type { FeatureInput, TokenInput } from '../sequences.js';
import type { TargetInput } from '../targets.js';

/** Examples in memory, as `fit` takes them. */
export interface CollectedExamples {
  readonly x: FeatureInput | TokenInput;
  readonly y: TargetInput;
  /** Only where an example has one; 1 for those that have none. */
  readonly sampleWeights?: readonly number[];
}

/**
 * Reads all examples into memory: then `fit` can shuffle and bucket over all of them, and `split` can divide them.
 *
 * @example
 * ```ts
 * const data = await collectExamples(csvSequences('train.csv', options));
 * const { train, validation } = split(data, { by: 'stratified', validation: 0.2 });
 * ```
 *
 * @throws DataError for none.
 */
export async function collectExamples<E extends Example>(
  examples: Iterable<E> | AsyncIterable<E>,
): Promise<CollectedExamples> {
  const x: Example['x'][] = [];
  const y: Example['y'][] = [];
  const sampleWeights: number[] = [];
  let weighted = false;
  for await (const example of examples) {
    x.push(example.x);
    y.push(example.y);
    sampleWeights.push(example.sampleWeight ?? 1);
    weighted ||= example.sampleWeight !== undefined;
  }
  if (x.length > 0)
    return { x: x as CollectedExamples['x'], y: y as TargetInput, ...(weighted && { sampleWeights }) };
  throw new DataError('examples: expected at least one, received none', {
    name: 'examples',
    expected: 'at least one',
    received: 0,
  });
}
