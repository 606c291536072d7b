import { describe } from '../config/describe.js';
import { ConfigError } from '../errors.js';

/** What a run's batches and steps follow from beside the model: JSON. A run is resumed with the same alone. */
export interface RunIdentity {
  readonly data: Readonly<Record<string, unknown>>;
  readonly fit: Readonly<Record<string, unknown>>;
}

/**
 * Checks that a run is resumed with what it was begun with.
 *
 * @throws ConfigError for the first difference, naming both values.
 */
export function requireSameRun(begun: RunIdentity, now: RunIdentity): void {
  const found = difference(begun, now, '');
  if (found === undefined) return;
  const { path, begun: expected, now: received } = found;
  throw new ConfigError(
    `${path}: expected ${text(expected)}, with which the run was begun that resume goes on with, received ${text(received)}`,
    { path, expected, received },
  );
}

interface Difference {
  readonly path: string;
  readonly begun: unknown;
  readonly now: unknown;
}

function difference(begun: unknown, now: unknown, path: string): Difference | undefined {
  if (!isObject(begun) || !isObject(now)) return Object.is(begun, now) ? undefined : { path, begun, now };
  for (const name of new Set([...Object.keys(begun), ...Object.keys(now)])) {
    const own = Array.isArray(begun) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
    const found = difference(begun[name], now[name], own);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function text(value: unknown): string {
  return value === undefined ? 'none' : isObject(value) ? JSON.stringify(value) : describe(value);
}
