import { BatchGatherer } from '../data/batches.js';
import { classLabels } from '../data/classLabels.js';
import type { ExampleStream } from '../data/examples.js';
import type { LanguageModelStream } from '../data/languageModelStream.js';
import {
  featureSequences,
  tokenSequences,
  type FeatureInput,
  type Sequences,
  type TokenInput,
} from '../data/sequences.js';
import { targetsFor, type SampleWeightInput, type TargetInput } from '../data/targets.js';
import { describe } from '../config/describe.js';
import { ConfigError, DataError, ShapeError } from '../errors.js';
import { outputsOf } from '../layers/chain.js';
import { channelsPerTarget } from '../losses/loss.js';
import type { ModelLoss } from '../losses/modelLoss.js';
import type { ByHead, ByHeadPartly } from './byHead.js';
import { headGatherer } from './headData.js';
import type { ResolvedModel } from './modelConfig.js';

/** Sequences: features [N, T, C] or token ids [N, T], as a tensor or nested arrays, ragged or not. */
export type SequenceInput = FeatureInput | TokenInput;

/** Sequences with what they should give, one a row. */
export interface LabelledData<in out Head extends string = never> {
  readonly x: SequenceInput;
  /**
   * `crossEntropy`: class ids [N] or [N, T], or distributions [N, K] or [N, T, K]. Other losses: values [N, K] or
   * [N, T, K], without the last axis when K is 1; K is the number of targets with `quantile` and `gaussianNll`. Of a
   * model with heads those of each head: `{ tag, length }`.
   */
  readonly y: ByHead<Head, TargetInput>;
  /** [N], each 1..T; by default all the steps a row came with. */
  readonly seqLengths?: ArrayLike<number> | undefined;
  /**
   * [N], or with an output at every step [N, T]; each >= 0, by default 1. What a row's loss is multiplied by. Of a model
   * with heads for all of them, or by head.
   */
  readonly sampleWeights?: SampleWeightInput | ByHeadPartly<Head, SampleWeightInput> | undefined;
}

/** What a model is trained on: labelled sequences, a text as `languageModelStream` cuts it, or examples as they are read. */
export type TrainingData<Head extends string = never> =
  LabelledData<Head> | LanguageModelStream | ExampleStream;

/** Labelled data of any model, its targets unchecked. */
export type AnyLabelledData = LabelledData | LabelledData<string>;

/** Data of any model. */
export type AnyTrainingData = AnyLabelledData | LanguageModelStream | ExampleStream;

/** Whether data is a language-model stream. */
export function isStream(data: AnyTrainingData): data is LanguageModelStream {
  return 'kind' in data && data.kind === 'stream';
}

/** Whether data is read as it is needed. */
export function isExamples(data: unknown): data is ExampleStream {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === 'examples';
}

/**
 * The input as batches are gathered from it.
 *
 * @param borrowed The batches are gathered before the caller can change its input: it need not be copied.
 * @throws ShapeError, DataError
 */
export function sequencesFor(
  model: ResolvedModel,
  x: SequenceInput,
  seqLengths?: ArrayLike<number>,
  borrowed = false,
): Sequences {
  return model.input.kind === 'tokens'
    ? tokenSequences(x as TokenInput, { vocabSize: model.input.size, seqLengths })
    : featureSequences(x as FeatureInput, { channels: model.input.size, seqLengths, borrowed });
}

/** Checked data with its gatherer. */
export interface PreparedData {
  readonly count: number;
  /** T the input came with. */
  readonly maxLength: number;
  /** [N] */
  readonly lengths: ArrayLike<number>;
  /** [N], where the targets are classes. */
  readonly labels?: ArrayLike<number> | undefined;
  readonly gatherer: BatchGatherer;
}

/**
 * Labelled data, checked against a model and a loss.
 *
 * @param borrowed As of {@link sequencesFor}.
 * @throws ConfigError, ShapeError, DataError
 */
export function prepareLabelled(
  model: ResolvedModel,
  data: AnyLabelledData,
  loss: ModelLoss,
  borrowed = false,
): PreparedData {
  const sequences = sequencesFor(model, data.x, data.seqLengths, borrowed);
  const { count, maxLength, lengths } = sequences;
  if (loss.kind === 'heads') {
    return { count, maxLength, lengths, gatherer: headGatherer(model, sequences, data, loss) };
  }
  const { output } = outputsOf(model.chain)[0]!.link;
  const targets = targetsFor(data.y as TargetInput, {
    loss: loss.kind,
    classes: output.size / channelsPerTarget(loss),
    ignoreIndex: loss.kind === 'crossEntropy' ? loss.ignoreIndex : undefined,
    perStep: output.kind === 'sequence',
    lengths: sequences.lengths,
  });
  const gatherer = new BatchGatherer(sequences, targets, data.sampleWeights as SampleWeightInput | undefined);
  return { count, maxLength, lengths, labels: classLabels(targets, loss.kind), gatherer };
}

/**
 * Checks that a stream can train a model with a loss.
 *
 * @throws ConfigError, DataError
 */
export function checkStream(model: ResolvedModel, stream: LanguageModelStream, loss: ModelLoss): void {
  const output = model.chain.at(-1)!.output;
  if (model.input.kind !== 'tokens' || output.kind !== 'sequence' || loss.kind !== 'crossEntropy') {
    const expected = "token input, one output, at every step, and the loss 'crossEntropy'";
    throw new ConfigError(`data: a language-model stream needs ${expected}`, { path: 'data', expected });
  }
  const ids = Math.min(model.input.size, output.size);
  if (stream.largestId < ids) return;
  throw new DataError(`data: expected token ids from 0 to ${ids - 1}, received ${stream.largestId}`, {
    name: 'tokens',
    expected: ids - 1,
    received: stream.largestId,
  });
}

const dataNames = new Set(['x', 'y', 'seqLengths', 'sampleWeights']);

/** @throws ShapeError, ConfigError unless a value is data, with no other fields. */
export function requireData(
  value: unknown,
  name: string,
  extraNames: readonly string[] = [],
): asserts value is AnyTrainingData {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw notData(name, describe(value));
  if ('kind' in value && value.kind === 'stream' && extraNames.length === 0) return;
  if (isExamples(value) && extraNames.length === 0) return requireExamples(value, name);
  const unknown = Object.keys(value).find((key) => !dataNames.has(key) && !extraNames.includes(key));
  if (unknown !== undefined) {
    const known = [...dataNames, ...extraNames].join(', ');
    throw new ConfigError(`${name}: no field '${unknown}'; known are ${known}`, {
      path: name,
      received: unknown,
    });
  }
  for (const key of ['x', 'y']) {
    if ((value as Record<string, unknown>)[key] === undefined) throw notData(name, `no ${key}`);
  }
}

function requireExamples({ batchSize, open }: ExampleStream, name: string): void {
  if (typeof open === 'function' && Number.isSafeInteger(batchSize) && batchSize > 0) return;
  throw notData(name, "an object of kind 'examples' without open() or a batchSize from 1");
}

function notData(name: string, received: string): ShapeError {
  const expected = '{x, y} with optional seqLengths and sampleWeights';
  return new ShapeError(`${name}: expected ${expected}, received ${received}`, { name, expected, received });
}
