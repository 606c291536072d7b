import { abortSignal, field, flag, settings, whole } from '../config/fields.js';
import type { z } from 'zod';
import { describe } from '../config/describe.js';
import { parseOptions } from '../config/parseConfig.js';
import { BatchGatherer, batchRows } from '../data/batches.js';
import type { ExampleStream } from '../data/examples.js';
import type { Tensor } from '../data/tensor.js';
import { ConfigError } from '../errors.js';
import type { NativeBatch } from '../native/binding.js';
import { pipelined } from '../training/pipeline.js';
import { throwIfAborted } from './aborting.js';
import type { ByHead } from './byHead.js';
import type { ModelContext } from './context.js';
import { isExamples, requireData, sequencesFor, type SequenceInput } from './modelData.js';
import { emptyOutputs, namedOutputs, type AnyPrediction } from './outputs.js';
import { placeRows } from './placeRows.js';
import { predictExamples } from './predictExamples.js';
import {
  checkStates,
  packStates,
  stateLayouts,
  unpackStates,
  zeroStates,
  type ModelStates,
} from './states.js';
import { weightForm, type WeightForm } from './weightForm.js';
import { wholeBatch } from './wholeBatch.js';

/** What `predict` takes beside the input. */
export interface PredictOptions {
  /** Sequences computed together; an example stream has its own. Default 32. */
  readonly batchSize?: number | undefined;
  /** [N], each 1..T; by default all the steps a row came with. */
  readonly seqLengths?: ArrayLike<number> | undefined;
  /** States to start from, as an earlier call returned them; by default zeros. */
  readonly states?: ModelStates | undefined;
  /** Also give the states after each sequence's last step. Default false. */
  readonly returnStates?: boolean | undefined;
  /** Default 'float32'. */
  readonly weights?: WeightForm | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What `predict` gives. */
export interface Prediction<in out Head extends string = never> {
  /** [N, K], or [N, T, K] with zeros beyond each sequence's length. Of a model with heads by head. */
  readonly y: ByHead<Head, Tensor<Float32Array>>;
  /** Where `returnStates` asked for them. */
  readonly states?: ModelStates;
}

const schema = settings({
  batchSize: whole(1).optional(),
  seqLengths: field<ArrayLike<number>>(
    'an array of lengths',
    (value) => typeof value === 'object',
  ).optional(),
  states: field<ModelStates>('states, as predict returns them', Array.isArray).optional(),
  returnStates: flag.default(false),
  weights: weightForm.default('float32'),
  signal: abortSignal.optional(),
});

export async function predict(
  context: ModelContext,
  x: SequenceInput | ExampleStream,
  options: PredictOptions,
): Promise<AnyPrediction> {
  const parsed = parseOptions(schema, options, 'predict');
  if (!isExamples(x)) return predictRows(context, x, parsed);
  requireData(x, 'x');
  const { batchSize, seqLengths, states, returnStates, ...settings } = parsed;
  const given = { batchSize, seqLengths, states, returnStates: returnStates || undefined };
  const wrong = Object.entries(given).find(([name, value]) => value !== undefined && name !== 'batchSize');
  if (wrong !== undefined) throw notOfStreams(...wrong);
  if (batchSize !== undefined && batchSize !== x.batchSize) throw otherBatchSize(x.batchSize, batchSize);
  return predictExamples(context, x, settings);
}

async function predictRows(
  context: ModelContext,
  x: SequenceInput,
  options: z.output<typeof schema>,
): Promise<AnyPrediction> {
  const { batchSize = 32, seqLengths, states: given, returnStates, weights, signal } = options;
  const { count, maxLength, pieces, piece } = piecesOf(context, x, seqLengths, batchSize);
  const layouts = stateLayouts(context.chain);
  const initial = given && checkStates(given, layouts, count);
  const final = returnStates ? zeroStates(layouts, count) : undefined;
  const y = emptyOutputs(context, count, maxLength);

  const submit = async (k: number) => {
    throwIfAborted(signal, 'predict');
    const { first, batch } = piece(k);
    const start = initial && { states: packStates(initial, first, batch.batchSize) };
    const result = await context.session.predict({ ...batch, ...start, weights }, returnStates);
    return { ...result, first, rows: batch.batchSize, timeSteps: batch.timeSteps };
  };
  await pipelined(pieces, submit, (result) => {
    const { first, rows, timeSteps } = result;
    y.forEach((whole, i) => placeRows(whole, result.y[i]!, first, rows, timeSteps));
    if (final && result.states) unpackStates(result.states, final, first, rows);
  });
  const named = namedOutputs(context, y);
  return final === undefined ? { y: named } : { y: named, states: final };
}

interface Pieces {
  /** N */
  readonly count: number;
  /** T the input came with. */
  readonly maxLength: number;
  /** How many batches. */
  readonly pieces: number;
  /** One of them, to be read before the next, and the row it begins with. */
  readonly piece: (k: number) => { readonly first: number; readonly batch: NativeBatch };
}

function piecesOf(
  context: ModelContext,
  x: SequenceInput,
  seqLengths: ArrayLike<number> | undefined,
  batchSize: number,
): Pieces {
  const whole = seqLengths === undefined ? wholeBatch(context, x) : undefined;
  // Later batches would be read after the caller has had the time to change x.
  if (whole !== undefined && whole.count <= batchSize) {
    return { ...whole, pieces: 1, piece: () => ({ first: 0, batch: whole.batch }) };
  }
  const sequences = sequencesFor(context, x, seqLengths);
  const { count, maxLength } = sequences;
  const batches = batchRows(
    Uint32Array.from({ length: count }, (_, row) => row),
    batchSize,
    false,
  );
  const gatherer = new BatchGatherer(sequences);
  const piece = (k: number) => ({ first: batches[k]![0]!, batch: gatherer.gather(batches[k]!).batch });
  return { count, maxLength, pieces: batches.length, piece };
}

function notOfStreams(name: string, received: unknown): ConfigError {
  const path = `predict.${name}`;
  const expected = 'none for an example stream';
  return new ConfigError(`${path}: expected ${expected}, received ${describe(received)}`, {
    path,
    expected,
    received,
  });
}

function otherBatchSize(own: number, received: number): ConfigError {
  const path = 'predict.batchSize';
  const expected = `none or ${own}, the stream's own`;
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
