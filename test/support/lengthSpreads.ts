/** How many sequences have 1, 2, ... time steps; facts counted from public data sets. */
const spreads = {
  /** Words of the 5,452 training questions of TREC (Li and Roth 2002), split at spaces. */
  trec: [
    0, 0, 4, 135, 268, 395, 566, 630, 674, 586, 531, 470, 296, 197, 193, 143, 92, 80, 58, 31, 31, 19, 11, 13,
    8, 5, 1, 3, 4, 1, 3, 2, 0, 1, 0, 0, 1,
  ],
  /** Words of the 6,920 training sentences of SST-2 (Socher et al. 2013), split at spaces. */
  sst2: [
    0, 25, 70, 122, 124, 182, 171, 184, 217, 234, 234, 242, 256, 268, 299, 265, 276, 287, 290, 258, 252, 256,
    242, 234, 212, 189, 181, 189, 134, 129, 128, 129, 108, 94, 85, 61, 44, 50, 32, 24, 37, 22, 19, 10, 17, 10,
    3, 7, 8, 4, 3, 3,
  ],
} as const;

/** The lengths of a data set's sequences, well mixed: in steps of a prime number through the sorted list. */
export function naturalLengths(name: keyof typeof spreads): Int32Array {
  const sorted = spreads[name].flatMap((count, index) => new Array<number>(count).fill(index + 1));
  return Int32Array.from(sorted, (_, k) => sorted[(k * 7919) % sorted.length]!);
}

/** Lengths whose logarithm is normal with the given mean and deviation (Box and Muller 1958), by hash-free sine draws. */
export function logNormalLengths(count: number, mean: number, deviation: number): Int32Array {
  const uniform = (k: number) => {
    const x = Math.sin(k * 12.9898 + 78.233) * 43758.5453;
    return x - Math.floor(x);
  };
  return Int32Array.from({ length: count }, (_, k) => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform(2 * k)));
    const normal = radius * Math.cos(2 * Math.PI * uniform(2 * k + 1));
    return Math.max(1, Math.round(Math.exp(mean + deviation * normal)));
  });
}
