import { z } from 'zod';
import { choice, flag, nonNegative, settings, text, whole } from '../config/fields.js';
import { descriptor } from '../config/kinds.js';
import {
  crossEntropySchema,
  gaussianSchema,
  huberSchema,
  quantileSchema,
  type LossInput,
  type LossKind,
} from '../losses/loss.js';
import {
  averageSchema,
  levelSchema,
  rocAucSchema,
  scaleSchema,
  topKSchema,
  type Metric,
  type MetricName,
} from '../metrics/metric.js';
import { adagradSettings } from '../optimizers/adagrad.js';
import { adamSettings } from '../optimizers/adam.js';
import type { OptimizerInput } from '../optimizers/optimizer.js';
import { rmspropSettings } from '../optimizers/rmsprop.js';
import { sgdSettings } from '../optimizers/sgd.js';
import { backtrackingSettings } from '../schedules/backtracking.js';
import { constantRateSettings } from '../schedules/constantRate.js';
import { cosineDecaySettings } from '../schedules/cosineDecay.js';
import { cosineRestartsSettings } from '../schedules/cosineRestarts.js';
import { exponentialDecaySettings } from '../schedules/exponentialDecay.js';
import { inverseTimeDecaySettings } from '../schedules/inverseTimeDecay.js';
import { oneCycleSettings } from '../schedules/oneCycle.js';
import { piecewiseConstantSettings } from '../schedules/piecewiseConstant.js';
import type { PlainSchedule } from '../schedules/plainSchedule.js';
import { polynomialDecaySettings } from '../schedules/polynomialDecay.js';
import { reduceOnPlateauSettings } from '../schedules/reduceOnPlateau.js';
import type { LearningRate } from '../schedules/schedule.js';
import { stepDecaySettings } from '../schedules/stepDecay.js';
import { warmupSettings } from '../schedules/warmup.js';
import type { EarlyStoppingOptions } from '../training/earlyStopping.js';

const none = settings({});

const plainSchedules: { readonly [K in PlainSchedule['kind']]: z.ZodType } = {
  constantRate: constantRateSettings,
  stepDecay: stepDecaySettings,
  piecewiseConstant: piecewiseConstantSettings,
  exponentialDecay: exponentialDecaySettings,
  inverseTimeDecay: inverseTimeDecaySettings,
  polynomialDecay: polynomialDecaySettings,
  cosineDecay: cosineDecaySettings,
  cosineRestarts: cosineRestartsSettings,
  oneCycle: oneCycleSettings,
  reduceOnPlateau: reduceOnPlateauSettings,
  backtracking: backtrackingSettings,
};

const plainRate = descriptor<number | PlainSchedule>(plainSchedules, { number: nonNegative });

const learningRate = descriptor<LearningRate>(
  {
    ...plainSchedules,
    warmup: warmupSettings.extend({ learningRate: plainRate }),
  },
  { number: nonNegative },
).optional();

const optimizers = {
  adam: adamSettings.extend({ learningRate }),
  adamW: adamSettings.extend({ learningRate }),
  sgd: sgdSettings.extend({ learningRate }),
  rmsprop: rmspropSettings.extend({ learningRate }),
  adagrad: adagradSettings.extend({ learningRate }),
};

/** An optimiser: its name, or its settings with a `kind`. */
export const optimizerConfig = descriptor<OptimizerInput>(optimizers, { names: Object.keys(optimizers) });

const losses: { readonly [K in LossKind]: z.ZodType } = {
  mse: none,
  mae: none,
  huber: huberSchema,
  logCosh: none,
  quantile: quantileSchema,
  gaussianNll: gaussianSchema,
  crossEntropy: crossEntropySchema,
  binaryCrossEntropy: none,
};

/** A loss: its name, or its settings with a `kind`. */
export const lossConfig = descriptor<LossInput>(losses, {
  names: Object.keys(losses).filter((kind) => kind !== 'quantile'),
});

const metrics: { readonly [K in MetricName]: z.ZodType } = {
  accuracy: none,
  classReport: none,
  confusionMatrix: none,
  topK: topKSchema,
  precision: averageSchema,
  recall: averageSchema,
  f1: averageSchema,
  rocAuc: rocAucSchema,
  perplexity: none,
  bitsPerCharacter: none,
  mae: none,
  mse: none,
  rmse: none,
  mape: none,
  smape: none,
  r2: none,
  mase: scaleSchema,
  intervalCoverage: levelSchema,
};

/** A metric: its name, or its settings with a `kind`. */
export const metricConfig = descriptor<Metric>(metrics, {
  names: Object.keys(metrics).filter((kind) => kind !== 'mase' && kind !== 'intervalCoverage'),
});

const earlyStoppingConfig = settings({
  monitor: text("the name of a value of an epoch's record, such as 'valLoss'").optional(),
  mode: choice('auto', 'min', 'max').optional(),
  patience: whole(0).optional(),
  minDelta: nonNegative.optional(),
  baseline: z.number({ error: () => 'a number' }).optional(),
  startFromEpoch: whole(0).optional(),
  restoreBest: flag.optional(),
}) as z.ZodType<EarlyStoppingOptions>;

/** How a model is trained: `fit`'s own settings, as JSON. */
export const trainingSchema = settings({
  loss: lossConfig.optional(),
  optimizer: optimizerConfig.optional(),
  metrics: z.array(metricConfig, { error: () => 'a list of metrics' }).optional(),
  epochs: whole(1).default(10),
  batchSize: whole(1).default(32),
  shuffle: flag.default(true),
  dropLast: flag.default(false),
  bucketByLength: flag.default(false),
  sampling: choice('natural', 'balanced').default('natural'),
  onNonFinite: choice('throw', 'skip').default('throw'),
  earlyStopping: earlyStoppingConfig.optional(),
});
