import { RandomWords, streams } from '../data/philox.js';

export interface SamplingOptions {
  /** Divides the logits: below 1 sharper, above 1 flatter, 0 always the likeliest. */
  readonly temperature: number;
  /** Only the k likeliest tokens are drawn from. */
  readonly topK: number | undefined;
}

/** Draws token ids from logits, the same ids for the same seed. */
export class Sampler {
  readonly #words: RandomWords;
  readonly #options: SamplingOptions;

  constructor(seed: number, options: SamplingOptions) {
    this.#words = new RandomWords(seed, streams.generate, 0);
    this.#options = options;
  }

  /** An id with probability softmax(logits / temperature), over the `topK` likeliest; of equal ones the first count. */
  draw(logits: ArrayLike<number>): number {
    const { temperature, topK = logits.length } = this.#options;
    const likeliest = Array.from(logits, (_, id) => id).sort((a, b) => logits[b]! - logits[a]! || a - b);
    const best = likeliest[0]!;
    if (temperature === 0) return best;
    const candidates = likeliest.slice(0, topK);
    const weights = candidates.map((id) => Math.exp((logits[id]! - logits[best]!) / temperature));
    let rest = this.#words.uniform() * weights.reduce((a, b) => a + b, 0);
    for (const [index, weight] of weights.entries()) {
      rest -= weight;
      if (rest < 0) return candidates[index]!;
    }
    return best;
  }
}
