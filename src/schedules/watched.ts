import { choice, field, nonNegative } from '../config/fields.js';

/** What a schedule that looks at results has in common. */
export interface WatchedRate {
  readonly initial: number;
  /** A value of the epoch's record. */
  readonly monitor: string;
  /** Whether less or more is better; `auto` goes by the name. */
  readonly mode: 'auto' | 'min' | 'max';
  readonly factor: number;
  /** Epochs that may be no better before the rate is lowered. */
  readonly patience: number;
  /** The rate goes no lower. */
  readonly min: number;
}

/** What such a schedule takes. */
export interface WatchedRateOptions {
  /** The rate at first. */
  readonly initial: number;
  /** A value of the epoch's record. Default `valLoss`. */
  readonly monitor?: string | undefined;
  /** Whether less or more is better. Default `auto`: by the name, as in {@link earlyStopping}. */
  readonly mode?: 'auto' | 'min' | 'max' | undefined;
  /** The rate goes no lower. Default 0. */
  readonly min?: number | undefined;
}

export const watchedFields = {
  initial: nonNegative,
  monitor: field<string>(
    "the name of a value of an epoch's record, such as 'valLoss'",
    (value) => typeof value === 'string' && value !== '',
  ).default('valLoss'),
  mode: choice('auto', 'min', 'max').default('auto'),
  min: nonNegative.default(0),
};
