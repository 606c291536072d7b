import type { z } from 'zod';
import { nonNegative, positive, settings } from '../config/fields.js';

/**
 * Limits on gradients before the update, penalties included:
 *
 * - `globalNorm` scales all of them together so that their joint L2 norm is at most this (Pascanu et al. 2013,
 *   algorithm 1): g · min(1, limit / (norm + epsilon)). `epsilon` 1e-6 is PyTorch's `clip_grad_norm_` and the default, 0
 *   is TensorFlow's `clip_by_global_norm` (Keras' `global_clipnorm`).
 * - `tensorNorm` does so for each parameter alone; `epsilon` 0, the default, is TensorFlow's `clip_by_norm` (Keras'
 *   `clipnorm`), 1e-6 PyTorch's `clip_grad_norm_` on single parameters.
 * - `value` cuts every element to ±value (PyTorch's `clip_grad_value_`, Keras' `clipvalue`).
 * - `adaptive` scales the gradient of each unit's weights, a row of the parameter (a vector is one row), so that its
 *   norm is at most adaptive · max(norm of the weights, epsilon) (Brock et al. 2021, equation 3; 0.01 is usual);
 *   `epsilon` 1e-3. It reads the gradients once more.
 */
export type Clip =
  | { readonly globalNorm: number; readonly epsilon?: number | undefined }
  | { readonly tensorNorm: number; readonly epsilon?: number | undefined }
  | { readonly adaptive: number; readonly epsilon?: number | undefined }
  | { readonly value: number };

const kinds = ['globalNorm', 'tensorNorm', 'adaptive', 'value'] as const;

export const clipSchema = settings({
  globalNorm: positive.optional(),
  tensorNorm: positive.optional(),
  adaptive: positive.optional(),
  value: positive.optional(),
  epsilon: nonNegative.optional(),
})
  .refine((clip) => kinds.filter((kind) => clip[kind] !== undefined).length === 1, {
    error: 'exactly one of globalNorm, tensorNorm, adaptive and value',
  })
  .refine((clip) => clip.value === undefined || clip.epsilon === undefined, {
    error: 'no epsilon beside value',
  }) as unknown as z.ZodType<Clip, Clip>;
