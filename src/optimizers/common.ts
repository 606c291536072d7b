import { z } from 'zod';
import { choice, field, fraction, nonNegative, settings, whole } from '../config/fields.js';
import { jsonSchemaOf, withJsonForm } from '../config/jsonSchema.js';
import type { LearningRate } from '../schedules/schedule.js';
import { averageSchema, type WeightAverage, type WeightAverageInput } from './average.js';
import { clipSchema, type Clip } from './clip.js';

/**
 * Parameters with settings of their own. A name is that of a layer (`embedding`) or of a parameter
 * (`lstm.weight_hh_l0`), where `*` stands for anything: `*.bias*`. The first group that names a parameter has it.
 */
export interface ParameterGroup {
  readonly parameters: readonly string[];
  /**
   * Times the learning rate, a schedule's too. 0 leaves the parameters as they are; layers that never learn say
   * `trainable: false`.
   */
  readonly learningRateScale: number;
  /** Instead of the optimiser's. */
  readonly weightDecay?: number | undefined;
}

/** A group as a setting: one name or several, `learningRateScale` 1. */
export interface ParameterGroupInput {
  readonly parameters: string | readonly string[];
  readonly learningRateScale?: number | undefined;
  readonly weightDecay?: number | undefined;
}

/** Gaussian noise on clipped gradients, of variance eta / (1 + t)^gamma at update t from 0 (Neelakantan et al. 2015). */
export interface GradientNoise {
  readonly eta: number;
  readonly gamma: number;
}

/** Batches whose gradients make one update, added up or (`mean`) averaged. */
export interface Accumulation {
  readonly passes: number;
  readonly reduction: 'mean' | 'sum';
}

/** What every optimiser has, resolved. */
export interface CommonSettings {
  /** A number, or a schedule that `fit` follows; with `accumulate` too it counts batches, not updates. */
  readonly learningRate: LearningRate;
  readonly clip?: Clip | undefined;
  /**
   * λ. `decoupled` (the default): p is first multiplied by 1 - learningRate · λ (Loshchilov and Hutter 2019; PyTorch's
   * AdamW, Keras' `weight_decay`). `coupled`: λp is added to the clipped gradient (PyTorch's Adam, SGD, RMSprop and
   * Adagrad). A penalty that is part of the loss, and so is clipped with the gradient, is `l2()` of a layer.
   */
  readonly weightDecay: number;
  readonly decay: 'decoupled' | 'coupled';
  readonly gradientNoise?: GradientNoise | undefined;
  readonly average?: WeightAverage | undefined;
  readonly accumulate: Accumulation;
  readonly groups?: readonly ParameterGroup[] | undefined;
  /** Where the libraries differ, whose run is followed. Default `pytorch`. */
  readonly convention: Convention;
}

export type Convention = 'pytorch' | 'keras';

/** What every optimiser takes. */
export interface CommonOptions {
  readonly learningRate?: LearningRate | undefined;
  readonly clip?: Clip | undefined;
  readonly weightDecay?: number | undefined;
  readonly decay?: 'decoupled' | 'coupled' | undefined;
  readonly gradientNoise?: { readonly eta: number; readonly gamma?: number | undefined } | undefined;
  readonly average?: WeightAverageInput | undefined;
  /** Batches to an update, their gradients averaged; or `{ passes, reduction: 'sum' }`. Default 1. */
  readonly accumulate?:
    number | { readonly passes: number; readonly reduction?: 'mean' | 'sum' | undefined } | undefined;
  readonly groups?: readonly ParameterGroupInput[] | undefined;
  readonly convention?: Convention | undefined;
}

const passes = whole(1, 1_000_000);
const noiseSchema = settings({ eta: nonNegative, gamma: nonNegative.default(0.55) });
const accumulationSchema = settings({ passes, reduction: choice('mean', 'sum').default('mean') });

const accumulateSchema = withJsonForm(
  z
    .preprocess((value) => (typeof value === 'number' ? { passes: value } : value), accumulationSchema)
    .default({ passes: 1, reduction: 'mean' }),
  () => ({ anyOf: [jsonSchemaOf(passes), jsonSchemaOf(accumulationSchema)] }),
);

const names = field<string | readonly string[]>(
  'a name or names of layers or parameters',
  (value) =>
    (typeof value === 'string' && value !== '') ||
    (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && one !== '')),
  { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
).transform((value): readonly string[] => (typeof value === 'string' ? [value] : value));

const groupSchema = settings({
  parameters: names,
  learningRateScale: nonNegative.default(1),
  weightDecay: nonNegative.optional(),
});

/** The settings of {@link CommonSettings} but the learning rate, whose default is the optimiser's own. */
export const commonFields = {
  clip: clipSchema.optional(),
  weightDecay: nonNegative.default(0),
  decay: choice('decoupled', 'coupled').default('decoupled'),
  gradientNoise: noiseSchema.optional(),
  average: averageSchema.optional(),
  accumulate: accumulateSchema,
  groups: z.array(groupSchema, { error: () => 'an array of groups' }).optional(),
  convention: choice('pytorch', 'keras').default('pytorch'),
};

/** A decay rate of a moving average. */
export const momentum = fraction;

/** The library's own default of epsilon. */
export function epsilonOf(
  { epsilon, convention }: { readonly epsilon?: number | undefined; readonly convention: Convention },
  pytorch: number,
): number {
  return epsilon ?? (convention === 'keras' ? 1e-7 : pytorch);
}
