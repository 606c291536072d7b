import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { field, flag } from '../../config/fields.js';
import type { DataError } from '../../errors.js';
import { sourceError, type SourcePlace } from './sourceError.js';
import { type Line, linesOf, sourceName, type TextOptions, type TextSource } from './text.js';

/** How a CSV file is written. */
export interface CsvFormat extends TextOptions {
  /** One character or more. Default `,`, and a tab for paths that end in `.tsv`. */
  readonly delimiter?: string | undefined;
  /** Surrounds fields that hold delimiters or line ends, twice it stands for itself; false: nothing does. Default `"`. */
  readonly quote?: string | false | undefined;
  /** `true`: the first line names the columns. Else their names, or `false` for `0`, `1`, ... Default true. */
  readonly header?: boolean | readonly string[] | undefined;
  /** Lines that begin with this are left out. Default none. */
  readonly comment?: string | undefined;
  /** Leave out spaces around fields. Default false; names and numbers never mind them. */
  readonly trim?: boolean | undefined;
}

const text = (least: number, most: number, expected: string) =>
  field<string>(
    expected,
    (value) => typeof value === 'string' && value.length >= least && value.length <= most,
  );

/** What {@link CsvFormat} is checked by. */
export const formatFields = {
  delimiter: text(1, 8, 'one character or a few').optional(),
  quote: z
    .union([text(1, 1, 'a character'), z.literal(false)], { error: () => 'one character or false' })
    .optional(),
  header: field<boolean | readonly string[]>(
    'true, false or an array of names',
    (value) =>
      typeof value === 'boolean' || (Array.isArray(value) && value.every((name) => typeof name === 'string')),
  ).optional(),
  comment: text(1, 8, 'the start of a line').optional(),
  trim: flag.optional(),
  encoding: text(1, 40, 'the name of an encoding').optional(),
};

/** One record as it stands in the file. */
export interface CsvRow {
  readonly fields: readonly string[];
  /** Where it begins, from 1. */
  readonly line: number;
}

/** A quote that is never closed would make one record of the rest of a file: no record is longer than this. */
const longestRecord = 2 ** 24;

/**
 * Records of a CSV source, the header's line among them; empty lines are left out. Records without a quote are cut at the
 * delimiters, all others go to csv-parse.
 *
 * @throws DataError for quotes out of place and for another number of fields than the names or the first record have, with
 *   the line their record begins in.
 */
export async function* csvRows(source: TextSource, format: CsvFormat): AsyncGenerator<CsvRow> {
  const file = sourceName(source);
  const { comment, header, trim = false, quote = '"' } = format;
  const style = { delimiter: format.delimiter ?? (file.endsWith('.tsv') ? '\t' : ','), quote, trim };
  const joiner = new RecordJoiner(quote, comment);
  let width = typeof header === 'object' ? header.length : undefined;
  const toRow = ({ text, line }: Line): CsvRow => {
    const fields = fieldsOf(text, style, { file, line });
    width ??= fields.length;
    if (fields.length === width) return { fields, line };
    throw sourceError({ file, line }, `${width} fields`, `${fields.length}`);
  };
  for await (const lines of linesOf(source, format.encoding)) {
    for (const line of lines) {
      const record = joiner.add(line);
      if (record) yield toRow(record);
    }
  }
  if (joiner.open) yield toRow(joiner.open);
}

/** Puts lines together while a quote is open: a quote inside a quoted field is written twice, so their number tells. */
class RecordJoiner {
  readonly #quote: string | false;
  readonly #comment: string | undefined;
  #isClosed = true;
  /** Lines that are no record yet. */
  open: Line | undefined;

  constructor(quote: string | false, comment: string | undefined) {
    this.#quote = quote;
    this.#comment = comment;
  }

  /** The record that ends with a line, if one does. */
  add(next: Line): Line | undefined {
    if (this.open === undefined && this.#isNothing(next.text)) return undefined;
    if (this.#quote !== false && isOdd(next.text, this.#quote)) this.#isClosed = !this.#isClosed;
    const record = this.open ? { text: `${this.open.text}\n${next.text}`, line: this.open.line } : next;
    const isWhole = this.#isClosed || record.text.length > longestRecord;
    if (isWhole) this.#isClosed = true;
    this.open = isWhole ? undefined : record;
    return isWhole ? record : undefined;
  }

  #isNothing(text: string): boolean {
    return text === '' || (this.#comment !== undefined && text.startsWith(this.#comment));
  }
}

function isOdd(text: string, quote: string): boolean {
  let odd = false;
  for (let at = text.indexOf(quote); at >= 0; at = text.indexOf(quote, at + 1)) odd = !odd;
  return odd;
}

function fieldsOf(
  text: string,
  style: { readonly delimiter: string; readonly quote: string | false; readonly trim: boolean },
  place: SourcePlace,
): readonly string[] {
  const { delimiter, quote, trim } = style;
  if (quote === false || !text.includes(quote)) {
    const fields = text.split(delimiter);
    return trim ? fields.map((field) => field.trim()) : fields;
  }
  try {
    return parse(text, { ...style, relax_column_count: true, record_delimiter: '\n' })[0]!;
  } catch (error) {
    throw malformed(error, place);
  }
}

const expectations: Readonly<Record<string, readonly [expected: string, received: string]>> = {
  CSV_QUOTE_NOT_CLOSED: ['a closing quote', 'none'],
  INVALID_OPENING_QUOTE: [
    'a quote only at the start of a field',
    'one inside it (`quote: false` takes it as text)',
  ],
  CSV_INVALID_CLOSING_QUOTE: ['a delimiter or the end of the line after a closing quote', 'more text'],
};

function malformed(error: unknown, place: SourcePlace): DataError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [expected, received] = expectations[code] ?? ['a CSV record', String(error)];
  return sourceError(place, expected, received, { cause: error });
}
