import { describe } from '../config/describe.js';
import { nearestName } from '../config/nearestName.js';
import { ConfigError } from '../errors.js';

/** A value, or for a model with heads one of each: `Head` is the names of its heads, `never` where it has none. */
export type ByHead<Head extends string, Value> = [Head] extends [never]
  ? Value
  : { readonly [Name in Head]: Value };

/** The same where heads may be left out. */
export type ByHeadPartly<Head extends string, Value> = [Head] extends [never]
  ? Value
  : { readonly [Name in Head]?: Value | undefined };

/**
 * The values of a model's heads in the heads' order; undefined for those that are left out.
 *
 * @param path Where they stand, for messages: `fit.loss`.
 * @param what What each of them is: `a loss`.
 * @throws ConfigError for what is no object of heads' names, and where a `required` one is missing.
 */
export function valuesByHead(
  value: unknown,
  heads: readonly string[],
  path: string,
  what: string,
  required: boolean,
): readonly unknown[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw invalid(path, `an object with ${what} for each of the heads ${heads.join(', ')}`, describe(value));
  }
  const unknown = Object.keys(value).find((name) => !heads.includes(name));
  if (unknown !== undefined) throw unknownHead(path, unknown, heads);
  return heads.map((head) => {
    const one = Object.hasOwn(value, head) ? (value as Readonly<Record<string, unknown>>)[head] : undefined;
    if (one === undefined && required) throw invalid(`${path}.${head}`, what, 'none');
    return one;
  });
}

function unknownHead(path: string, received: string, heads: readonly string[]): ConfigError {
  const near = nearestName(received, heads);
  const hint = near === undefined ? `heads are ${heads.join(', ')}` : `did you mean '${near}'?`;
  return new ConfigError(`${path}: no head ${describe(received)}; ${hint}`, {
    path,
    expected: heads.join(', '),
    received,
  });
}

function invalid(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
