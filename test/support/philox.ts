/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011), the
 * readable twin of `native/engine/philox.h`. Plain numbers: 32-bit products are split into 16-bit halves.
 */

/** Names one sequence of draws: element e uses word e % 4 of block ⌊e / 4⌋. */
export interface RandomKey {
  /** 0 to 2^53 - 1. */
  readonly seed: number;
  readonly stream: number;
  readonly step: number;
}

export type Words4 = readonly [number, number, number, number];

const TWO_TO_32 = 4294967296;

/** The upper 32 bits of a·b. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const lowHigh = aLow * bHigh;
  const highLow = aHigh * bLow;
  const middle = ((aLow * bLow) >>> 16) + (lowHigh & 0xffff) + (highLow & 0xffff);
  return (aHigh * bHigh + (lowHigh >>> 16) + (highLow >>> 16) + (middle >>> 16)) >>> 0;
}

export function philox4x32(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const n0 = (multiplyHigh(0xcd9e8d57, c2) ^ c1 ^ k0) >>> 0;
    const n2 = (multiplyHigh(0xd2511f53, c0) ^ c3 ^ k1) >>> 0;
    c1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c3 = Math.imul(0xd2511f53, c0) >>> 0;
    c0 = n0;
    c2 = n2;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

export function philoxWord(key: RandomKey, element: number): number {
  const block = Math.floor(element / 4);
  const words = philox4x32(
    [block % TWO_TO_32, Math.floor(block / TWO_TO_32), key.step, key.stream],
    [key.seed % TWO_TO_32, Math.floor(key.seed / TWO_TO_32)],
  );
  return words[element % 4]!;
}

/** An element is dropped when its word is below this. The rate is a float32 on every device. */
export function dropoutThreshold(rate: number): number {
  return Math.floor(Math.fround(rate) * TWO_TO_32);
}
