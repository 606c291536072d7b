import { settings } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import { ColumnReader, type ColumnType, parseDecimal } from './columns.js';
import { columnIndex, openCsv } from './csvHeader.js';
import { type ColumnTypes, columnsField, missingField } from './csvRecords.js';
import { type CsvFormat, formatFields } from './csvRows.js';
import { sourceError } from './sourceError.js';
import type { TextSource } from './text.js';

/** What a column of a type is in memory: numbers, dates and class ids together, text as it is. */
export type CsvColumn<T extends ColumnType = ColumnType> = T extends 'text'
  ? readonly string[]
  : Float64Array;

/** A table in memory, by columns of one length. */
export interface CsvTable<C extends ColumnTypes | undefined = undefined> {
  readonly columns: Readonly<Record<string, CsvColumn>> &
    (C extends ColumnTypes ? { readonly [K in keyof C]: CsvColumn<C[K]> } : unknown);
  readonly rows: number;
}

export interface ReadCsvOptions<C extends ColumnTypes | undefined = ColumnTypes> extends CsvFormat {
  /** What columns hold. Others hold numbers, if all of their fields are numbers or `missing`, else text. */
  readonly columns?: C | undefined;
  /** Texts that stand for a missing number or date, such as `''` or `NA`: they are read as NaN. Default none. */
  readonly missing?: readonly string[] | undefined;
}

const schema = settings({ ...formatFields, columns: columnsField.optional(), missing: missingField });

/**
 * A whole CSV source as a table.
 *
 * @example
 * ```ts
 * const table = await readCsv('ETTh1.csv', { columns: { date: 'date', OT: 'number' } });
 * table.columns.OT; // Float64Array
 * ```
 *
 * @throws ConfigError for wrong options. DataError as {@link csvRecords}, and for a source without records.
 */
export async function readCsv<const C extends ColumnTypes | undefined = undefined>(
  source: TextSource,
  options: ReadCsvOptions<C> = {},
): Promise<CsvTable<C>> {
  const { columns: types = {}, missing = [], ...format } = parseConfig(schema, options, 'readCsv');
  const body = await openCsv(source, format);
  const lines: number[] = [];
  const texts = body.names.map((): string[] => []);
  try {
    for (const name of Object.keys(types)) columnIndex(body, name);
    for await (const { fields, line } of body.rows) {
      lines.push(line);
      fields.forEach((field, index) => texts[index]!.push(field));
    }
  } finally {
    await body.rows.return(undefined);
  }
  if (lines.length === 0) throw sourceError({ file: body.file }, 'at least one record', 'none');
  const columns = body.names.map((name, index) => {
    const fields = texts[index]!;
    const named = Object.hasOwn(types, name) ? types[name] : undefined;
    const type = named ?? (holdsNumbers(fields, missing) ? 'number' : 'text');
    const reader = new ColumnReader(type, { file: body.file, column: name }, missing);
    return [name, readColumn(fields, reader, type, lines)] as const;
  });
  return Object.freeze({
    columns: Object.freeze(Object.fromEntries(columns)) as CsvTable<C>['columns'],
    rows: lines.length,
  });
}

function holdsNumbers(fields: readonly string[], missing: readonly string[]): boolean {
  const known = fields.filter((field) => !missing.includes(field.trim()));
  return known.length > 0 && known.every((field) => !Number.isNaN(parseDecimal(field)));
}

function readColumn(
  fields: readonly string[],
  reader: ColumnReader,
  type: ColumnType,
  lines: readonly number[],
): CsvColumn {
  if (type === 'text') return fields;
  return Float64Array.from(fields, (field, row) => reader.read(field, lines[row]!) as number);
}
