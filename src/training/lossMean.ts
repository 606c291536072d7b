import { MetricTotals, type MetricSums } from '../metrics/metricSums.js';
import type { NativeLossResult } from '../native/binding.js';

/** Sums of batches, and the mean loss over all their live elements. */
export class LossMean extends MetricTotals {
  elements = 0;
  rows = 0;
  #loss = 0;

  /** A batch's loss is a mean over its live elements, so it counts as often as there are. */
  override add(result: NativeLossResult & MetricSums): void {
    super.add(result);
    this.elements += result.elements;
    this.rows += result.rows;
    this.#loss += result.loss * result.elements;
  }

  get loss(): number {
    return this.#loss / this.elements;
  }
}
