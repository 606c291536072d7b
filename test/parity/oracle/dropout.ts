import { dropoutThreshold, philoxWord, type RandomKey } from '../../support/philox.js';
import type { Row } from './batch.js';

export interface DropoutOptions {
  /** Dropped share, 0 <= rate < 1. */
  readonly rate: number;
  readonly key: RandomKey;
  /** One mask for every step of a sequence (Gal & Ghahramani 2016). */
  readonly sharedOverTime: boolean;
}

/**
 * Inverted dropout's factors (Srivastava et al. 2014): 0 where dropped, else 1 / (1 - rate). The same shape
 * as the activation, [rows, channels] batch-major; 0 beyond the lengths.
 */
export function dropoutFactors(
  rows: readonly Row[],
  size: number,
  channels: number,
  { rate, key, sharedOverTime }: DropoutOptions,
): Float64Array {
  const factors = new Float64Array(size);
  const threshold = dropoutThreshold(rate);
  const kept = 1 / (1 - Math.fround(rate));
  for (const { at, packed, rank } of rows) {
    const first = (sharedOverTime ? rank : packed) * channels;
    for (let c = 0; c < channels; c++) {
      factors[at * channels + c] = philoxWord(key, first + c) < threshold ? 0 : kept;
    }
  }
  return factors;
}

/** The factors of a tensor whose elements are drawn for in their order. */
export function elementFactors(size: number, rate: number, key: RandomKey): Float64Array {
  const threshold = dropoutThreshold(rate);
  const kept = 1 / (1 - Math.fround(rate));
  return Float64Array.from({ length: size }, (_, i) => (philoxWord(key, i) < threshold ? 0 : kept));
}

export function multiply(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value * b[i]!);
}
