import { describe } from '../../config/describe.js';
import { nearestName } from '../../config/nearestName.js';
import { sourceError, type SourcePlace } from './sourceError.js';

/**
 * What a column holds: a number, a whole number, text, a date (`2016-07-01 12:00`, UTC where it names no zone; given as
 * milliseconds since 1970), or classes by name, given as their place in the list.
 */
export type ColumnType = 'number' | 'integer' | 'text' | 'date' | readonly string[];

/** What a field of a column is read as. */
export type ColumnValue<T extends ColumnType> = T extends 'text' ? string : number;

const words = ['number', 'integer', 'text', 'date'];

/** Whether a value is a {@link ColumnType}. */
export function isColumnType(value: unknown): value is ColumnType {
  if (typeof value === 'string') return words.includes(value);
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((name) => typeof name === 'string') && new Set(value).size === value.length;
}

const decimal = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
const date = /^\d{4}-\d\d(?:-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?$/;

/** A decimal number, or NaN for any other text. */
export function parseDecimal(text: string): number {
  // Number ignores spaces around a number, as this does.
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : Number.NaN;
}

function parseDate(text: string): number {
  const match = date.exec(text.trim());
  if (match === null) return Number.NaN;
  const zone = match[1] === undefined && text.includes(':') ? 'Z' : '';
  return Date.parse(text.trim().replace(' ', 'T') + zone);
}

/** Reads the fields of one column of a file. `missing` texts are NaN where a number is wanted. */
export class ColumnReader<T extends ColumnType = ColumnType> {
  readonly #type: T;
  readonly #place: SourcePlace;
  readonly #missing: ReadonlySet<string>;
  readonly #classes: ReadonlyMap<string, number> | undefined;

  constructor(type: T, place: SourcePlace, missing: readonly string[] = []) {
    this.#type = type;
    this.#place = place;
    this.#missing = new Set(missing);
    if (typeof type !== 'string') this.#classes = new Map(type.map((name, id) => [name, id]));
  }

  /** @throws DataError for a field that is none of its type. */
  read(field: string, line: number): ColumnValue<T> {
    return this.#read(field, line) as ColumnValue<T>;
  }

  #read(field: string, line: number): number | string {
    if (this.#type === 'text') return field;
    if (this.#classes) return this.#classId(field, line);
    if (this.#missing.size > 0 && this.#missing.has(field.trim())) return Number.NaN;
    const value = this.#type === 'date' ? parseDate(field) : parseDecimal(field);
    if (Number.isNaN(value) || (this.#type === 'integer' && !Number.isSafeInteger(value))) {
      throw sourceError({ ...this.#place, line }, this.#expectation(), describe(field));
    }
    return value;
  }

  #classId(field: string, line: number): number {
    const id = this.#classes!.get(field) ?? this.#classes!.get(field.trim());
    if (id !== undefined) return id;
    const names = [...this.#classes!.keys()];
    const near = nearestName(field, names);
    const hint = near === undefined ? '' : ` (did you mean '${near}'?)`;
    const shown = names.length > 8 ? `${names.slice(0, 8).join(', ')}, ...` : names.join(', ');
    throw sourceError({ ...this.#place, line }, `one of the classes ${shown}`, `${describe(field)}${hint}`);
  }

  #expectation(): string {
    if (this.#type === 'date') return 'a date such as 2016-07-01 or 2016-07-01 12:00';
    return this.#type === 'integer' ? 'a whole number' : 'a number';
  }
}
