import { philox4x32, type Words4 } from './philox.js';

/**
 * Reproducible test data: the same name draws the same numbers on every machine. Values are exact in
 * float32, so a float32 device and a float64 oracle start from the same numbers.
 */
export class Draws {
  private readonly seed: number;
  private used = 0;
  private words: Words4 = [0, 0, 0, 0];

  constructor(name: string) {
    this.seed = hash(name);
  }

  /** U[low, high). */
  uniform(count: number, low = -1, high = 1): Float64Array {
    return Float64Array.from({ length: count }, () => Math.fround(low + (high - low) * this.unit()));
  }

  /** Whole numbers, low <= n < high. */
  integers(count: number, low: number, high: number): Int32Array {
    return Int32Array.from({ length: count }, () => low + Math.floor((high - low) * this.unit()));
  }

  private unit(): number {
    const place = this.used++ % 4;
    if (place === 0) this.words = philox4x32([(this.used - 1) / 4, 0, 0, 0], [this.seed, 0]);
    return this.words[place]! / 4294967296;
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) {
    value = Math.imul(value ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  }
  return value;
}
