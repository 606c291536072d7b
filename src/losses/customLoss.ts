import { field, settings } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { Tensor } from '../data/tensor.js';

/** What a custom loss is given: one batch, padded to its own longest sequence. */
export interface CustomLossBatch {
  /** The model's outputs, [N, T, K] or [N, K]; zeros beyond each sequence's length. */
  readonly predictions: Tensor<Float32Array>;
  /** y of these rows, [N, T, W] or [N, W], W being 1 where y had no last axis; zeros beyond each length. */
  readonly targets: Tensor<Float32Array>;
  /** [N], each 1..T: the steps of each sequence that are there. */
  readonly lengths: Int32Array;
  /** [N] or [N, T]; undefined where none were given. */
  readonly sampleWeights: Tensor<Float32Array> | undefined;
  /** Live rows: N, or Σ lengths for sequence outputs. */
  readonly rows: number;
}

/** What a custom loss gives. */
export interface CustomLossResult {
  /** The batch's loss; an epoch's is the mean over batches, each counted by its live rows. */
  readonly loss: number;
  /** d loss / d predictions, in their order; what stands beyond a sequence's length is not looked at. */
  readonly gradient: Float32Array;
}

/** A loss in TypeScript: made by {@link customLoss}; frozen. */
export interface CustomLoss {
  readonly kind: 'custom';
  readonly name: string;
  readonly compute: (batch: CustomLossBatch) => CustomLossResult | Promise<CustomLossResult>;
}

/** What {@link customLoss} takes. */
export interface CustomLossOptions {
  /** For messages. Default `custom`. */
  readonly name?: string | undefined;
  readonly compute: CustomLoss['compute'];
}

const made = new WeakSet<object>();

const schema = settings({
  name: field<string>('a name', (value) => typeof value === 'string' && value !== '').default('custom'),
  compute: field<CustomLoss['compute']>('a function', (value) => typeof value === 'function'),
});

/**
 * A loss of your own: outputs in, loss and gradient out. `trainStep`, `fit` and `evaluate` take it; `gradients` does
 * not. The loss that is reported is `compute`'s, without penalties, which the update still applies.
 *
 * What it costs: a step is two passes with JavaScript in between instead of one native call. Outputs and gradient
 * cross the boundary (8 bytes an output and step), the device waits while `compute` runs, batches no longer overlap,
 * and the gradient at the network's input is computed as well. Use a built-in loss where there is one. Metrics are
 * those of regression, computed from the outputs, where y has the outputs' shape. A saved model does not hold it.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * const cubic = customLoss({
 *   compute({ predictions, targets, rows }) {
 *     const gradient = new Float32Array(predictions.data.length);
 *     let loss = 0;
 *     predictions.data.forEach((y, i) => {
 *       const d = y - targets.data[i]!;
 *       loss += Math.abs(d) ** 3 / rows;
 *       gradient[i] = (3 * d * Math.abs(d)) / rows;
 *     });
 *     return { loss, gradient };
 *   },
 * });
 * await model.fit({ x, y }, { loss: cubic });
 * ```
 */
export function customLoss(options: CustomLossOptions): CustomLoss {
  const loss = Object.freeze({ kind: 'custom' as const, ...parseOptions(schema, options, 'customLoss') });
  made.add(loss);
  return loss;
}

/** Whether a value was made by {@link customLoss}. */
export function isCustomLoss(value: unknown): value is CustomLoss {
  return typeof value === 'object' && value !== null && made.has(value);
}
