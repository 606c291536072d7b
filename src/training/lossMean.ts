import { MetricTotals, type MetricSums } from '../metrics/metricSums.js';
import type { NativeLossResult } from '../native/binding.js';

/** What batches have added up to, as plain data. */
export interface LossSums extends MetricSums {
  readonly elements: number;
  readonly rows: number;
  /** Σ loss · elements */
  readonly weightedLoss: number;
}

/** Sums of batches, and the mean loss over all their live elements. */
export class LossMean extends MetricTotals implements LossSums {
  elements = 0;
  rows = 0;
  weightedLoss = 0;

  /** A batch's loss is a mean over its live elements, so it counts as often as there are. */
  override add(result: NativeLossResult & MetricSums): void {
    super.add(result);
    this.elements += result.elements;
    this.rows += result.rows;
    this.weightedLoss += result.loss * result.elements;
  }

  get loss(): number {
    return this.weightedLoss / this.elements;
  }

  /** The sums as they are now: further batches leave them alone. */
  sums(): LossSums {
    return structuredClone({ ...this });
  }
}
