import { field, settings } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import { ColumnReader, type ColumnType, type ColumnValue, isColumnType } from './columns.js';
import { columnIndex, openCsv } from './csvHeader.js';
import { type CsvFormat, formatFields } from './csvRows.js';
import { reiterable } from './reiterable.js';
import { type TextSource } from './text.js';

/** Columns by name, with what they hold. */
export type ColumnTypes = Readonly<Record<string, ColumnType>>;

/** A record by its columns; without `columns` all of them, as text. */
export type CsvRecord<C extends ColumnTypes | undefined> = C extends ColumnTypes
  ? { readonly [K in keyof C]: ColumnValue<C[K]> }
  : Readonly<Record<string, string>>;

export interface CsvRecordOptions<C extends ColumnTypes | undefined = undefined> extends CsvFormat {
  /** The columns to read. Default all, as text. */
  readonly columns?: C | undefined;
  /** Texts that stand for a missing number or date, such as `''` or `NA`: they are read as NaN. Default none. */
  readonly missing?: readonly string[] | undefined;
}

/** A list of texts that mean "nothing". */
export const missingField = field<readonly string[]>(
  'an array of texts',
  (value) => Array.isArray(value) && value.every((text) => typeof text === 'string'),
).optional();

export const columnsField = field<ColumnTypes>(
  "columns as { name: 'number' | 'integer' | 'text' | 'date' | [classes] }",
  (value) => typeof value === 'object' && value !== null && Object.values(value).every(isColumnType),
);

const schema = settings({ ...formatFields, columns: columnsField.optional(), missing: missingField });

/**
 * The records of a CSV source, one after the other, with typed columns; a path can be iterated again and again.
 *
 * @param source A path, or a stream or pieces of text.
 *
 * @example
 * ```ts
 * for await (const { label, text } of csvRecords('SMSSpamCollection.tsv', {
 *   header: ['label', 'text'],
 *   quote: false,
 *   columns: { label: ['ham', 'spam'], text: 'text' },
 * })) {
 *   // label: 0 | 1 as a number, text: string
 * }
 * ```
 *
 * @throws ConfigError for wrong options.
 * @throws DataError, while records are read: a file that cannot be read, a missing column, another number of fields, quotes
 *   out of place, a field that is not of its column's type; `details` are file, line, column, expected and received.
 */
export function csvRecords<const C extends ColumnTypes | undefined = undefined>(
  source: TextSource,
  options: CsvRecordOptions<C> = {},
): AsyncIterable<CsvRecord<C>> {
  const { columns, missing, ...format } = parseConfig(schema, options, 'csvRecords');
  return reiterable(async function* () {
    const body = await openCsv(source, format);
    try {
      const types = columns ?? Object.fromEntries(body.names.map((name) => [name, 'text' as const]));
      const read = recordReader(body, types, missing);
      for await (const { fields, line } of body.rows) yield read(fields, line) as CsvRecord<C>;
    } finally {
      await body.rows.return(undefined);
    }
  });
}

/** Makes an object of a record's fields. */
export function recordReader(
  body: { readonly names: readonly string[]; readonly file: string },
  types: ColumnTypes,
  missing: readonly string[] | undefined,
): (fields: readonly string[], line: number) => Record<string, string | number> {
  const columns = Object.entries(types).map(([name, type]) => ({
    name,
    index: columnIndex(body, name),
    reader: new ColumnReader(type, { file: body.file, column: name }, missing),
  }));
  return (fields, line) => {
    const record: Record<string, string | number> = {};
    for (const { name, index, reader } of columns) {
      record[name] = reader.read(fields[index]!, line);
    }
    return record;
  };
}
