import type { z } from 'zod';
import { ConfigError } from '../errors.js';
import { describe } from './describe.js';

/**
 * Checks settings against a schema and gives them resolved, defaults filled in, and frozen at every level.
 *
 * @param name What the settings belong to, as the user wrote it: `lstm`, `layers[1]`, `fit`.
 * @throws ConfigError naming the path, what was expected and what came.
 */
export function parseConfig<S extends z.ZodType>(schema: S, value: unknown, name: string): z.output<S> {
  return deepFreeze(parseOptions(schema, value, name));
}

/** The same for options that hold the user's own objects (callbacks, data), which are not ours to freeze. */
export function parseOptions<S extends z.ZodType>(schema: S, value: unknown, name: string): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw configError(firstIssue(result.error.issues), value, name);
  return result.data;
}

/** Freezes plain objects and arrays throughout; anything else (a signal, a typed array) is left as it is. */
export function deepFreeze<T>(value: T): T {
  if (!isPlain(value) || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/** Whether a value will read the same whenever it is read again: a word, a number, a function, or frozen throughout. */
export function isUnchanging(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return isPlain(value) && Object.isFrozen(value) && Object.values(value).every(isUnchanging);
}

// A misspelt name makes a needed one missing as well: the misspelling is what helps.
function firstIssue(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  return issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
}

function isPlain(value: unknown): value is object {
  if (Array.isArray(value)) return true;
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function configError(issue: z.core.$ZodIssue, value: unknown, name: string): ConfigError {
  const path = name + issue.path.map(pathPart).join('');
  if (issue.code === 'unrecognized_keys') {
    return new ConfigError(`${path}: ${issue.message}`, {
      path,
      expected: issue.message,
      received: issue.keys,
    });
  }
  const received = describe(valueAt(value, issue.path));
  const message = `${path}: expected ${issue.message}, received ${received}`;
  return new ConfigError(message, { path, expected: issue.message, received });
}

function pathPart(part: PropertyKey): string {
  return typeof part === 'number' ? `[${part}]` : `.${String(part)}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], value);
}
