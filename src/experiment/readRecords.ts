import { describe } from '../config/describe.js';
import { csvRows } from '../data/sources/csvRows.js';
import { sourceError, type SourcePlace } from '../data/sources/sourceError.js';
import { sourceName } from '../data/sources/text.js';
import { eachLine, type SourceRecord } from './records.js';
import type { Reading } from './source.js';

/**
 * The records of a CSV, TSV or JSON lines source, or of lines with separators, one after the other. TSV knows no quotes:
 * they are text.
 *
 * @throws DataError naming file and line for what is no record.
 */
export function readRecords(reading: Reading): AsyncIterable<SourceRecord> {
  if (reading.format === 'jsonLines') return jsonRecords(reading);
  return reading.separator === undefined ? tableRecords(reading) : separatedRecords(reading);
}

/** A line's columns by what stands between them; the last is the rest of the line, separators included. */
async function* separatedRecords(reading: Reading): AsyncGenerator<SourceRecord> {
  const { source, columns = [], separator = [] } = reading;
  const file = sourceName(source);
  const gaps = columns
    .slice(1)
    .map((_, gap) => (typeof separator === 'string' ? separator : separator[gap]!));
  for await (const { text, line } of eachLine(reading)) {
    if (text.trim() === '') continue;
    yield { fields: cutLine(text, columns, gaps, { file, line }), place: { file, line } };
  }
}

function cutLine(
  text: string,
  columns: readonly string[],
  gaps: readonly string[],
  place: SourcePlace,
): Readonly<Record<string, string>> {
  const fields: string[] = [];
  let from = 0;
  for (const [index, gap] of gaps.entries()) {
    const at = text.indexOf(gap, from);
    if (at < 0) throw sourceError({ ...place, column: columns[index]! }, `${describe(gap)} after it`, 'none');
    fields.push(text.slice(from, at));
    from = at + gap.length;
  }
  fields.push(text.slice(from));
  return Object.fromEntries(columns.map((name, index) => [name, fields[index]!]));
}

async function* tableRecords({ source, format, columns, encoding }: Reading): AsyncGenerator<SourceRecord> {
  const file = sourceName(source);
  const written =
    format === 'tsv'
      ? ({ delimiter: '\t', quote: false } as const)
      : ({ delimiter: ',', quote: '"' } as const);
  let names = columns;
  for await (const { fields, line } of csvRows(source, { ...written, encoding, header: columns ?? true })) {
    if (names === undefined) {
      names = headerNames(fields, { file, line });
      continue;
    }
    yield { fields: Object.fromEntries(names.map((name, i) => [name, fields[i]])), place: { file, line } };
  }
}

function headerNames(fields: readonly string[], place: { file: string; line: number }): readonly string[] {
  const names = fields.map((name) => name.trim());
  const repeated = names.find((name, i) => names.indexOf(name) < i);
  if (repeated !== undefined) throw sourceError(place, 'different names of columns', `'${repeated}' twice`);
  return names;
}

async function* jsonRecords(reading: Reading): AsyncGenerator<SourceRecord> {
  const file = sourceName(reading.source);
  for await (const { text, line } of eachLine(reading)) {
    if (text.trim() === '') continue;
    yield { fields: jsonObject(text, { file, line }), place: { file, line } };
  }
}

function jsonObject(text: string, place: { file: string; line: number }): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw sourceError(place, 'a JSON object', cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw sourceError(place, 'a JSON object', describe(value));
}
