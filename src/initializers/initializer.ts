import type { z } from 'zod';
import { field, nonNegative, real, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';

/** How a parameter starts. Made by {@link xavier}, {@link orthogonal}, {@link uniform} and the like; frozen. */
export type Initializer =
  | { readonly kind: 'xavier' }
  | { readonly kind: 'orthogonal'; readonly gain: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly stddev: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'torchUniform' };

/** The kinds that a vector of biases can start from: the others need the two axes of a matrix. */
export type BiasInitializer = Exclude<Initializer, { readonly kind: 'xavier' | 'orthogonal' }>;

const orthogonalSettings = settings({ gain: real().default(1) });
const uniformSettings = settings({ low: real(), high: real() }).refine(({ low, high }) => low <= high, {
  error: 'low to be at most high',
});
const normalSettings = settings({ mean: real().default(0), stddev: nonNegative.default(0.05) });
const constantSettings = settings({ value: real() });

/**
 * Glorot's uniform distribution U(±sqrt(6 / (fanIn + fanOut))) (Glorot and Bengio 2010, eq. 16), the fans being the
 * two axes of the parameter [out, in]. The default of input weights.
 *
 * @example
 * ```ts
 * dense({ units: 10, initializer: xavier() });
 * ```
 */
export function xavier(): Initializer & { readonly kind: 'xavier' } {
  return Object.freeze({ kind: 'xavier' });
}

/**
 * A random matrix with orthonormal columns (or rows, where there are fewer), times `gain` (Saxe et al. 2014). The
 * default of recurrent weights.
 *
 * @param options `gain`: 1 by default.
 * @throws ConfigError
 * @example
 * ```ts
 * lstm({ hiddenSize: 64, recurrentInitializer: orthogonal({ gain: 0.9 }) });
 * ```
 */
export function orthogonal(options: { readonly gain?: number } = {}) {
  return make('orthogonal', orthogonalSettings, options);
}

/**
 * Uniform between `low` and `high`.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * embedding({ vocabSize: 100, size: 16, initializer: uniform({ low: -0.1, high: 0.1 }) });
 * ```
 */
export function uniform(options: { readonly low: number; readonly high: number }) {
  return make('uniform', uniformSettings, options);
}

/**
 * Normal with `mean` (0) and standard deviation `stddev` (0.05).
 *
 * @throws ConfigError
 * @example
 * ```ts
 * dense({ units: 1, initializer: normal({ stddev: 0.01 }) });
 * ```
 */
export function normal(options: { readonly mean?: number; readonly stddev?: number } = {}) {
  return make('normal', normalSettings, options);
}

/**
 * All zeros: the default of biases.
 *
 * @example
 * ```ts
 * dense({ units: 10, initializer: zeros() });
 * ```
 */
export function zeros() {
  return constant({ value: 0 });
}

/**
 * Every element `value`.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * dense({ units: 1, biasInitializer: constant({ value: 0.5 }) });
 * ```
 */
export function constant(options: { readonly value: number }) {
  return make('constant', constantSettings, options);
}

/**
 * What PyTorch starts the same layer from: U(±1/sqrt(hiddenSize)) for every weight and bias of an LSTM,
 * U(±1/sqrt(inputs)) for a dense layer, the standard normal distribution for an embedding.
 *
 * @example
 * ```ts
 * lstm({
 *   hiddenSize: 64,
 *   inputInitializer: torchUniform(),
 *   recurrentInitializer: torchUniform(),
 *   biasInitializer: torchUniform(),
 * });
 * ```
 */
export function torchUniform(): Initializer & { readonly kind: 'torchUniform' } {
  return Object.freeze({ kind: 'torchUniform' });
}

function make<const K extends string, S extends z.ZodType>(kind: K, schema: S, options: unknown) {
  const resolved = parseConfig(schema, options, kind) as z.output<S> & object;
  return Object.freeze({ kind, ...resolved });
}

const none = settings({});
/** The settings of each kind of initialiser. */
export const initializerSettings: Record<Initializer['kind'], z.ZodType> = {
  xavier: none,
  orthogonal: orthogonalSettings,
  uniform: uniformSettings,
  normal: normalSettings,
  constant: constantSettings,
  torchUniform: none,
};

/** An initialiser of a weight matrix, as a setting. */
export const initializerSchema = field<Initializer>('an initializer, such as xavier()', isInitializer);

/** An initialiser of a bias vector, as a setting. */
export const biasInitializerSchema = field<BiasInitializer>(
  'an initializer of biases: uniform(), normal(), zeros(), constant() or torchUniform()',
  (value) => isInitializer(value) && value.kind !== 'xavier' && value.kind !== 'orthogonal',
);

function isInitializer(value: unknown): value is Initializer {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const { kind, ...rest } = value as Initializer;
  return Object.hasOwn(initializerSettings, kind) && initializerSettings[kind].safeParse(rest).success;
}
