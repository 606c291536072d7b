import { activate, sigmoid } from './dense.js';
import type { Row } from './batch.js';

export type LossKind = 'mse' | 'crossEntropy' | 'binaryCrossEntropy';

export interface Targets {
  readonly loss: LossKind;
  /** [rows]: class ids, crossEntropy only. */
  readonly ids?: ArrayLike<number>;
  /** [rows, classes] */
  readonly values?: Float64Array;
  /** [N] */
  readonly sampleWeights?: ArrayLike<number>;
}

export interface LossResult {
  /** Mean over live elements: rows for crossEntropy, rows·classes otherwise. */
  readonly loss: number;
  readonly elements: number;
  readonly correct: number;
  readonly absoluteError: number;
  readonly squaredError: number;
  /** At what the loss was given: logits for crossEntropy and binaryCrossEntropy. */
  readonly gradient: Float64Array;
}

/**
 * mse: (p - t)²    crossEntropy: -Σ t log softmax(z)    binaryCrossEntropy: -(t log σ(z) + (1 - t) log(1 - σ(z)))
 *
 * A sample's weight multiplies its loss; the mean divides by the number of live elements all the same.
 */
export function lossOf(
  targets: Targets,
  rows: readonly Row[],
  classes: number,
  predictions: Float64Array,
): LossResult {
  const elements = targets.loss === 'crossEntropy' ? rows.length : rows.length * classes;
  const gradient = new Float64Array(predictions.length);
  const sums = { loss: 0, correct: 0, absoluteError: 0, squaredError: 0 };
  for (const { at, n } of rows) {
    const z = predictions.subarray(at * classes, (at + 1) * classes);
    const t = targetRow(targets, at, classes);
    const row = ROW_LOSS[targets.loss](z, t);
    const weight = targets.sampleWeights?.[n] ?? 1;
    sums.loss += weight * row.loss;
    sums.correct += row.correct;
    row.dz.forEach((d, k) => (gradient[at * classes + k] = (weight * d) / elements));
    if (targets.ids !== undefined) continue;
    t.forEach((target, k) => {
      sums.absoluteError += Math.abs(row.p[k]! - target);
      sums.squaredError += (row.p[k]! - target) ** 2;
    });
  }
  return { ...sums, loss: sums.loss / elements, elements, gradient };
}

function targetRow({ ids, values }: Targets, at: number, classes: number): Float64Array {
  if (ids === undefined) return values!.subarray(at * classes, (at + 1) * classes);
  const oneHot = new Float64Array(classes);
  oneHot[ids[at]!] = 1;
  return oneHot;
}

interface RowLoss {
  readonly loss: number;
  readonly correct: number;
  readonly dz: Float64Array;
  /** What a user sees as the prediction. */
  readonly p: Float64Array;
}

const ROW_LOSS: Record<LossKind, (z: Float64Array, t: Float64Array) => RowLoss> = {
  mse: (z, t) => ({
    loss: sum(z.map((p, k) => (p - t[k]!) ** 2)),
    correct: 0,
    dz: z.map((p, k) => 2 * (p - t[k]!)),
    p: z,
  }),

  crossEntropy: (z, t) => {
    const p = z.slice();
    activate('softmax', p);
    const largest = Math.max(...z);
    const logSum = largest + Math.log(sum(z.map((value) => Math.exp(value - largest))));
    return {
      loss: sum(t.map((target, k) => target * (logSum - z[k]!))),
      correct: Number(indexOfLargest(z) === indexOfLargest(t)),
      dz: p.map((value, k) => value * sum(t) - t[k]!),
      p,
    };
  },

  binaryCrossEntropy: (z, t) => {
    const p = z.map(sigmoid);
    return {
      // log(1 + e^-|z|) + max(z, 0) - z t: the same loss, without overflow.
      loss: sum(
        z.map((value, k) => Math.log1p(Math.exp(-Math.abs(value))) + Math.max(value, 0) - value * t[k]!),
      ),
      correct: sum(z.map((value, k) => Number(value > 0 === t[k]! > 0.5))),
      dz: p.map((value, k) => value - t[k]!),
      p,
    };
  },
};

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}

function indexOfLargest(values: Float64Array): number {
  return values.reduce((best, value, k) => (value > values[best]! ? k : best), 0);
}
