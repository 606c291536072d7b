import { valueAt, type Leaf } from './space.js';
import type { TrialResult } from './trial.js';

/** A cell as it is written. */
type Cell = string | number | undefined;

/** One record a trial: number, state, value, each name of the space and what else there is. */
export function resultRows(
  trials: readonly TrialResult[],
  leaves: readonly Leaf[],
): Readonly<Record<string, Cell>>[] {
  const metrics = [...new Set(trials.flatMap((trial) => Object.keys(trial.metrics ?? {})))];
  const hasFolds = trials.some(({ folds }) => folds !== undefined);
  const hasResource = trials.some(({ resource }) => resource !== undefined);
  return trials.map((trial) => ({
    trial: trial.number,
    state: trial.state,
    value: trial.value,
    ...(hasFolds && { sd: trial.folds && deviation(trial.folds) }),
    ...(hasResource && { resource: trial.resource }),
    ...Object.fromEntries(leaves.map(({ path }) => [path.join('.'), cellOf(valueAt(trial.config, path))])),
    ...Object.fromEntries(metrics.map((name) => [name, trial.metrics?.[name]])),
    seconds: trial.seconds,
    error: trial.error?.message,
  }));
}

/** The same as aligned text. */
export function resultTable(trials: readonly TrialResult[], leaves: readonly Leaf[]): string {
  const rows = resultRows(trials, leaves);
  const names = Object.keys(rows[0] ?? {}).filter((name) => rows.some((row) => row[name] !== undefined));
  const cells = [names, ...rows.map((row) => names.map((name) => cellText(name, row[name])))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const isNumber = names.map((name) => rows.some((row) => typeof row[name] === 'number'));
  const lines = cells.map((row) =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('   ')
      .trimEnd(),
  );
  const rule = '─'.repeat(Math.max(...lines.map(({ length }) => length)));
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

/** Standard deviation of a sample. */
export function deviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1));
}

/** A value of a config as a word or a number. */
export function cellOf(value: unknown): Cell {
  if (value === undefined || typeof value === 'number' || typeof value === 'string') return value;
  return JSON.stringify(value);
}

function cellText(name: string, cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'string') return oneLine(cell);
  if (name === 'seconds') return cell.toFixed(1);
  return String(Number(cell.toPrecision(5)));
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= 60 ? line : `${line.slice(0, 57)}...`;
}
