/** The names of a record's numbers. */
export function numberNames(record: object): string[] {
  return Object.entries(record).flatMap(([name, value]) => (typeof value === 'number' ? [name] : []));
}

/** The numbers of records as CSV, with the names of the first's as the header; a line ends with a newline. */
export function recordsCsv(records: readonly object[]): string {
  if (records.length === 0) return '';
  const names = numberNames(records[0]!);
  return [names.map(csvField).join(','), ...records.map((record) => csvLine(record, names)), ''].join('\n');
}

/** One record's values by name, without the newline; what it lacks is left empty. */
export function csvLine(record: object, names: readonly string[]): string {
  const values = record as Readonly<Record<string, unknown>>;
  return names.map((name) => csvField(values[name])).join(',');
}

// RFC 4180: fields with commas, quotes or line breaks stand in quotes, quotes are doubled.
function csvField(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
