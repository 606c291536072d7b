import { z } from 'zod';
import { choice, flag, fraction, nonNegative, positive, real, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { isCustomLoss, type CustomLoss } from './customLoss.js';

/** Class weights, label smoothing and the id that does not count. */
export interface CrossEntropyOptions {
  /**
   * e of t' = (1 - e)·t + e/K, the targets that are learnt instead of t (Szegedy et al. 2016), 0 <= e < 1. Default 0.
   */
  readonly labelSmoothing?: number | undefined;
  /** [K], each >= 0: what a row's loss is multiplied by, by class. Default 1. */
  readonly classWeights?: readonly number[] | undefined;
  /** Rows whose class id is this do not count; the id need not be a class. Default none. */
  readonly ignoreIndex?: number | undefined;
}

/** A loss with its settings: made by {@link mse}, {@link crossEntropy} and the others; frozen, JSON. */
export type BuiltInLoss =
  | { readonly kind: 'mse' | 'mae' | 'logCosh' | 'binaryCrossEntropy' }
  | { readonly kind: 'huber'; readonly delta: number }
  | { readonly kind: 'quantile'; readonly quantiles: readonly number[] }
  | { readonly kind: 'gaussianNll'; readonly full: boolean }
  | ({ readonly kind: 'crossEntropy' } & CrossEntropyOptions);

/** A loss: one of the package's, or {@link customLoss}'s. */
export type Loss = BuiltInLoss | CustomLoss;

/** The losses by name. */
export type LossKind = BuiltInLoss['kind'];

/** The losses that need no settings, by name. */
export type LossName = Exclude<LossKind, 'quantile'>;

/** A loss, or the name of one with its default settings. */
export type LossInput = LossName | Loss;

/**
 * Mean squared error: mean over all live elements of (y - target)². Targets have the shape of the output; [N] is
 * enough where the output has one value a sequence. Padding beyond a sequence's length does not count.
 *
 * @example
 * ```ts
 * await model.fit({ x, y }, { loss: mse() });
 * ```
 */
export function mse(): BuiltInLoss {
  return Object.freeze({ kind: 'mse' });
}

/**
 * Mean absolute error: mean over all live elements of |y - target|, with derivative 0 where they are equal. Targets as
 * for {@link mse}.
 *
 * @example
 * ```ts
 * await model.fit({ x, y }, { loss: mae() });
 * ```
 */
export function mae(): BuiltInLoss {
  return Object.freeze({ kind: 'mae' });
}

export const huberSchema = settings({ delta: positive.default(1) });

/**
 * Huber's loss: mean over all live elements of ½d² where |d| < delta, else delta·(|d| - ½delta), d = y - target
 * (Huber, "Robust estimation of a location parameter", 1964; PyTorch's HuberLoss). Targets as for {@link mse}.
 *
 * @param options `delta` 1: where squares end, in the unit of the targets.
 * @throws ConfigError
 * @example
 * ```ts
 * await model.fit({ x, y }, { loss: huber({ delta: 0.5 }) });
 * ```
 */
export function huber(options: { readonly delta?: number | undefined } = {}): BuiltInLoss {
  return Object.freeze({ kind: 'huber', ...parseConfig(huberSchema, options, 'huber') });
}

/**
 * Mean over all live elements of log cosh(y - target): ½d² near 0 and |d| - log 2 far from it, smooth everywhere
 * (Keras' LogCosh). Targets as for {@link mse}.
 *
 * @example
 * ```ts
 * await model.fit({ x, y }, { loss: logCosh() });
 * ```
 */
export function logCosh(): BuiltInLoss {
  return Object.freeze({ kind: 'logCosh' });
}

const share = real('a number between 0 and 1', (value) => value > 0 && value < 1);
export const quantileSchema = settings({
  quantiles: z
    .array(share, { error: () => 'a list of numbers between 0 and 1' })
    .min(1, { error: () => 'at least one quantile' })
    .refine((list) => list.every((value, i) => i === 0 || value > list[i - 1]!), {
      error: () => 'quantiles that rise',
    }),
});

/**
 * Quantile (pinball) loss, several quantiles at once: mean over all live targets and quantiles of
 * max(q·(target - y), (q - 1)·(target - y)), with derivative 0 where they are equal (Koenker and Bassett, "Regression
 * quantiles", 1978). A model of Q quantiles of K targets has K·Q outputs, channel k·Q + q being quantile q of target
 * k; targets are [N, K] or [N, T, K], without the last axis when K is 1. Nothing keeps the quantiles from crossing.
 *
 * @param options `quantiles`: each between 0 and 1, rising.
 * @throws ConfigError
 * @example
 * ```ts
 * const model = await sequential([lstm({ hiddenSize: 32 }), dense({ units: 3 })], { inputSize: 4 });
 * await model.fit({ x, y }, { loss: quantile({ quantiles: [0.1, 0.5, 0.9] }) });
 * ```
 */
export function quantile(options: { readonly quantiles: readonly number[] }): BuiltInLoss {
  return Object.freeze({ kind: 'quantile', ...parseConfig(quantileSchema, options, 'quantile') });
}

export const gaussianSchema = settings({ full: flag.default(false) });

/**
 * Negative log-likelihood of a normal distribution whose mean and variance are both learnt: mean over all live targets
 * of ½(log v + (y - target)²/v) (Nix and Weigend, "Estimating the mean and variance of the target probability
 * distribution", 1994). A model of K targets has 2K outputs: channel 2k is the mean y of target k, channel 2k + 1 the
 * logarithm s of its variance, v = max(exp s, 1e-6); the derivative goes through the maximum as if it were not there,
 * as in PyTorch's GaussianNLLLoss. Targets are [N, K] or [N, T, K], without the last axis when K is 1.
 *
 * @param options `full` false: with the constant ½ log 2π, which changes no gradient.
 * @throws ConfigError
 * @example
 * ```ts
 * const model = await sequential([lstm({ hiddenSize: 32 }), dense({ units: 2 })], { inputSize: 4 });
 * await model.fit({ x, y }, { loss: gaussianNll() });
 * ```
 */
export function gaussianNll(options: { readonly full?: boolean | undefined } = {}): BuiltInLoss {
  return Object.freeze({ kind: 'gaussianNll', ...parseConfig(gaussianSchema, options, 'gaussianNll') });
}

export const crossEntropySchema = settings({
  labelSmoothing: fraction.optional(),
  classWeights: z.array(nonNegative, { error: () => 'a list of numbers from 0' }).optional(),
  ignoreIndex: whole(-0x7fff_ffff, 0x7fff_ffff).optional(),
});

/**
 * Cross-entropy: mean over live rows of -Σ_k w_k·t'_k·log p_k, with p the softmax of the head's logits, computed from
 * the logits themselves, w the class weights and t' the smoothed targets. The last layer is a dense layer with
 * `softmax` (fused into the loss) or `linear` (logits). Targets are class ids ([N] or [N, T]) or distributions
 * ([N, K] or [N, T, K]).
 *
 * Conventions are those of PyTorch's cross_entropy: by ids the sum is divided by Σ w of the rows' own classes, rows of
 * `ignoreIndex` left out of both; by distributions it is divided by the number of rows. Sample weights multiply the
 * sum alone. A batch in which no row counts has the loss 0 and changes nothing (in PyTorch: NaN).
 *
 * @throws ConfigError; from `fit` and `evaluate` also for class weights that are not one a class.
 * @example
 * ```ts
 * await model.fit({ x, y: [0, 2, 1] }, { loss: crossEntropy({ labelSmoothing: 0.1 }) });
 * ```
 */
export function crossEntropy(options: CrossEntropyOptions = {}): BuiltInLoss {
  return Object.freeze({ kind: 'crossEntropy', ...parseConfig(crossEntropySchema, options, 'crossEntropy') });
}

/**
 * Binary cross-entropy: mean over live elements of -(target log p + (1 - target) log(1 - p)), with p the logistic
 * sigmoid of the head's logits, computed from the logits themselves. The last layer is a dense layer with
 * `sigmoid` (fused into the loss) or `linear` (logits). Targets, from 0 to 1, have the shape of the output: with K
 * outputs a row has K labels, each on or off.
 *
 * @example
 * ```ts
 * await model.fit({ x, y: [0, 1, 1] }, { loss: binaryCrossEntropy() });
 * ```
 */
export function binaryCrossEntropy(): BuiltInLoss {
  return Object.freeze({ kind: 'binaryCrossEntropy' });
}

type Factory = (options: never) => BuiltInLoss;

const factories = {
  mse,
  mae,
  huber,
  logCosh,
  quantile,
  gaussianNll,
  crossEntropy,
  binaryCrossEntropy,
} as const satisfies Record<LossKind, Factory>;

const kinds = choice(...(Object.keys(factories) as LossKind[]));

/** One of the package's losses as a setting: a descriptor or a name, resolved. */
export const builtInLossSchema = z.unknown().transform(resolveBuiltIn);

/** A loss as a setting: the same, or a custom loss. */
export const lossSchema = z
  .unknown()
  .transform((value, context): Loss => (isCustomLoss(value) ? value : resolveBuiltIn(value, context)));

function resolveBuiltIn(value: unknown, context: z.core.$RefinementCtx): BuiltInLoss {
  const given = typeof value === 'object' && value !== null ? value : { kind: value };
  const { kind, ...options } = given as Record<string, unknown>;
  const known = kinds.safeParse(kind);
  if (known.success) return (factories[known.data] as (options: unknown) => BuiltInLoss)(options);
  context.addIssue({ code: 'custom', message: known.error.issues[0]!.message, input: value });
  return z.NEVER;
}

/** How many channels of the output belong to one target. */
export function channelsPerTarget(loss: Loss): number {
  if (loss.kind === 'quantile') return loss.quantiles.length;
  return loss.kind === 'gaussianNll' ? 2 : 1;
}
