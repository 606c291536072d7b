import { z } from 'zod';
import { choice as word, field, positive, real, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { normalHalfWidth } from '../metrics/normalQuantile.js';

/** What a value of a random search is drawn from: made by {@link draw}; frozen, JSON. */
export type Distribution<T = unknown> =
  | { readonly kind: 'uniform' | 'logUniform' | 'integer'; readonly low: number; readonly high: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly sd: number }
  | { readonly kind: 'choice'; readonly values: readonly T[] };

type Range = Extract<Distribution, { readonly low: number }>;

const kind = word('uniform', 'logUniform', 'integer', 'normal', 'choice');
const rises = { error: () => 'high above low' };
const uniformSchema = settings({ kind, low: real(), high: real() }).refine((r) => r.high > r.low, rises);
const logUniformSchema = settings({ kind, low: positive, high: positive }).refine(
  (r) => r.high > r.low,
  rises,
);
const whole = real('a whole number', Number.isSafeInteger);
const integerSchema = settings({ kind, low: whole, high: whole })
  .refine((r) => r.high > r.low, rises)
  .refine((r) => r.high - r.low < 2 ** 32, { error: () => 'fewer than 2^32 whole numbers' });
const normalSchema = settings({ kind, mean: real(), sd: positive });
const choiceSchema = settings({
  kind,
  values: z.array(z.unknown(), { error: () => 'a list of values' }).min(1, { error: () => 'a value' }),
});

const schemas = {
  uniform: uniformSchema,
  logUniform: logUniformSchema,
  integer: integerSchema,
  normal: normalSchema,
  choice: choiceSchema,
};

/**
 * Distributions of the values of a random search.
 *
 * - `uniform(low, high)`: every number between them alike.
 * - `logUniform(low, high)`: the logarithm is uniform, for rates and penalties; both above 0.
 * - `integer(low, high)`: every whole number from low to high alike, both included.
 * - `normal(mean, sd)`: the normal distribution.
 * - `choice(values)`: each alike; a plain list in a space means the same.
 *
 * @throws ConfigError for bounds that cannot be
 * @example
 * ```ts
 * const space = {
 *   hiddenSize: draw.integer(16, 256),
 *   learningRate: draw.logUniform(1e-4, 1e-1),
 *   activation: ['tanh', 'relu'],
 * };
 * ```
 */
export const draw = Object.freeze({
  uniform: (low: number, high: number) => checked({ kind: 'uniform', low, high }, 'draw.uniform') as Range,
  logUniform: (low: number, high: number) =>
    checked({ kind: 'logUniform', low, high }, 'draw.logUniform') as Range,
  integer: (low: number, high: number) => checked({ kind: 'integer', low, high }, 'draw.integer') as Range,
  normal: (mean: number, sd: number) =>
    checked({ kind: 'normal', mean, sd }, 'draw.normal') as Extract<Distribution, { kind: 'normal' }>,
  choice: <const V extends readonly unknown[]>(values: V) =>
    checked({ kind: 'choice', values }, 'draw.choice') as { readonly kind: 'choice'; readonly values: V },
});

const kindSchema = z.looseObject(
  { kind },
  { error: () => "a distribution, such as { kind: 'uniform', low: 0, high: 1 }" },
);

/** Whether a part of a space is a distribution, by its kind; a group of names may call one of them `kind`. */
export function isDistribution(value: object): value is Distribution {
  return 'kind' in value && typeof value.kind === 'string';
}

/**
 * A distribution held to the rules of its kind.
 *
 * @throws ConfigError
 */
export function checked(value: unknown, name: string): Distribution {
  const { kind } = parseConfig(kindSchema, value, name);
  return parseConfig(schemas[kind] as typeof choiceSchema, value, name) as Distribution;
}

/** The value below which a share u of the distribution lies, 0 < u < 1; of a choice the u-th of its values. */
export function quantileOf<T>(distribution: Distribution<T>, u: number): T | number {
  switch (distribution.kind) {
    case 'uniform':
      return between(distribution.low, distribution.high, u);
    case 'logUniform': {
      const { low, high } = distribution;
      return clamp(Math.exp(between(Math.log(low), Math.log(high), u)), low, high);
    }
    case 'integer':
      return distribution.low + Math.floor(u * (distribution.high - distribution.low + 1));
    case 'normal':
      return distribution.mean + distribution.sd * standardNormal(u);
    case 'choice':
      return distribution.values[Math.floor(u * distribution.values.length)]!;
  }
}

function between(low: number, high: number, u: number): number {
  return low * (1 - u) + high * u;
}

// exp and log do not undo each other to the last bit.
function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function standardNormal(u: number): number {
  return Math.sign(u - 0.5) * normalHalfWidth(Math.abs(2 * u - 1));
}

/** A list of a space as a setting. */
export const listSchema = field<readonly unknown[]>(
  'a list with at least one value',
  (value) => Array.isArray(value) && value.length > 0,
);
