import { nonNegative, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { progress, unit, type Position, type ScheduleUnit } from './position.js';

/** end + (initial - end) · ½ (1 + cos(π · min(t / length, 1))). */
export interface CosineDecay {
  readonly kind: 'cosineDecay';
  readonly initial: number;
  readonly end: number;
  readonly length?: number | undefined;
  readonly per: ScheduleUnit;
}

/** What {@link cosineDecay} takes. */
export interface CosineDecayOptions {
  /** The rate at first. */
  readonly initial: number;
  /** The rate at last. Default 0. */
  readonly end?: number | undefined;
  /** Steps or epochs from `initial` to `end`. Default the whole run. */
  readonly length?: number | undefined;
  /** Default `step`. */
  readonly per?: ScheduleUnit | undefined;
}

/** The settings of {@link cosineDecay}. */
export const cosineDecaySettings = settings({
  initial: nonNegative,
  end: nonNegative.default(0),
  length: whole(1).optional(),
  per: unit('step'),
});

/**
 * end + (initial - end) · ½ (1 + cos(π · min(t / length, 1))) (Loshchilov and Hutter 2017, equation 5, one period):
 * Keras' CosineDecay with `end` = alpha · initial; PyTorch's CosineAnnealingLR with `end` as eta_min, which rises again
 * after `length` where this stays at `end`.
 *
 * @throws ConfigError; in `fit`, where `length` is longer than the run.
 * @example
 * ```ts
 * adam({ learningRate: cosineDecay({ initial: 2e-3, end: 1e-5 }) });
 * ```
 */
export function cosineDecay(options: CosineDecayOptions): CosineDecay {
  return Object.freeze({ kind: 'cosineDecay', ...parseConfig(cosineDecaySettings, options, 'cosineDecay') });
}

export function cosineRate({ initial, end, length, per }: CosineDecay, position: Position): number {
  return cosineBetween(initial, end, progress(length, per, position));
}

/** From `start` at share 0 to `end` at share 1 along half a cosine. */
export function cosineBetween(start: number, end: number, share: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * share))) / 2;
}
