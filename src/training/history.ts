import type { MetricValues } from '../metrics/metric.js';

/** What one epoch came to. Losses are means over live elements, penalties included. */
export interface EpochRecord extends MetricValues {
  /** Counted from 1. */
  readonly epoch: number;
  readonly loss: number;
  readonly valLoss?: number;
  readonly valAccuracy?: number;
  readonly valMae?: number;
  readonly valMse?: number;
  /** Wall time of training and validation. */
  readonly seconds: number;
}

/** Why training ended: all epochs were run, a callback stopped it, or the caller's signal did. */
export type StopReason = 'finished' | 'callback' | 'aborted';

/** What `fit` did. */
export interface History {
  readonly epochs: readonly EpochRecord[];
  /** Optimiser steps that this call applied. */
  readonly steps: number;
  /** Steps whose loss or gradient norm was not finite and that changed nothing (`onNonFinite: 'skip'`). */
  readonly skippedSteps: number;
  readonly stopped: StopReason;
}
