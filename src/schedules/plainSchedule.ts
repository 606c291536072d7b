import { field } from '../config/fields.js';
import { backtracking, type Backtracking } from './backtracking.js';
import { constantRate, type ConstantRate } from './constantRate.js';
import { cosineDecay, type CosineDecay } from './cosineDecay.js';
import { cosineRestarts, type CosineRestarts } from './cosineRestarts.js';
import { exponentialDecay, type ExponentialDecay } from './exponentialDecay.js';
import { inverseTimeDecay, type InverseTimeDecay } from './inverseTimeDecay.js';
import { oneCycle, type OneCycle } from './oneCycle.js';
import { piecewiseConstant, type PiecewiseConstant } from './piecewiseConstant.js';
import { polynomialDecay, type PolynomialDecay } from './polynomialDecay.js';
import { reduceOnPlateau, type ReduceOnPlateau } from './reduceOnPlateau.js';
import { stepDecay, type StepDecay } from './stepDecay.js';

/** The schedules that stand alone, and that a warm-up can lead to. */
export type PlainSchedule =
  | ConstantRate
  | StepDecay
  | PiecewiseConstant
  | ExponentialDecay
  | InverseTimeDecay
  | PolynomialDecay
  | CosineDecay
  | CosineRestarts
  | OneCycle
  | ReduceOnPlateau
  | Backtracking;

const factories: { readonly [K in PlainSchedule['kind']]: (settings: never) => PlainSchedule } = {
  constantRate: ({ initial }: { initial: number }) => constantRate(initial),
  stepDecay,
  piecewiseConstant,
  exponentialDecay,
  inverseTimeDecay,
  polynomialDecay,
  cosineDecay,
  cosineRestarts,
  oneCycle,
  reduceOnPlateau,
  backtracking,
};

/** A number from 0 or one of these as a setting; a schedule is checked again. */
export const plainRateSchema = field<number | PlainSchedule>(
  'a number from 0, or a schedule such as cosineDecay()',
  (value) => isRate(value) || isPlainSchedule(value),
).transform((value): number | PlainSchedule => (typeof value === 'number' ? value : checkedSchedule(value)));

/** Whether a value is a rate that needs no schedule. */
export function isRate(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) >= 0;
}

/** Whether a value says that it is one of these. */
export function isPlainSchedule(value: unknown): value is PlainSchedule {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return typeof value.kind === 'string' && Object.hasOwn(factories, value.kind);
}

/** @throws ConfigError where its settings cannot be. */
export function checkedSchedule({ kind, ...settings }: PlainSchedule): PlainSchedule {
  return factories[kind](settings as never);
}
