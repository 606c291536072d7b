import { z } from 'zod';
import { choice, positive, real, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';

/** How classes' scores become one: see {@link precision}. */
export type Average = 'binary' | 'micro' | 'macro' | 'weighted';

/** Metrics that need no settings, by name. */
export type PlainMetric =
  | 'accuracy'
  | 'classReport'
  | 'confusionMatrix'
  | 'perplexity'
  | 'bitsPerCharacter'
  | 'mae'
  | 'mse'
  | 'rmse'
  | 'mape'
  | 'smape'
  | 'r2';

/** A metric with its settings; frozen, JSON. */
export type MetricDescriptor =
  | { readonly kind: PlainMetric }
  | { readonly kind: 'topK'; readonly k: number }
  | { readonly kind: 'precision' | 'recall' | 'f1'; readonly average?: Average | undefined }
  | { readonly kind: 'rocAuc'; readonly average: 'macro' | 'weighted' }
  | { readonly kind: 'mase'; readonly scale: number | readonly number[] }
  | { readonly kind: 'intervalCoverage'; readonly level: number };

/** The metrics by name. */
export type MetricName = MetricDescriptor['kind'];

/**
 * A metric, or the name of one with its default settings. Over live rows (`crossEntropy`, rows of `ignoreIndex` left
 * out) or live elements (the other losses), with p the prediction and t the target:
 *
 * - `accuracy`: share of rows whose largest output is at the target's class, or of elements (`binaryCrossEntropy`)
 *   where output and target are on the same side of ½.
 * - {@link topK}, {@link precision}, {@link recall}, {@link f1}, {@link rocAuc}.
 * - `classReport`: precision, recall, f1 and support of each class. `confusionMatrix`: [K][K] counts, a row for each
 *   actual class, a column for each predicted one; for at most 1,024 classes, one a row.
 * - `perplexity`: exp of the mean -log p of the target, class weights and smoothing left out; `bitsPerCharacter`: that
 *   mean in bits. Both of `crossEntropy`.
 * - `mae`, `mse`: mean |p - t| and (p - t)². `rmse`: its root. `mape`: mean |p - t| / max(|t|, 2⁻⁵²), a share, not per
 *   cent. `smape`: mean 2|p - t| / (|p| + |t|), 0 where both are 0, from 0 to 2 (Makridakis 1993). `r2`:
 *   1 - Σ(p - t)² / Σ(t - mean t)². Of several outputs each has its own, and the mean is given (scikit-learn's
 *   `uniform_average`). `quantile` needs ½ among its quantiles for them; `gaussianNll` takes the mean.
 * - {@link mase}, {@link intervalCoverage}.
 */
export type Metric = PlainMetric | 'topK' | 'precision' | 'recall' | 'f1' | 'rocAuc' | MetricDescriptor;

/** Scores of each class; NaN never, 0 where a share is 0 / 0. */
export interface ClassReport {
  readonly precision: readonly number[];
  readonly recall: readonly number[];
  readonly f1: readonly number[];
  /** How many rows are of the class. */
  readonly support: readonly number[];
}

/** What a metric comes to where it is not a number. */
interface StructuredValues {
  readonly classReport: ClassReport;
  readonly confusionMatrix: readonly (readonly number[])[];
}

/** The value of a metric. */
export type MetricValue<M extends MetricName> = M extends keyof StructuredValues
  ? StructuredValues[M]
  : number;

/** Metrics whose value is a number. */
export type ScalarMetric = Exclude<MetricName, keyof StructuredValues>;

/** Values of the metrics that were asked for. */
export type MetricValues = { readonly [M in MetricName]?: MetricValue<M> };

/** The same measured on validation data: `valAccuracy`, ... */
export type ValidationMetricValues = {
  readonly [M in MetricName as `val${Capitalize<M>}`]?: MetricValue<M>;
};

/** The name that a value has when it is measured on validation data. */
export function validationName<N extends string>(name: N): `val${Capitalize<N>}` {
  return `val${name[0]!.toUpperCase()}${name.slice(1)}` as `val${Capitalize<N>}`;
}

export const topKSchema = settings({ k: whole(1).default(5) });

/**
 * Share of rows whose target is among the k largest outputs; of equal outputs the later class stands first, as in
 * scikit-learn's `top_k_accuracy_score`. For `crossEntropy`.
 *
 * @param options `k` 5.
 * @throws ConfigError
 * @example
 * ```ts
 * const { topK: share } = await model.evaluate(data, { loss: 'crossEntropy', metrics: [topK({ k: 3 })] });
 * ```
 */
export function topK(options: { readonly k?: number | undefined } = {}): MetricDescriptor {
  return Object.freeze({ kind: 'topK', ...parseConfig(topKSchema, options, 'topK') });
}

/** What {@link precision}, {@link recall} and {@link f1} take. */
export interface AverageOptions {
  readonly average?: Average | undefined;
}

export const averageSchema = settings({ average: choice('binary', 'micro', 'macro', 'weighted').optional() });

/**
 * Precision: of the rows predicted to be of a class, the share that is. 0 where none is predicted.
 *
 * @param options `average`: `binary`, of class 1 of two; `macro`, the mean over classes; `weighted`, the mean by
 *   classes' rows; `micro`, of all classes' counts together. Means are over classes that occur among targets or
 *   predictions, or over all labels of a multi-label model (scikit-learn's `precision_score`). Default `binary` for one
 *   sigmoid output, else `macro`.
 * @throws ConfigError
 * @example
 * ```ts
 * await model.fit(data, { loss: 'crossEntropy', metrics: [precision({ average: 'macro' }), 'recall', 'f1'] });
 * ```
 */
export function precision(options: AverageOptions = {}): MetricDescriptor {
  return Object.freeze({ kind: 'precision', ...parseConfig(averageSchema, options, 'precision') });
}

/**
 * Recall: of the rows of a class, the share that is predicted to be. 0 where there is none. Averages as for
 * {@link precision}.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * await model.evaluate(data, { loss: 'crossEntropy', metrics: [recall({ average: 'weighted' })] });
 * ```
 */
export function recall(options: AverageOptions = {}): MetricDescriptor {
  return Object.freeze({ kind: 'recall', ...parseConfig(averageSchema, options, 'recall') });
}

/**
 * F1: the harmonic mean of precision and recall, 2·right / (predicted + actual). Averages as for {@link precision}.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * await model.evaluate(data, { loss: 'crossEntropy', metrics: [f1({ average: 'micro' })] });
 * ```
 */
export function f1(options: AverageOptions = {}): MetricDescriptor {
  return Object.freeze({ kind: 'f1', ...parseConfig(averageSchema, options, 'f1') });
}

export const rocAucSchema = settings({ average: choice('macro', 'weighted').default('macro') });

/**
 * Area under the receiver operating characteristic: how often a row of the class has a larger score than a row that is
 * not, equal ones counting ½ (Hanley and McNeil 1982). Of several classes each is held against the rest by its
 * probability, of several labels each is taken alone, and their mean is given (scikit-learn's `roc_auc_score`,
 * one-vs-rest); NaN where a class has no rows or all. Needs the order of the scores, so outputs come back from the
 * device: 4 bytes an output and row.
 *
 * @param options `average` `macro`; `weighted` by classes' rows.
 * @throws ConfigError
 * @example
 * ```ts
 * const { rocAuc: area } = await model.evaluate(data, { loss: 'binaryCrossEntropy', metrics: ['rocAuc'] });
 * ```
 */
export function rocAuc(
  options: { readonly average?: 'macro' | 'weighted' | undefined } = {},
): MetricDescriptor {
  return Object.freeze({ kind: 'rocAuc', ...parseConfig(rocAucSchema, options, 'rocAuc') });
}

export const scaleSchema = settings({
  scale: z.union([positive, z.array(positive).min(1)], {
    error: () => 'a number above 0, or one for each target',
  }),
});

/**
 * Mean absolute scaled error: mean |p - t| divided by `scale`, the mean absolute error of the naive forecast on the
 * training series (Hyndman and Koehler, "Another look at measures of forecast accuracy", 2006): `naiveScale` computes
 * it. Of several targets the mean.
 *
 * @param options `scale`: above 0, one for all targets or one for each.
 * @throws ConfigError
 * @example
 * ```ts
 * const scale = naiveScale(series, { seasonality: 24 });
 * await model.evaluate(data, { loss: 'mae', metrics: [mase({ scale })] });
 * ```
 */
export function mase(options: { readonly scale: number | readonly number[] }): MetricDescriptor {
  return Object.freeze({ kind: 'mase', ...parseConfig(scaleSchema, options, 'mase') });
}

export const levelSchema = settings({
  level: real('a number between 0 and 1', (value) => value > 0 && value < 1),
});

/**
 * Share of targets inside the forecast's central interval, ends included: with `quantile` between its quantiles
 * (1 - level)/2 and (1 + level)/2, which must be there; with `gaussianNll` within the normal distribution's. A
 * calibrated forecast has about `level`.
 *
 * @param options `level`: between 0 and 1.
 * @throws ConfigError
 * @example
 * ```ts
 * const loss = quantile({ quantiles: [0.1, 0.5, 0.9] });
 * await model.fit(data, { loss, metrics: [intervalCoverage({ level: 0.8 })] });
 * ```
 */
export function intervalCoverage(options: { readonly level: number }): MetricDescriptor {
  return Object.freeze({
    kind: 'intervalCoverage',
    ...parseConfig(levelSchema, options, 'intervalCoverage'),
  });
}

const plain = [
  'accuracy',
  'classReport',
  'confusionMatrix',
  'perplexity',
  'bitsPerCharacter',
  'mae',
  'mse',
  'rmse',
  'mape',
  'smape',
  'r2',
] as const satisfies readonly PlainMetric[];

const factories = { topK, precision, recall, f1, rocAuc, mase, intervalCoverage };

/** The metrics whose value is a number, by name. */
export const scalarMetrics = [
  'accuracy',
  'topK',
  'precision',
  'recall',
  'f1',
  'rocAuc',
  'perplexity',
  'bitsPerCharacter',
  'mae',
  'mse',
  'rmse',
  'mape',
  'smape',
  'mase',
  'r2',
  'intervalCoverage',
] as const satisfies readonly ScalarMetric[];

const rising: readonly string[] = ['accuracy', 'topK', 'precision', 'recall', 'f1', 'rocAuc', 'r2'];

/** Whether a larger value of a metric is better; `intervalCoverage` is best at its level, and counts as rising. */
export function isRising(metric: string): boolean {
  return metric === 'intervalCoverage' || rising.includes(metric);
}

const names = choice(...plain, ...(Object.keys(factories) as (keyof typeof factories)[]));

/** A list of metrics as a setting, resolved; each at most once. */
export const metricsSchema = z
  .array(
    z.unknown().transform((value, context): MetricDescriptor => {
      const given = typeof value === 'object' && value !== null ? value : { kind: value };
      const { kind, ...options } = given as Record<string, unknown>;
      const known = names.safeParse(kind);
      if (!known.success) {
        context.addIssue({ code: 'custom', message: known.error.issues[0]!.message, input: value });
        return z.NEVER;
      }
      if (known.data in factories) {
        return (factories[known.data as keyof typeof factories] as (options: unknown) => MetricDescriptor)(
          options,
        );
      }
      return parseConfig(plainSchema, given, known.data) as MetricDescriptor;
    }),
    { error: () => 'a list of metrics' },
  )
  .refine((list) => new Set(list.map(({ kind }) => kind)).size === list.length, {
    error: () => 'each metric once',
  });

const plainSchema = settings({ kind: names });
