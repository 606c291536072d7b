import { field, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { counted, unit, type Position, type ScheduleUnit } from './position.js';

/** values[i], i being how many of the boundaries t has reached. */
export interface PiecewiseConstant {
  readonly kind: 'piecewiseConstant';
  readonly boundaries: readonly number[];
  readonly values: readonly number[];
  readonly per: ScheduleUnit;
}

/** What {@link piecewiseConstant} takes. */
export interface PiecewiseConstantOptions {
  /** Rising whole numbers from 1: steps or epochs at which the next rate begins. */
  readonly boundaries: readonly number[];
  /** The rates, one more than there are boundaries. */
  readonly values: readonly number[];
  /** Default `epoch`. */
  readonly per?: ScheduleUnit | undefined;
}

const isArray = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

/** The settings of {@link piecewiseConstant}. */
export const piecewiseConstantSettings = settings({
  boundaries: field<readonly number[]>(
    'an array of whole numbers from 1, each above the one before',
    (value) =>
      isArray(value) &&
      value.every((one, i) => Number.isSafeInteger(one) && (one as number) > ((value[i - 1] as number) ?? 0)),
  ),
  values: field<readonly number[]>(
    'an array of rates from 0',
    (value) => isArray(value) && value.every((one) => Number.isFinite(one) && (one as number) >= 0),
  ),
  per: unit('epoch'),
}).refine(({ boundaries, values }) => values.length === boundaries.length + 1, {
  path: ['values'],
  error: () => 'one rate more than there are boundaries',
});

/**
 * values[i], where i counts the boundaries that t has reached. At a boundary the new rate holds already, as in PyTorch's
 * MultiStepLR; Keras' PiecewiseConstantDecay keeps the old one for one step more.
 *
 * @throws ConfigError; in `fit`, where a boundary lies beyond the run.
 * @example
 * ```ts
 * // 0.1 in the first ten epochs, 0.01 in the next ten, then 0.001.
 * sgd({ learningRate: piecewiseConstant({ boundaries: [10, 20], values: [0.1, 0.01, 0.001] }) });
 * ```
 */
export function piecewiseConstant(options: PiecewiseConstantOptions): PiecewiseConstant {
  const { boundaries, values, per } = parseConfig(piecewiseConstantSettings, options, 'piecewiseConstant');
  return Object.freeze({
    kind: 'piecewiseConstant',
    boundaries: Object.freeze([...boundaries]),
    values: Object.freeze([...values]),
    per,
  });
}

export function piecewiseRate({ boundaries, values, per }: PiecewiseConstant, position: Position): number {
  const t = counted(per, position);
  return values[boundaries.filter((boundary) => t >= boundary).length]!;
}
