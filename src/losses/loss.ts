import { z } from 'zod';
import { choice } from '../config/fields.js';

/** The losses by name. */
export type LossKind = 'mse' | 'crossEntropy' | 'binaryCrossEntropy';

/** A loss: made by {@link mse}, {@link crossEntropy} or {@link binaryCrossEntropy}; frozen. */
export interface Loss {
  readonly kind: LossKind;
}

/** A loss, or its name. */
export type LossInput = LossKind | Loss;

/**
 * Mean squared error: mean over all live elements of (y - target)². Targets have the shape of the output; [N] is
 * enough where the output has one value a sequence. Padding beyond a sequence's length does not count.
 *
 * @example
 * ```ts
 * await model.fit({ x, y }, { loss: mse() });
 * ```
 */
export function mse(): Loss {
  return Object.freeze({ kind: 'mse' });
}

/**
 * Cross-entropy: mean over live rows of -Σ_k target_k log p_k, with p the softmax of the head's logits, computed from
 * the logits themselves. The last layer is a dense layer with `softmax` (fused into the loss) or `linear`
 * (logits). Targets are class ids ([N] or [N, T]) or distributions ([N, K] or [N, T, K]).
 *
 * @example
 * ```ts
 * await model.fit({ x, y: [0, 2, 1] }, { loss: crossEntropy() });
 * ```
 */
export function crossEntropy(): Loss {
  return Object.freeze({ kind: 'crossEntropy' });
}

/**
 * Binary cross-entropy: mean over live elements of -(target log p + (1 - target) log(1 - p)), with p the logistic
 * sigmoid of the head's logits, computed from the logits themselves. The last layer is a dense layer with
 * `sigmoid` (fused into the loss) or `linear` (logits). Targets, from 0 to 1, have the shape of the output.
 *
 * @example
 * ```ts
 * await model.fit({ x, y: [0, 1, 1] }, { loss: binaryCrossEntropy() });
 * ```
 */
export function binaryCrossEntropy(): Loss {
  return Object.freeze({ kind: 'binaryCrossEntropy' });
}

const kinds = choice('mse', 'crossEntropy', 'binaryCrossEntropy');

/** A loss as a setting: a descriptor or its name, resolved to the name. */
export const lossSchema = z.preprocess(
  (value) => (typeof value === 'object' && value !== null && 'kind' in value ? value.kind : value),
  kinds,
);
