import { activate, sigmoid } from './dense.js';
import type { Row } from './batch.js';

export type LossKind =
  'mse' | 'mae' | 'huber' | 'logCosh' | 'quantile' | 'gaussianNll' | 'crossEntropy' | 'binaryCrossEntropy';

/** A loss's own settings, by the package's names; each is read by its loss alone. */
export interface LossSettings {
  readonly delta?: number;
  readonly quantiles?: readonly number[];
  readonly full?: boolean;
  readonly labelSmoothing?: number;
  readonly classWeights?: readonly number[];
  readonly ignoreIndex?: number;
}

export interface Targets {
  readonly loss: LossKind;
  readonly settings?: LossSettings;
  /** [rows]: class ids, crossEntropy only. */
  readonly ids?: ArrayLike<number>;
  /** [rows, targets] */
  readonly values?: Float64Array;
  /** [N], or by step [rows] */
  readonly sampleWeights?: ArrayLike<number>;
}

export interface LossResult {
  /** Mean over live elements: rows for crossEntropy, rows·targets for gaussianNll, rows·channels otherwise. */
  readonly loss: number;
  readonly elements: number;
  readonly correct: number;
  readonly absoluteError: number;
  readonly squaredError: number;
  /** At what the loss was given: logits for crossEntropy and binaryCrossEntropy. */
  readonly gradient: Float64Array;
}

/**
 * mse: d²    mae: |d|    huber: d²/2 or δ(|d| - δ/2)    logCosh: log cosh d, each of d = p - t
 * quantile: max(q(t - p), (q - 1)(t - p))    gaussianNll: (log v + d²/v)/2, v = max(e^s, 1e-6)
 * crossEntropy: -Σ a log softmax(z), a = w((1 - e)t + e/K)
 * binaryCrossEntropy: -(t log σ(z) + (1 - t) log(1 - σ(z)))
 *
 * A sample's weight multiplies its loss; the mean divides by the number of live elements all the same. By ids
 * crossEntropy divides by the class weights of the rows that count.
 */
export function lossOf(
  targets: Targets,
  rows: readonly Row[],
  classes: number,
  predictions: Float64Array,
): LossResult {
  const counted = rows.filter(({ at }) => targets.ids === undefined || counts(targets, at));
  const elements = elementsOf(targets, counted, classes);
  const gradient = new Float64Array(predictions.length);
  const sums = { loss: 0, correct: 0, absoluteError: 0, squaredError: 0 };
  const perStep =
    targets.sampleWeights !== undefined && targets.sampleWeights.length > 1 + largestSequence(rows);
  for (const { at, n } of counted) {
    const z = predictions.subarray(at * classes, (at + 1) * classes);
    const t = targetRow(targets, at, classes);
    const row = rowLoss(targets, z, t);
    const weight = targets.sampleWeights?.[perStep ? at : n] ?? 1;
    sums.loss += weight * row.loss;
    sums.correct += row.correct;
    row.dz.forEach((d, k) => (gradient[at * classes + k] = (weight * d) / elements));
    if (targets.ids !== undefined) continue;
    row.p.forEach((p, k) => {
      sums.absoluteError += Math.abs(p - t[k]!);
      sums.squaredError += (p - t[k]!) ** 2;
    });
  }
  return { ...sums, loss: sums.loss / elements, elements, gradient };
}

function counts({ ids, settings }: Targets, at: number): boolean {
  return settings?.ignoreIndex === undefined || ids![at] !== settings.ignoreIndex;
}

function largestSequence(rows: readonly Row[]): number {
  return rows.reduce((most, { n }) => Math.max(most, n), 0);
}

function elementsOf({ loss, ids, settings }: Targets, rows: readonly Row[], classes: number): number {
  if (loss === 'gaussianNll') return (rows.length * classes) / 2;
  if (loss !== 'crossEntropy') return rows.length * classes;
  if (ids === undefined || settings?.classWeights === undefined) return rows.length;
  return rows.reduce((sum, { at }) => sum + settings.classWeights![ids[at]!]!, 0);
}

function targetRow({ loss, settings, ids, values }: Targets, at: number, classes: number): Float64Array {
  if (ids === undefined) {
    const share = loss === 'quantile' ? settings!.quantiles!.length : loss === 'gaussianNll' ? 2 : 1;
    return values!.subarray((at * classes) / share, ((at + 1) * classes) / share);
  }
  const oneHot = new Float64Array(classes);
  oneHot[ids[at]!] = 1;
  return oneHot;
}

interface RowLoss {
  readonly loss: number;
  readonly correct: number;
  readonly dz: Float64Array;
  /** What a user sees as the prediction of each target; empty where there is no one number. */
  readonly p: Float64Array;
}

function rowLoss({ loss, settings = {} }: Targets, z: Float64Array, t: Float64Array): RowLoss {
  switch (loss) {
    case 'mse':
      return ofDifferences(z, t, (d) => [d * d, 2 * d]);
    case 'mae':
      return ofDifferences(z, t, (d) => [Math.abs(d), Math.sign(d)]);
    case 'huber': {
      const delta = settings.delta ?? 1;
      return ofDifferences(z, t, (d) =>
        Math.abs(d) < delta ? [(d * d) / 2, d] : [delta * (Math.abs(d) - delta / 2), delta * Math.sign(d)],
      );
    }
    case 'logCosh':
      return ofDifferences(z, t, (d) => [Math.log(Math.cosh(d)), Math.tanh(d)]);
    case 'quantile':
      return pinball(z, t, settings.quantiles!);
    case 'gaussianNll':
      return gaussian(z, t, settings.full === true);
    case 'crossEntropy':
      return crossEntropy(z, t, settings);
    case 'binaryCrossEntropy':
      return binaryCrossEntropy(z, t);
  }
}

function ofDifferences(z: Float64Array, t: Float64Array, of: (d: number) => [number, number]): RowLoss {
  const parts = Array.from(z, (p, k) => of(p - t[k]!));
  return {
    loss: parts.reduce((sum, [value]) => sum + value, 0),
    correct: 0,
    dz: Float64Array.from(parts, ([, slope]) => slope),
    p: z,
  };
}

function pinball(z: Float64Array, t: Float64Array, quantiles: readonly number[]): RowLoss {
  const dz = new Float64Array(z.length);
  let loss = 0;
  z.forEach((p, k) => {
    const q = quantiles[k % quantiles.length]!;
    const missing = t[Math.floor(k / quantiles.length)]! - p;
    loss += Math.max(q * missing, (q - 1) * missing);
    dz[k] = missing > 0 ? -q : 1 - q;
  });
  return { loss, correct: 0, dz, p: new Float64Array(0) };
}

function gaussian(z: Float64Array, t: Float64Array, full: boolean): RowLoss {
  const dz = new Float64Array(z.length);
  let loss = 0;
  t.forEach((target, k) => {
    const d = z[2 * k]! - target;
    const given = Math.exp(z[2 * k + 1]!);
    const v = Math.max(given, 1e-6);
    loss += (Math.log(v) + (d * d) / v + (full ? Math.log(2 * Math.PI) : 0)) / 2;
    dz[2 * k] = d / v;
    dz[2 * k + 1] = (given / 2) * (1 / v - (d / v) ** 2);
  });
  return { loss, correct: 0, dz, p: t.map((_, k) => z[2 * k]!) };
}

function crossEntropy(z: Float64Array, t: Float64Array, settings: LossSettings): RowLoss {
  const smoothing = settings.labelSmoothing ?? 0;
  const a = t.map(
    (target, k) => (settings.classWeights?.[k] ?? 1) * ((1 - smoothing) * target + smoothing / t.length),
  );
  const p = z.slice();
  activate('softmax', p);
  const largest = Math.max(...z);
  const logSum = largest + Math.log(sum(z.map((value) => Math.exp(value - largest))));
  return {
    loss: sum(a.map((wanted, k) => wanted * (logSum - z[k]!))),
    correct: Number(indexOfLargest(z) === indexOfLargest(t)),
    dz: p.map((value, k) => value * sum(a) - a[k]!),
    p,
  };
}

function binaryCrossEntropy(z: Float64Array, t: Float64Array): RowLoss {
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
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}

function indexOfLargest(values: Float64Array): number {
  return values.reduce((best, value, k) => (value > values[best]! ? k : best), 0);
}
