import { z } from 'zod';

import { choice, field, flag, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import { calendarFeatures, type CalendarFeature } from './calendar.js';

/**
 * How a column is scaled, with statistics of the training part: `standard` (v - mean) / population sd, `minMax`
 * (v - min) / (max - min), `robust` (v - median) / (upper - lower quartile), `log` standard on ln v, `none` as it is.
 * A spread of 0 counts as 1.
 */
export type ScalerKind = 'standard' | 'minMax' | 'robust' | 'log' | 'none';

/**
 * What stands for a missing value (NaN) of an input: `error` refuses it, `forward` repeats the last value seen, `linear`
 * goes straight from the last value to the next one within the window (after its last one: `forward`), `mean` is the
 * training part's mean, a number is that number. Where nothing was seen before, `forward` and `linear` take the mean.
 */
export type MissingRule = 'error' | 'forward' | 'linear' | 'mean' | number;

/** What the targets are learnt as; see {@link SeriesOptions.difference}. */
export type Difference = 'none' | 'last' | 'previous';

/** What {@link timeSeries} takes. */
export interface SeriesOptions {
  /** Steps a forecast looks back over. */
  readonly lookBack: number;
  /** Steps that are forecast at once. Default 1. */
  readonly horizon?: number | undefined;
  /** Steps from one window to the next. Default 1. */
  readonly stride?: number | undefined;
  /** The column or columns that are forecast. */
  readonly targets: string | readonly string[];
  /** Columns known up to the present. Default: the targets. */
  readonly inputs?: readonly string[] | undefined;
  /**
   * Columns known for the steps ahead as well, such as prices that are fixed; the time column here stands for its
   * calendar. With any, a window has `horizon` steps more, in which the inputs are 0. Default none.
   */
  readonly known?: readonly string[] | undefined;
  /** The column of times, rising: ISO dates such as '2016-07-01 13:00:00' or '1949-01' (UTC), or milliseconds since 1970. */
  readonly time?: string | undefined;
  /** Two channels each, sine and cosine, from the time column. Default none. */
  readonly calendar?: readonly CalendarFeature[] | undefined;
  /** The column that tells several series apart. Default: one series. */
  readonly series?: string | undefined;
  /** One for all columns, or by column, `standard` where none is named. Default `standard`. */
  readonly scaler?: ScalerKind | Readonly<Record<string, ScalerKind>> | undefined;
  /** One for all columns, or by column, `error` where none is named. Default `error`. */
  readonly missing?: MissingRule | Readonly<Record<string, MissingRule>> | undefined;
  /** A channel more for each input and known column: 1 where the value is missing. Default false. */
  readonly missingMask?: boolean | undefined;
  /**
   * `last`: targets, and their own columns among the inputs, are what they are above the window's last value. `previous`:
   * what they are above the step before, scaled by the spread of these differences; with the scaler `log` these are log
   * differences. `forecast` undoes it. Default `none`.
   */
  readonly difference?: Difference | undefined;
}

/** {@link SeriesOptions} with defaults filled in; JSON, frozen. */
export interface ResolvedSeriesOptions {
  readonly lookBack: number;
  readonly horizon: number;
  readonly stride: number;
  readonly targets: readonly string[];
  readonly inputs: readonly string[];
  readonly known: readonly string[];
  readonly time?: string | undefined;
  readonly calendar: readonly CalendarFeature[];
  readonly series?: string | undefined;
  readonly scaler: Readonly<Record<string, ScalerKind>>;
  readonly missing: Readonly<Record<string, MissingRule>>;
  readonly missingMask: boolean;
  readonly difference: Difference;
}

const name = field<string>('the name of a column', (value) => typeof value === 'string' && value !== '');
const names = z
  .array(name, { error: () => 'an array of column names' })
  .refine((list) => new Set(list).size === list.length, { error: () => 'names that differ' });
const someNames = names.min(1, { error: () => 'at least one column' });

const scalerKinds = ['standard', 'minMax', 'robust', 'log', 'none'] as const;
const scaler = choice(...scalerKinds);
const ruleWords: readonly unknown[] = ['error', 'forward', 'linear', 'mean'];
const rule = field<MissingRule>(
  "'error' | 'forward' | 'linear' | 'mean' | a finite number",
  (value) => ruleWords.includes(value) || Number.isFinite(value),
);

const shared = {
  lookBack: whole(1),
  horizon: whole(1).default(1),
  stride: whole(1).default(1),
  known: names.default([]),
  time: name.optional(),
  calendar: z
    .array(choice(...calendarFeatures), { error: () => 'an array of calendar features' })
    .refine((list) => new Set(list).size === list.length, { error: () => 'features that differ' })
    .default([]),
  series: name.optional(),
  missingMask: flag.default(false),
  difference: choice('none', 'last', 'previous').default('none'),
};

/** Of {@link SeriesOptions}. */
export const seriesSchema = settings({
  ...shared,
  targets: field<string | readonly string[]>(
    'a column or an array of columns',
    (value) => typeof value === 'string' || Array.isArray(value),
  ).transform((value, context) => {
    const { success, data } = someNames.safeParse(typeof value === 'string' ? [value] : value);
    if (success) return data;
    context.addIssue({ code: 'custom', message: 'a column or an array of different columns' });
    return z.NEVER;
  }),
  inputs: someNames.optional(),
  scaler: oneOrByColumn<ScalerKind>(scaler).optional(),
  missing: oneOrByColumn<MissingRule>(rule).optional(),
});

/** Of {@link ResolvedSeriesOptions}, as a file holds them. */
export const resolvedSchema = settings({
  ...shared,
  targets: someNames,
  inputs: someNames,
  scaler: z.record(z.string(), scaler),
  missing: z.record(z.string(), rule),
});

/** Defaults filled in and contradictions refused. @throws ConfigError */
export function resolveSeriesOptions(options: SeriesOptions): ResolvedSeriesOptions {
  const { inputs: given, scaler, missing, ...rest } = parseConfig(seriesSchema, options, 'timeSeries');
  const inputs = given ?? rest.targets;
  const resolved = { ...rest, inputs };
  const columns = numericColumns(resolved);
  return checkedOptions(
    {
      ...resolved,
      scaler: byColumn('scaler', scaler, columns, 'standard'),
      missing: byColumn('missing', missing, columns, 'error'),
    },
    'timeSeries',
  );
}

/** The columns that numbers are read from: targets, inputs and known ones, each once. */
export function numericColumns({
  targets,
  inputs,
  known,
  time,
}: Pick<ResolvedSeriesOptions, 'targets' | 'inputs' | 'known' | 'time'>): readonly string[] {
  return [...new Set([...inputs, ...known.filter((column) => column !== time), ...targets])];
}

/** @throws ConfigError */
export function checkedOptions(options: ResolvedSeriesOptions, path: string): ResolvedSeriesOptions {
  const { targets, inputs, known, time, calendar, series } = options;
  for (const column of known) {
    if (inputs.includes(column)) throw wrong(`${path}.known`, 'columns that are no inputs', `'${column}'`);
    if (targets.includes(column)) throw wrong(`${path}.known`, 'columns that are no targets', `'${column}'`);
  }
  for (const special of [time, series]) {
    if (special === undefined || (!inputs.includes(special) && !targets.includes(special))) continue;
    throw wrong(`${path}.inputs`, 'neither the time nor the series column', `'${special}'`);
  }
  if (series !== undefined && series === time) {
    throw wrong(`${path}.series`, 'another column than time', `'${series}'`);
  }
  if (calendar.length > 0 && time === undefined) {
    throw wrong(`${path}.time`, 'the column that the calendar is read from', 'undefined');
  }
  if (time !== undefined && known.includes(time) && calendar.length === 0) {
    throw wrong(`${path}.calendar`, `calendar features, '${time}' being known`, 'none');
  }
  for (const column of numericColumns(options)) {
    const rule = options.missing[column];
    if (options.scaler[column] !== 'log' || typeof rule !== 'number' || rule > 0) continue;
    throw wrong(`${path}.missing.${column}`, "a number above 0 for the scaler 'log'", String(rule));
  }
  return options;
}

function oneOrByColumn<T extends string | number>(one: z.ZodType<T>) {
  const table = z.record(z.string(), one);
  return z.unknown().transform((value, context): T | Readonly<Record<string, T>> => {
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
    const { success, data, error } = (isTable ? table : one).safeParse(value);
    if (success) return data;
    const { path, message } = error.issues[0]!;
    context.addIssue({ code: 'custom', path, message });
    return z.NEVER;
  });
}

function byColumn<T extends string | number>(
  option: string,
  value: T | Readonly<Record<string, T>> | undefined,
  columns: readonly string[],
  initial: T,
): Readonly<Record<string, T>> {
  const table = typeof value === 'object' ? value : undefined;
  const stray = Object.keys(table ?? {}).find((column) => !columns.includes(column));
  if (stray !== undefined) {
    throw wrong(`timeSeries.${option}`, `columns of ${columns.join(', ')}`, `'${stray}'`);
  }
  const choose = (column: string): T => {
    if (table === undefined) return (value as T | undefined) ?? initial;
    return Object.hasOwn(table, column) ? table[column]! : initial;
  };
  return Object.freeze(Object.fromEntries(columns.map((column) => [column, choose(column)])));
}

function wrong(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
