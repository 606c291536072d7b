import { z } from 'zod';
import {
  isRising,
  metricsSchema,
  scalarMetrics,
  type MetricDescriptor,
  type MetricName,
  type MetricValue,
} from './metric.js';

/** Metrics of each head, in the heads' order. */
export interface HeadMetrics {
  readonly kind: 'heads';
  readonly heads: Readonly<Record<string, readonly MetricDescriptor[]>>;
}

/** {@link HeadMetrics} as a file holds them. */
export const headMetricsSchema = z.strictObject({
  kind: z.literal('heads'),
  heads: z.record(z.string(), metricsSchema),
});

/** What is measured of a model. */
export type ModelMetrics = readonly MetricDescriptor[] | HeadMetrics;

/** The name that a head's value has among a model's: `tagLoss`, `tagAccuracy`. */
export function headName<H extends string, N extends string>(head: H, name: N): `${H}${Capitalize<N>}` {
  return `${head}${name[0]!.toUpperCase()}${name.slice(1)}` as `${H}${Capitalize<N>}`;
}

/** Loss and metrics of each head: `tagLoss`, `tagAccuracy`. */
export type HeadValues<Head extends string> = {
  readonly [Name in Head as `${Name}Loss`]: number;
} & {
  readonly [
    Name in `${Head}.${MetricName}` as Name extends `${infer H}.${infer M}` ? `${H}${Capitalize<M>}` : never
  ]?: Name extends `${string}.${infer M extends MetricName}` ? MetricValue<M> : never;
};

/** The same measured on validation data: `valTagLoss`, `valTagAccuracy`. */
export type HeadValidationValues<Head extends string> = {
  readonly [Name in keyof HeadValues<Head> & string as `val${Capitalize<Name>}`]?: HeadValues<Head>[Name];
};

/** The names of values that are numbers, beside the loss. */
export function valueNames(metrics: ModelMetrics): readonly string[] {
  if (!('kind' in metrics)) return scalarNames(metrics);
  return Object.entries(metrics.heads).flatMap(([head, own]) =>
    ['loss', ...scalarNames(own)].map((name) => headName(head, name)),
  );
}

function scalarNames(metrics: readonly MetricDescriptor[]): readonly string[] {
  return scalarMetrics.filter((name) => metrics.some(({ kind }) => kind === name));
}

/** Whether a value by this name, a head's or of validation too, is better when it is larger. */
export function isRisingValue(name: string): boolean {
  return scalarMetrics.some(
    (metric) => isRising(metric) && (name === metric || name.endsWith(headName('', metric))),
  );
}
