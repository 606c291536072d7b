import type { TrialFacts, TrialFailure } from './trial.js';

/** From the search to a worker. */
export type ToWorker =
  | { readonly kind: 'call'; readonly config: unknown; readonly facts: TrialFacts }
  | { readonly kind: 'decision'; readonly goOn: boolean };

/** From a worker to the search. A worker has one trial at a time. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'broken'; readonly failure: TrialFailure }
  | { readonly kind: 'report'; readonly number: number; readonly resource: number; readonly value: number }
  | { readonly kind: 'ended'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly failure: TrialFailure };
