import type { z } from 'zod';
import { field, flag, fraction, positive, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { learningRateSchema, type LearningRate } from '../schedules/schedule.js';

/**
 * Limits on gradients before the update: `globalNorm` scales all of them together so that their joint L2 norm is at
 * most this (Pascanu et al. 2013, algorithm 1), `tensorNorm` does so for each parameter alone, `value` cuts every
 * element to ±value.
 */
export type Clip =
  { readonly globalNorm: number } | { readonly tensorNorm: number } | { readonly value: number };

/** Adam's settings, resolved. */
export interface Adam {
  readonly kind: 'adam';
  readonly learningRate: LearningRate;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly clip?: Clip | undefined;
}

/** The settings of stochastic gradient descent, resolved. */
export interface Sgd {
  readonly kind: 'sgd';
  readonly learningRate: LearningRate;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly clip?: Clip | undefined;
}

/** What turns gradients into updates: made by {@link adam} or {@link sgd}; frozen. */
export type Optimizer = Adam | Sgd;

/** An optimiser, or the name of one with its default settings. */
export type OptimizerInput = Optimizer | 'adam' | 'sgd';

const clipSchema = settings({
  globalNorm: positive.optional(),
  tensorNorm: positive.optional(),
  value: positive.optional(),
}).refine((clip) => Object.values(clip).filter((limit) => limit !== undefined).length === 1, {
  error: 'exactly one of globalNorm, tensorNorm and value',
}) as unknown as z.ZodType<Clip, Clip>;

const adamSettings = settings({
  learningRate: learningRateSchema.default(1e-3),
  beta1: fraction.default(0.9),
  beta2: fraction.default(0.999),
  epsilon: positive.default(1e-8),
  clip: clipSchema.optional(),
});

const sgdSettings = settings({
  learningRate: learningRateSchema.default(0.01),
  momentum: fraction.default(0),
  nesterov: flag.default(false),
  clip: clipSchema.optional(),
});

/** What {@link adam} takes. */
export type AdamOptions = Partial<Omit<Adam, 'kind'>>;

/** What {@link sgd} takes. */
export type SgdOptions = Partial<Omit<Sgd, 'kind'>>;

/**
 * Adam (Kingma and Ba 2015, algorithm 1) with bias correction:
 * p -= learningRate · m̂ / (sqrt(v̂) + epsilon).
 *
 * @param options `learningRate` 1e-3, `beta1` 0.9, `beta2` 0.999, `epsilon` 1e-8, `clip` none.
 * @throws ConfigError
 * @example
 * ```ts
 * await model.fit(data, { loss: 'mse', optimizer: adam({ learningRate: 2e-3, clip: { globalNorm: 1 } }) });
 * ```
 */
export function adam(options: AdamOptions = {}): Adam {
  return Object.freeze({ kind: 'adam', ...parseConfig(adamSettings, options, 'adam') });
}

/**
 * Stochastic gradient descent with momentum as in PyTorch: b = momentum · b + g, p -= learningRate · b, or with
 * `nesterov` p -= learningRate · (g + momentum · b) (Sutskever et al. 2013).
 *
 * @param options `learningRate` 0.01, `momentum` 0, `nesterov` false, `clip` none.
 * @throws ConfigError
 * @example
 * ```ts
 * await model.fit(data, { loss: 'mse', optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) });
 * ```
 */
export function sgd(options: SgdOptions = {}): Sgd {
  return Object.freeze({ kind: 'sgd', ...parseConfig(sgdSettings, options, 'sgd') });
}

/** An optimiser as a setting: a descriptor or a name, resolved. */
export const optimizerSchema = field<OptimizerInput>(
  "an optimizer: adam(), sgd(), 'adam' or 'sgd'",
  (value) =>
    isKind(value) || (typeof value === 'object' && value !== null && 'kind' in value && isKind(value.kind)),
).transform((value): Optimizer => {
  const { kind, ...options } = typeof value === 'string' ? { kind: value } : value;
  return kind === 'adam' ? adam(options) : sgd(options);
});

function isKind(value: unknown): boolean {
  return value === 'adam' || value === 'sgd';
}
