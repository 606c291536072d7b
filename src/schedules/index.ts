export { backtracking, type Backtracking, type BacktrackingOptions } from './backtracking.js';
export { constantRate, type ConstantRate } from './constantRate.js';
export { cosineDecay, type CosineDecay, type CosineDecayOptions } from './cosineDecay.js';
export { cosineRestarts, type CosineRestarts, type CosineRestartsOptions } from './cosineRestarts.js';
export { exponentialDecay, type ExponentialDecay, type ExponentialDecayOptions } from './exponentialDecay.js';
export { inverseTimeDecay, type InverseTimeDecay, type InverseTimeDecayOptions } from './inverseTimeDecay.js';
export { oneCycle, type OneCycle, type OneCycleOptions } from './oneCycle.js';
export {
  piecewiseConstant,
  type PiecewiseConstant,
  type PiecewiseConstantOptions,
} from './piecewiseConstant.js';
export { polynomialDecay, type PolynomialDecay, type PolynomialDecayOptions } from './polynomialDecay.js';
export { reduceOnPlateau, type ReduceOnPlateau, type ReduceOnPlateauOptions } from './reduceOnPlateau.js';
export { stepDecay, type StepDecay, type StepDecayOptions } from './stepDecay.js';
export { warmup, type Warmup, type WarmupOptions } from './warmup.js';
export type { ScheduleUnit } from './position.js';
export type { PlainSchedule } from './plainSchedule.js';
export { learningRateAt, type RatePosition } from './rate.js';
export type { LearningRate, Schedule } from './schedule.js';
export type { WatchedRate, WatchedRateOptions } from './watched.js';
