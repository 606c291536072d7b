import type { Result } from '../experiment/tasks/task.js';

/** How results can be written down. */
export const resultFormats = ['csv', 'tsv', 'jsonLines', 'tokenLines'] as const;
export type ResultFormat = (typeof resultFormats)[number];

/** Results as lines, without their ends, as they come; of CSV and TSV the first names the fields. */
export async function* resultLines(
  results: AsyncIterable<Result>,
  format: ResultFormat,
): AsyncGenerator<string> {
  if (format === 'jsonLines') {
    for await (const result of results) yield JSON.stringify(result);
    return;
  }
  if (format === 'tokenLines') {
    for await (const result of results) yield* tokenLines(result);
    return;
  }
  const [delimiter, cell] = format === 'csv' ? ([',', csvCell] as const) : (['\t', tsvCell] as const);
  let names: readonly string[] | undefined;
  for await (const result of results) {
    const row = flat(result);
    if (names === undefined) {
      names = Object.keys(row);
      yield names.map(cell).join(delimiter);
    }
    yield names.map((name) => cell(row[name])).join(delimiter);
  }
}

// Probabilities of classes become columns of their own.
function flat({ probabilities, ...rest }: Result): Record<string, unknown> {
  const shares = Object.entries((probabilities ?? {}) as Record<string, number>);
  return { ...rest, ...Object.fromEntries(shares.map(([label, share]) => [`p_${label}`, share])) };
}

function cellText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean);
}

// RFC 4180: fields with commas, quotes or line breaks stand in quotes, quotes are doubled.
function csvCell(value: unknown): string {
  const text = cellText(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// TSV has no quotes: what would end a field or a line becomes a blank.
function tsvCell(value: unknown): string {
  return cellText(value).replaceAll(/[\t\r\n]/g, ' ');
}

/** A token and its tag a line, and an empty line after the sentence. */
function* tokenLines(result: Result): Generator<string> {
  const [tokens, tags] = Object.values(result) as [readonly string[], readonly string[]];
  for (const [index, token] of tokens.entries()) yield `${token}\t${tags[index]}`;
  yield '';
}
