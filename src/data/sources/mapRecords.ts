import { reiterable } from './reiterable.js';

/**
 * Converts records as they are read; undefined leaves one out. The result can be iterated as often as the records can.
 *
 * @example
 * ```ts
 * const examples = mapRecords(jsonLines('train.jsonl', { read: schema.parse }), ({ text, label }) => ({
 *   x: vocabulary.encode(text),
 *   y: label,
 * }));
 * ```
 *
 * @param convert Gets a record and its number from 0.
 */
export function mapRecords<A, B>(
  records: Iterable<A> | AsyncIterable<A>,
  convert: (record: A, index: number) => B | undefined | Promise<B | undefined>,
): AsyncIterable<B> {
  return reiterable(async function* () {
    let index = 0;
    for await (const record of records) {
      const converted = await convert(record, index++);
      if (converted !== undefined) yield converted;
    }
  });
}
