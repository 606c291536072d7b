/** One step of a learning-rate range test. */
export interface RateLoss {
  readonly learningRate: number;
  /** Of the batch, before the step. */
  readonly loss: number;
  /** The loss smoothed over the steps before. */
  readonly smoothed: number;
}

/** What a learning-rate range test found. */
export interface LearningRateSearch {
  readonly points: readonly RateLoss[];
  /** The rate at which the smoothed loss falls fastest; undefined where it does not fall. */
  readonly suggestion: number | undefined;
  /** Whether the loss went up and away, or stopped being finite, before the last rate. */
  readonly diverged: boolean;
}

/**
 * The curve of a learning-rate range test (Smith 2017, section 3.3), smoothed as Gugger and Howard do it: an exponential
 * moving mean of the losses, divided by 1 - smoothing^k.
 */
export class RateCurve {
  readonly #points: RateLoss[] = [];
  readonly #smoothing: number;
  readonly #divergence: number;
  #mean = 0;
  #lowest = Infinity;
  #diverged = false;

  constructor(smoothing: number, divergence: number) {
    this.#smoothing = smoothing;
    this.#divergence = divergence;
  }

  /** Takes the next point; true ends the test. What comes after that is left out. */
  add(learningRate: number, loss: number): boolean {
    if (this.#diverged) return true;
    if (!Number.isFinite(loss)) return (this.#diverged = true);
    const count = this.#points.length + 1;
    this.#mean = this.#smoothing * this.#mean + (1 - this.#smoothing) * loss;
    const smoothed = this.#mean / (1 - this.#smoothing ** count);
    this.#points.push(Object.freeze({ learningRate, loss, smoothed }));
    this.#diverged = count > 1 && smoothed - this.#lowest > (this.#divergence - 1) * Math.abs(this.#lowest);
    this.#lowest = Math.min(this.#lowest, smoothed);
    return this.#diverged;
  }

  search(): LearningRateSearch {
    const points = Object.freeze([...this.#points]);
    return Object.freeze({ points, suggestion: steepest(points), diverged: this.#diverged });
  }
}

/** Where the smoothed loss falls fastest with the logarithm of the rate, measured over a tenth of the points. */
function steepest(points: readonly RateLoss[]): number | undefined {
  const reach = Math.max(1, Math.round(points.length / 20));
  let best = 0;
  let suggestion: number | undefined;
  for (let i = reach; i < points.length - reach; i++) {
    const [before, after] = [points[i - reach]!, points[i + reach]!];
    const slope =
      (after.smoothed - before.smoothed) / (Math.log(after.learningRate) - Math.log(before.learningRate));
    if (slope < best) {
      best = slope;
      suggestion = points[i]!.learningRate;
    }
  }
  return suggestion;
}
