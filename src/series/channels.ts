import { calendarPhase } from './calendar.js';
import type { FilledColumn } from './filled.js';
import type { ResolvedSeriesOptions } from './options.js';
import type { FittedScaler } from './scaler.js';

/**
 * A channel of one series: what it holds at a step of the window whose last known step is `now`, and whose last step is
 * `last` (`now`, or with known columns `now + horizon`).
 */
export type Channel = (step: number, now: number, last: number) => number;

/** What the channels of one series are made of. */
export interface ChannelSources {
  readonly columns: Readonly<Record<string, FilledColumn>>;
  readonly scalers: Readonly<Record<string, FittedScaler>>;
  /** [S] milliseconds. */
  readonly times: Float64Array | undefined;
}

/** What x holds: inputs, known columns, calendar, masks, and with known columns whether a step lies ahead. */
export function channelNames(options: ResolvedSeriesOptions): string[] {
  const { inputs, known, calendar, missingMask } = options;
  const columns = [...inputs, ...knownColumns(options)];
  return [
    ...columns,
    ...calendar.flatMap((feature) => [`${feature}.sin`, `${feature}.cos`]),
    ...(missingMask ? columns.map((name) => `${name}.missing`) : []),
    ...(known.length > 0 ? ['ahead'] : []),
  ];
}

/** The channels of one series, in the order of {@link channelNames}. */
export function makeChannels(options: ResolvedSeriesOptions, sources: ChannelSources): Channel[] {
  const { inputs, known, missingMask } = options;
  const { columns, scalers } = sources;
  const present =
    (channel: Channel): Channel =>
    (step, now, last) =>
      step > now ? 0 : channel(step, now, last);
  const missing =
    (name: string): Channel =>
    (step) =>
      Number(columns[name]!.missing(step));
  return [
    ...inputs.map((name) => present(inputChannel(options, name, columns[name]!, scalers[name]!))),
    ...knownColumns(options).map((name) => knownChannel(columns[name]!, scalers[name]!)),
    ...calendarChannels(options, sources.times).map((channel) =>
      known.includes(options.time!) ? channel : present(channel),
    ),
    ...(missingMask
      ? [...inputs.map((name) => present(missing(name))), ...knownColumns(options).map(missing)]
      : []),
    ...(known.length > 0 ? [(step: number, now: number) => Number(step > now)] : []),
  ];
}

function inputChannel(
  { difference, targets }: ResolvedSeriesOptions,
  name: string,
  column: FilledColumn,
  { center, scale }: FittedScaler,
): Channel {
  if (difference === 'none' || !targets.includes(name)) {
    return (step, now) => (column.level(step, now) - center) / scale;
  }
  if (difference === 'last') return (step, now) => (column.level(step, now) - column.lastLevel(now)) / scale;
  return (step, now) => (column.level(step, now) - column.level(step - 1, now) - center) / scale;
}

// What is known of the steps ahead is known at every step.
function knownChannel(column: FilledColumn, { center, scale }: FittedScaler): Channel {
  return (step, _now, last) => (column.level(step, last) - center) / scale;
}

function calendarChannels({ calendar }: ResolvedSeriesOptions, times: Float64Array | undefined): Channel[] {
  return calendar.flatMap((feature) => {
    const angles = times!.map((time) => 2 * Math.PI * calendarPhase(feature, time));
    return [Math.sin, Math.cos].map((wave): Channel => {
      const values = angles.map(wave);
      return (step) => values[step]!;
    });
  });
}

function knownColumns({ known, time }: ResolvedSeriesOptions): readonly string[] {
  return known.filter((name) => name !== time);
}
