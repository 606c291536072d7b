import type { NativeLossResult } from '../native/binding.js';

/** Sums of batches, and the mean loss over all their live elements. */
export class LossMean {
  elements = 0;
  rows = 0;
  correct = 0;
  absoluteError = 0;
  squaredError = 0;
  #loss = 0;

  /** A batch's loss is a mean over its live elements, so it counts as often as there are. */
  add(result: NativeLossResult): void {
    this.elements += result.elements;
    this.rows += result.rows;
    this.correct += result.correct;
    this.absoluteError += result.absoluteError;
    this.squaredError += result.squaredError;
    this.#loss += result.loss * result.elements;
  }

  get loss(): number {
    return this.#loss / this.elements;
  }
}
