import { describe } from '../../config/describe.js';
import { nearestName } from '../../config/nearestName.js';
import { type CsvFormat, type CsvRow, csvRows } from './csvRows.js';
import { sourceError } from './sourceError.js';
import { sourceName, type TextSource } from './text.js';

/** The columns of a CSV source, and its records after the header. */
export interface CsvBody {
  readonly file: string;
  readonly names: readonly string[];
  /** Each as many fields as there are names. */
  readonly rows: AsyncGenerator<CsvRow>;
}

/**
 * Reads the header, or names the columns as the format says.
 *
 * @throws DataError for an empty source and for names that come twice; while rows are read, as {@link csvRows}.
 */
export async function openCsv(source: TextSource, format: CsvFormat): Promise<CsvBody> {
  const file = sourceName(source);
  const { header = true } = format;
  const rows = csvRows(source, format);
  const first = await rows.next();
  if (first.done === true) throw sourceError({ file }, 'at least one line', 'an empty source');
  const names = namesOf(first.value, header);
  try {
    requireDistinct(names, file, first.value.line);
  } catch (error) {
    await rows.return(undefined);
    throw error;
  }
  return { file, names, rows: header === true ? rows : withFirst(first.value, rows) };
}

function namesOf(first: CsvRow, header: boolean | readonly string[]): readonly string[] {
  if (header === true) return first.fields.map((name) => name.trim());
  return header === false ? first.fields.map((_, index) => `${index}`) : header;
}

function requireDistinct(names: readonly string[], file: string, line: number): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw sourceError({ file, line }, 'distinct column names', `${describe(twice)} twice`);
}

async function* withFirst(first: CsvRow, rows: AsyncGenerator<CsvRow>): AsyncGenerator<CsvRow> {
  try {
    yield first;
    yield* rows;
  } finally {
    await rows.return(undefined);
  }
}

/**
 * Where a column is.
 *
 * @throws DataError for one that is not there; the nearest name is suggested.
 */
export function columnIndex({ names, file }: Pick<CsvBody, 'names' | 'file'>, name: string): number {
  const index = names.indexOf(name);
  if (index >= 0) return index;
  const near = nearestName(name, names);
  const shown = names.length > 12 ? `${names.slice(0, 12).join(', ')}, ...` : names.join(', ');
  const hint = near === undefined ? '' : ` (did you mean '${near}'?)`;
  throw sourceError({ file, line: 1 }, `a column ${describe(name)}`, `columns ${shown}${hint}`);
}
