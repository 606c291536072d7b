import type { z } from 'zod';
import { choice, fraction, settings, whole } from '../config/fields.js';

/**
 * An average of the weights over updates, kept beside them (4 bytes of a parameter) for evaluation.
 *
 * - `ema`: average = decay · average + (1 - decay) · p, beginning with the first update's p (Keras' `use_ema`, PyTorch's
 *   `AveragedModel` with `get_ema_multi_avg_fn`).
 * - `mean`: of all p since it began (Polyak and Juditsky 1992; PyTorch's `ASGD` with lambd 0, and `AveragedModel`).
 * - `ntAsgd`: `mean`, begun by `fit` once an epoch's validation loss is no better than the best of those more than
 *   `interval` epochs before it (NT-ASGD: Merity, Keskar and Socher 2017, algorithm 1).
 */
export type WeightAverage =
  | { readonly kind: 'ema'; readonly decay: number }
  | { readonly kind: 'mean' }
  | { readonly kind: 'ntAsgd'; readonly interval: number };

/** An average as a setting: `decay` 0.999 and `interval` 5 unless given. */
export type WeightAverageInput =
  | { readonly kind: 'ema'; readonly decay?: number | undefined }
  | { readonly kind: 'mean' }
  | { readonly kind: 'ntAsgd'; readonly interval?: number | undefined };

const fields = settings({
  kind: choice('ema', 'mean', 'ntAsgd'),
  decay: fraction.optional(),
  interval: whole(1).optional(),
});

export const averageSchema = fields
  .refine(({ kind, decay }) => kind === 'ema' || decay === undefined, { error: 'decay for ema alone' })
  .refine(({ kind, interval }) => kind === 'ntAsgd' || interval === undefined, {
    error: 'interval for ntAsgd alone',
  })
  .transform(({ kind, decay, interval }): WeightAverage => {
    if (kind === 'ema') return { kind, decay: decay ?? 0.999 };
    return kind === 'mean' ? { kind } : { kind, interval: interval ?? 5 };
  }) as unknown as z.ZodType<WeightAverage, WeightAverageInput>;

/** What a trigger has come to. */
export interface TriggerState {
  /** Validation losses of the epochs so far. */
  readonly losses: readonly number[];
  readonly begun: boolean;
}

/**
 * When averaging begins under NT-ASGD (Merity et al. 2017, algorithm 1): once a validation loss is worse than the best
 * of those more than `interval` before it.
 *
 * @example
 * ```ts
 * const trigger = new NonMonotonicTrigger(5);
 * if (trigger.observe(valLoss)) average();
 * ```
 */
export class NonMonotonicTrigger {
  readonly #interval: number;
  readonly #losses: number[];
  #begun: boolean;

  /** @param kept What an earlier one had come to, whose run goes on. */
  constructor(interval: number, kept: TriggerState = { losses: [], begun: false }) {
    this.#interval = interval;
    this.#losses = [...kept.losses];
    this.#begun = kept.begun;
  }

  /** What a later one can take up. */
  get state(): TriggerState {
    return { losses: [...this.#losses], begun: this.#begun };
  }

  /** Averaging has begun. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Takes the validation loss of an epoch; whether averaging has begun. */
  observe(loss: number): boolean {
    const earlier = this.#losses.slice(0, -this.#interval);
    if (earlier.length > 0 && loss > Math.min(...earlier)) this.#begun = true;
    this.#losses.push(loss);
    return this.#begun;
  }
}
