import type { z } from 'zod';

import { field, real, settings } from '../config/fields.js';
import type { ScalerKind } from './options.js';

/** z = (g - center) / scale, where the level g is ln v for the scaler `log` and v itself for the others. */
export interface FittedScaler {
  readonly kind: ScalerKind;
  readonly center: number;
  readonly scale: number;
}

const kinds: readonly unknown[] = ['standard', 'minMax', 'robust', 'log', 'none'];

/** Of a {@link FittedScaler} in a file. */
export const scalerSchema: z.ZodType<FittedScaler> = settings({
  kind: field<ScalerKind>('a scaler', (value) => kinds.includes(value)),
  center: real(),
  scale: real('a number above 0', (value) => value > 0),
});

/** The level of a value: what is differenced and scaled. NaN and -Infinity for what has no logarithm. */
export function levelOf(kind: ScalerKind, value: number): number {
  return kind === 'log' ? Math.log(value) : value;
}

/** The value of a level. */
export function valueOf(kind: ScalerKind, level: number): number {
  return kind === 'log' ? Math.exp(level) : level;
}

/** Statistics of levels (or of their differences); `sample` has at least one number and no NaN. */
export function fitScaler(kind: ScalerKind, sample: Float64Array): FittedScaler {
  const [center, spread] = centerAndSpread(kind, sample);
  return Object.freeze({ kind, center, scale: spread > 0 ? spread : 1 });
}

function centerAndSpread(kind: ScalerKind, sample: Float64Array): [center: number, spread: number] {
  if (kind === 'none') return [0, 1];
  if (kind === 'minMax') {
    const least = sample.reduce((a, b) => Math.min(a, b));
    return [least, sample.reduce((a, b) => Math.max(a, b)) - least];
  }
  if (kind === 'robust') {
    const sorted = sample.toSorted();
    return [quantileOf(sorted, 0.5), quantileOf(sorted, 0.75) - quantileOf(sorted, 0.25)];
  }
  const center = meanOf(sample);
  const squares = sample.reduce((sum, value) => sum + (value - center) ** 2, 0);
  const spread = Math.sqrt(squares / sample.length);
  // Rounding gives a constant column a spread that is none.
  return [center, spread <= 1e-14 * Math.abs(center) ? 0 : spread];
}

/** The mean of numbers. */
export function meanOf(sample: Float64Array): number {
  return sample.reduce((sum, value) => sum + value, 0) / sample.length;
}

/** Linear between the order statistics, as numpy's default (Hyndman and Fan 1996, type 7). */
export function quantileOf(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}
