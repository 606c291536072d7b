import type { ModelLoss } from '../losses/modelLoss.js';
import type { MetricDescriptor, MetricValues } from '../metrics/metric.js';
import type { MetricSums } from '../metrics/metricSums.js';
import { metricValues } from '../metrics/metricValues.js';
import { headName, type HeadMetrics, type ModelMetrics } from '../metrics/modelMetrics.js';
import type { HeadLosses } from '../losses/modelLoss.js';
import type { Loss } from '../losses/loss.js';
import type { NativeLossResult } from '../native/binding.js';
import { LossMean, type LossSums } from './lossMean.js';

/** What a batch comes to, of each head where there are heads. */
export type BatchSums = NativeLossResult & MetricSums;

/** What batches have added up to, as plain data. */
export type TotalSums = LossSums | HeadSums;

/** The same by head, in the heads' order. */
export interface HeadSums {
  readonly heads: readonly LossSums[];
  /** Σ penalty · elements */
  readonly penalty: number;
  readonly elements: number;
}

/** What batches add up to. */
export interface Totals {
  add(result: BatchSums): void;
  readonly loss: number;
  /** The sums as they are now: further batches leave them alone. */
  sums(): TotalSums;
  /** Metrics, and with heads their losses. */
  values(): MetricValues;
}

/** @param from Sums of the same loss and metrics to go on from; by default there is no batch yet. */
export function makeTotals(loss: ModelLoss, metrics: ModelMetrics, from?: TotalSums): Totals {
  if (loss.kind === 'heads')
    return new HeadTotals(loss, metrics as HeadMetrics, from as HeadSums | undefined);
  return new OutputTotals(loss, metrics as readonly MetricDescriptor[], from as LossSums | undefined);
}

class OutputTotals extends LossMean implements Totals {
  readonly #loss: Loss['kind'];
  readonly #metrics: readonly MetricDescriptor[];

  constructor({ kind }: Loss, metrics: readonly MetricDescriptor[], from?: LossSums) {
    super();
    Object.assign(this, structuredClone(from));
    this.#loss = kind;
    this.#metrics = metrics;
  }

  values(): MetricValues {
    return metricValues(this.#metrics, this, this.#loss);
  }
}

/** Each head's mean is over its own live elements; penalties count as often as there are elements of all. */
class HeadTotals implements Totals {
  readonly #heads: readonly {
    readonly name: string;
    readonly weight: number;
    readonly totals: OutputTotals;
  }[];
  #penalty = 0;
  #elements = 0;

  constructor({ heads }: HeadLosses, metrics: HeadMetrics, from?: HeadSums) {
    this.#heads = Object.entries(heads).map(([name, { loss, weight }], i) => ({
      name,
      weight,
      totals: new OutputTotals(loss, metrics.heads[name]!, from?.heads[i]),
    }));
    this.#penalty = from?.penalty ?? 0;
    this.#elements = from?.elements ?? 0;
  }

  add({ heads = [], penalty }: BatchSums): void {
    const elements = heads.reduce((sum, head) => sum + head.elements, 0);
    this.#penalty += penalty * elements;
    this.#elements += elements;
    heads.forEach((head, i) => this.#heads[i]!.totals.add(head));
  }

  get loss(): number {
    const penalty = this.#penalty / this.#elements;
    return this.#heads.reduce((sum, { weight, totals }) => sum + weight * totals.loss, penalty);
  }

  sums(): HeadSums {
    const heads = this.#heads.map(({ totals }) => totals.sums());
    return { heads, penalty: this.#penalty, elements: this.#elements };
  }

  values(): MetricValues {
    const entries = this.#heads.flatMap(({ name, totals }) =>
      Object.entries({ loss: totals.loss, ...totals.values() }).map(([key, value]) => [
        headName(name, key),
        value,
      ]),
    );
    return Object.fromEntries(entries) as MetricValues;
  }
}
