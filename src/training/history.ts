import type { MetricValues, ValidationMetricValues } from '../metrics/metric.js';
import { recordsCsv } from './csv.js';
import { historySvg, type HistorySvgOptions } from './historySvg.js';

/** What one epoch came to. Losses are means over live elements, penalties included. */
export interface EpochRecord extends MetricValues, ValidationMetricValues {
  /** Counted from 1. */
  readonly epoch: number;
  readonly loss: number;
  readonly valLoss?: number;
  /** Of the epoch's last step, as it was scheduled: random lengths of a language-model stream scale each step's. */
  readonly learningRate: number;
  /** Wall time of training and validation. */
  readonly seconds: number;
}

/** Why training ended: all epochs were run, a callback stopped it, or the caller's signal did. */
export type StopReason = 'finished' | 'callback' | 'aborted';

/** What `fit` did: frozen, and plain data to `JSON.stringify` and `structuredClone`. */
export class History {
  readonly epochs: readonly EpochRecord[];
  /** Optimiser steps that this call applied. */
  readonly steps: number;
  /** Steps whose loss or gradient norm was not finite and that changed nothing (`onNonFinite: 'skip'`, or an overflow of fp16). */
  readonly skippedSteps: number;
  readonly stopped: StopReason;

  /** @internal */
  constructor({
    epochs,
    steps,
    skippedSteps,
    stopped,
  }: Pick<History, 'epochs' | 'steps' | 'skippedSteps' | 'stopped'>) {
    this.epochs = epochs;
    this.steps = steps;
    this.skippedSteps = skippedSteps;
    this.stopped = stopped;
    Object.freeze(this);
  }

  /**
   * Loss, metrics and learning rate over the epochs as a picture: one panel for each value, its validation beside it,
   * on a light or a dark ground as the viewer prefers.
   *
   * @throws ConfigError for options that cannot be.
   * @example
   * ```ts
   * await writeFile('history.svg', history.toSvg({ title: 'tiny shakespeare' }));
   * ```
   */
  toSvg(options: HistorySvgOptions = {}): string {
    return historySvg(this.epochs, options);
  }

  /**
   * The epochs as CSV: a line of names, then one line an epoch. What is no number, such as a confusion matrix, is left out.
   *
   * @example
   * ```ts
   * await writeFile('history.csv', history.toCsv());
   * ```
   */
  toCsv(): string {
    return recordsCsv(this.epochs);
  }
}
