import { describe } from '../config/describe.js';
import { nearestName } from '../config/nearestName.js';
import { sourceError, type SourcePlace } from '../data/sources/sourceError.js';
import { linesOf, sourceName, type Line } from '../data/sources/text.js';
import type { DataError } from '../errors.js';
import type { Reading } from './source.js';

/** One record of a file: what its columns or fields hold. */
export interface SourceRecord {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly place: SourcePlace;
}

/** The error of a field that cannot be used. */
export function wrongField(
  { place }: SourceRecord,
  column: string,
  expected: string,
  received: unknown,
): DataError {
  return sourceError({ ...place, column }, expected, describe(received));
}

/**
 * A field that has to be there.
 *
 * @throws DataError naming the nearest column that is.
 */
export function fieldOf({ fields, place }: SourceRecord, column: string): unknown {
  if (Object.hasOwn(fields, column)) return fields[column];
  const known = Object.keys(fields);
  const near = nearestName(column, known);
  const hint = near === undefined ? '' : ` (did you mean '${near}'?)`;
  throw sourceError(place, `a column '${column}'`, `${known.join(', ')}${hint}`);
}

/** A field as text; numbers and booleans of JSON become theirs. */
export function textOf(record: SourceRecord, column: string): string {
  const value = fieldOf(record, column);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw wrongField(record, column, 'a text', value);
}

/** The name of a class: a text that is not empty. */
export function labelOf(record: SourceRecord, column: string): string {
  return nameOf(record, column, 'the name of a class');
}

/** What a record's rows are kept together by: a text that is not empty. */
export function groupOf(record: SourceRecord, column: string): string {
  return nameOf(record, column, 'the name of a group');
}

function nameOf(record: SourceRecord, column: string, expected: string): string {
  const name = textOf(record, column).trim();
  if (name === '') throw wrongField(record, column, expected, name);
  return name;
}

/** A field as a finite number; CSV's texts are read. */
export function numberOf(record: SourceRecord, column: string): number {
  const value = fieldOf(record, column);
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw wrongField(record, column, 'a finite number', value);
}

/** The lines of a source, one after the other. */
export async function* eachLine({ source, encoding }: Reading): AsyncGenerator<Line> {
  for await (const lines of linesOf(source, encoding)) yield* lines;
}

/** All examples of a source. @throws DataError for none */
export async function collectSome<T>(items: AsyncIterable<T>, { source }: Reading): Promise<T[]> {
  const list = await collect(items);
  if (list.length > 0) return list;
  throw sourceError({ file: sourceName(source) }, 'at least one example', 'none');
}

/** All items of an async iterable. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
