import { describe } from '../config/describe.js';
import { nearestName } from '../config/nearestName.js';
import { classLabels } from '../data/labels.js';
import { sourceError, type SourcePlace } from '../data/sources/sourceError.js';
import { ConfigError } from '../errors.js';
import type { Loss } from '../losses/loss.js';
import type { Model } from '../model/model.js';

/** The classes of a model, and how its outputs say them: one logistic output of two classes, or one output a class. */
export interface ClassHead {
  readonly labels: readonly string[];
  readonly binary: boolean;
}

/** What a model says of one sequence or step. */
export interface ClassResult {
  readonly prediction: string;
  readonly probability: number;
}

/** The classes of some examples' labels. @throws DataError for fewer than two. */
export function classesOf(labels: readonly string[], source: string): readonly string[] {
  const classes = labels.length === 0 ? [] : classLabels(labels);
  if (classes.length >= 2) return classes;
  const received = classes.length === 0 ? 'none' : `only '${classes[0]}'`;
  throw sourceError({ file: source }, 'at least two different labels', received);
}

/** The classes that a model was made with. */
export function headOf(model: Model): ClassHead {
  return { labels: model.labels!, binary: model.outputShape.at(-1) === 1 };
}

/**
 * How a loss has classes said.
 *
 * @throws ConfigError for a loss that is not of classes, or of two where there are more.
 */
export function classHead(labels: readonly string[], loss: Loss): ClassHead {
  const binary = loss.kind === 'binaryCrossEntropy';
  if (loss.kind === 'crossEntropy' || (binary && labels.length === 2)) return { labels, binary };
  const path = '$.training.loss';
  const expected = labels.length === 2 ? "'crossEntropy' | 'binaryCrossEntropy'" : "'crossEntropy'";
  const message = `${path}: expected ${expected} for ${labels.length} classes, received '${loss.kind}'`;
  throw new ConfigError(message, { path, expected, received: loss.kind });
}

/** Outputs of a model for these classes. */
export function outputsOf({ labels, binary }: ClassHead): number {
  return binary ? 1 : labels.length;
}

/**
 * The number of a class.
 *
 * @throws DataError for one that was not among the training data's.
 */
export function classId({ labels }: ClassHead, label: string, place: SourcePlace): number {
  const id = labels.indexOf(label);
  if (id >= 0) return id;
  const near = nearestName(label, labels);
  const known = labels.length <= 20 ? `one of ${labels.join(', ')}` : `one of the ${labels.length} classes`;
  const hint = near === undefined ? '' : ` (did you mean '${near}'?)`;
  throw sourceError(place, `${known} that were trained on`, `${describe(label)}${hint}`);
}

/**
 * The likeliest class of outputs [K], or of one logistic output.
 *
 * @param activation Of the last layer: with `linear` the outputs are logits.
 */
export function classOf(
  { labels, binary }: ClassHead,
  outputs: Float32Array,
  activation: string,
): ClassResult & { readonly probabilities: Readonly<Record<string, number>> } {
  const shares = binary ? twoShares(outputs[0]!, activation) : sharesOf(outputs, activation);
  let best = 0;
  for (let id = 1; id < shares.length; id++) if (shares[id]! > shares[best]!) best = id;
  const probabilities = Object.fromEntries(labels.map((label, id) => [label, rounded(shares[id]!)]));
  return { prediction: labels[best]!, probability: rounded(shares[best]!), probabilities };
}

function twoShares(output: number, activation: string): number[] {
  const second = activation === 'linear' ? 1 / (1 + Math.exp(-output)) : output;
  return [1 - second, second];
}

function sharesOf(outputs: Float32Array, activation: string): ArrayLike<number> {
  if (activation !== 'linear') return outputs;
  const largest = outputs.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(outputs, (logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

// What float32 knows of it.
function rounded(share: number): number {
  return Number(share.toPrecision(6));
}
