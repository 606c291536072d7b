/**
 * Philox4x32-10: four random words as a pure function of a counter and a key.
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3.
 */
const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;
const rounds = 10;

export type Counter = readonly [number, number, number, number];
export type Key = readonly [number, number];

/** Four words, each 0 .. 2^32 - 1. */
export function philox4x32(counter: Counter, key: Key): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < rounds; round += 1) {
    const high0 = multiplyHigh(multiplier0, c0);
    const low0 = Math.imul(multiplier0, c0);
    const high1 = multiplyHigh(multiplier1, c2);
    const low1 = Math.imul(multiplier1, c2);
    [c0, c1, c2, c3] = [high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0];
    k0 = (k0 + weyl0) | 0;
    k1 = (k1 + weyl1) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** The upper 32 bits of a product of two unsigned 32-bit words, by halves that stay below 2^53. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 0x10000);
  const carry = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) | 0;
}

/** What a stream of words is for; two streams of one seed have nothing in common. */
export const streams = {
  shuffle: 1,
  generate: 2,
  shuffleBuffer: 3,
  bucket: 4,
  balance: 5,
  split: 6,
  folds: 7,
  padding: 8,
  lengths: 9,
} as const;

/** The words of one (seed, stream, part) in order. Seeds are whole numbers from 0 to 2^53 - 1. */
export class RandomWords {
  readonly #key: Key;
  readonly #stream: number;
  readonly #part: number;
  #block = 0;
  #words: readonly number[] = [];
  #used = 0;

  constructor(seed: number, stream: number, part: number) {
    this.#key = [seed >>> 0, Math.floor(seed / 0x1_0000_0000) >>> 0];
    this.#stream = stream;
    this.#part = part;
  }

  /** 0 .. 2^32 - 1 */
  next(): number {
    if (this.#used === this.#words.length) {
      this.#words = philox4x32([this.#block, 0, this.#part, this.#stream], this.#key);
      this.#block += 1;
      this.#used = 0;
    }
    return this.#words[this.#used++]!;
  }

  /** 0 .. limit - 1, each equally likely: words from the last, incomplete run of `limit` are thrown away. */
  below(limit: number): number {
    const complete = 0x1_0000_0000 - (0x1_0000_0000 % limit);
    for (;;) {
      const word = this.next();
      if (word < complete) return word % limit;
    }
  }

  /** 0 <= u < 1, a multiple of 2^-32. */
  uniform(): number {
    return this.next() / 0x1_0000_0000;
  }
}
