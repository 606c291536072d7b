import { describe } from '../config/describe.js';
import { columnOf, type DataTable } from '../data/table.js';
import { DataError } from '../errors.js';

/** What a time's sine and cosine go round with. */
export type CalendarFeature = 'hour' | 'weekday' | 'month' | 'dayOfYear';

/** All of them. */
export const calendarFeatures = ['hour', 'weekday', 'month', 'dayOfYear'] as const;

const day = 86_400_000;

// Date, then perhaps a time of day, then perhaps a zone.
const isoPattern =
  /^(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?)?$/;

/**
 * Where a time stands in its round, 0 to below 1, in UTC: `hour` the time of day, `weekday` the day from Monday on,
 * `month` the month, `dayOfYear` the day of that year's 365 or 366.
 */
export function calendarPhase(feature: CalendarFeature, time: number): number {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  const newYear = Date.UTC(year, 0);
  switch (feature) {
    case 'hour':
      return (((time % day) + day) % day) / day;
    case 'weekday':
      return ((date.getUTCDay() + 6) % 7) / 7;
    case 'month':
      return date.getUTCMonth() / 12;
    case 'dayOfYear':
      return Math.floor((time - newYear) / day) / ((Date.UTC(year + 1, 0) - newYear) / day);
  }
}

/**
 * The times of a column in milliseconds since 1970: numbers as they are, ISO dates in UTC where they name no zone.
 *
 * @throws DataError for what is no time, with its row.
 */
export function timeColumn(table: DataTable, name: string): Float64Array {
  return Float64Array.from(columnOf(table, name) as ArrayLike<unknown>, (value, row) => {
    const time = parseTime(value);
    if (time !== undefined) return time;
    const expected = "a time such as '2016-07-01 13:00:00', or milliseconds";
    throw new DataError(`column '${name}', row ${row}: expected ${expected}, received ${describe(value)}`, {
      name,
      row,
      expected,
      received: value,
    });
  });
}

/** Milliseconds since 1970, or undefined for what is no time. */
export function parseTime(value: unknown): number | undefined {
  if (value instanceof Date) return parseTime(value.getTime());
  // What a Date can hold.
  if (typeof value === 'number') return Math.abs(value) <= 8.64e15 ? value : undefined;
  const parts = typeof value === 'string' ? isoPattern.exec(value.trim()) : null;
  if (parts === null) return undefined;
  const [year, month, date, hour, minute, second] = parts
    .slice(1, 7)
    .map((part, index) => Number(part ?? (index === 2 ? 1 : 0))) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const milliseconds = Number(`0.${parts[7] ?? '0'}`) * 1000;
  const midnight = new Date(0);
  // Not Date.UTC, which takes the year 50 for 1950.
  midnight.setUTCFullYear(year, month - 1, date);
  const real = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === date;
  if (!real || hour > 23 || minute > 59 || second > 59) return undefined;
  const local = midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds;
  return local - zoneOffset(parts[8]);
}

function zoneOffset(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}
