import { nearestName } from '../config/nearestName.js';
import { ConfigError } from '../errors.js';
import type { ScalarMetric } from '../metrics/metric.js';
import { isRisingValue } from '../metrics/modelMetrics.js';
import type { EpochRecord } from './history.js';

/** Values of an epoch that can be watched. */
export type Monitor =
  | 'loss'
  | 'learningRate'
  | ScalarMetric
  // Of validation, and of heads: `valLoss`, `tagLoss`, `valTagAccuracy`.
  | `${string}Loss`
  | `${string}${Capitalize<ScalarMetric>}`;

/** Which way a watched value is to go. `auto` goes by the name: up for shares of what is right and scores, else down. */
export type MonitorMode = 'auto' | 'min' | 'max';

/** Whether more is better. */
export function rises(monitor: string, mode: MonitorMode): boolean {
  return mode === 'auto' ? isRisingValue(monitor) : mode === 'max';
}

/**
 * The watched value of an epoch.
 *
 * @param owner What watches, for the message: `earlyStopping`.
 * @throws ConfigError where it is not there.
 */
export function monitored(record: EpochRecord, monitor: string, owner: string): number {
  const value = (record as unknown as Readonly<Record<string, unknown>>)[monitor];
  if (typeof value !== 'number') throw missing(monitor, owner, Object.keys(record));
  return value;
}

/**
 * Checks before training that a value will be there.
 *
 * @param names What the records of epochs will hold.
 * @throws ConfigError
 */
export function checkMonitor(monitor: string, owner: string, names: readonly string[]): void {
  if (!names.includes(monitor)) throw missing(monitor, owner, names);
}

function missing(monitor: string, owner: string, names: readonly string[]): ConfigError {
  const path = `${owner}.monitor`;
  const near = nearestName(monitor, names);
  const needs = monitor.startsWith('val') ? 'validation data and, where named, its metric' : 'its metric';
  const hint = near === undefined ? '' : ` (there is '${near}')`;
  return new ConfigError(`${path}: '${monitor}' needs ${needs} in fit${hint}`, {
    path,
    expected: needs,
    received: monitor,
  });
}
