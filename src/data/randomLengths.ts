import { RandomWords, streams } from './philox.js';

const halfShare = 0.05;
const deviation = 5;
/** The least length that is drawn. */
export const shortestLength = 5;

/** What random lengths follow from. */
export interface LengthDraw {
  /** T: what they vary around. */
  readonly timeSteps: number;
  readonly seed: number;
  /** Counted from 0: each draws lengths of its own. */
  readonly epoch: number;
}

/**
 * Lengths of batches, one after the other without end: with probability 0.95 from N(T, 5²), else from N(T/2, 5²), cut off to
 * whole numbers, and at least 5 (Merity, Keskar and Socher 2018, section 4.1, with the values of their code).
 *
 * z = √(-2 ln(1 - u)) cos(2πv) is standard normal (Box and Muller 1958). As u is at most 1 - 2^-32, 5z is
 * at most 5 √(64 ln 2) = 33.3, and no length is above T + 33.
 */
export function* randomLengths({ timeSteps, seed, epoch }: LengthDraw): Generator<number, never> {
  const words = new RandomWords(seed, streams.lengths, epoch);
  for (;;) {
    const mean = words.uniform() < halfShare ? timeSteps / 2 : timeSteps;
    const radius = Math.sqrt(-2 * Math.log(1 - words.uniform()));
    const z = radius * Math.cos(2 * Math.PI * words.uniform());
    yield Math.max(shortestLength, Math.floor(mean + deviation * z));
  }
}
