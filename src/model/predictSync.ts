import { z } from 'zod';
import { field, flag, settings } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { BatchGatherer } from '../data/batches.js';
import { ConfigError, ShapeError, StateError } from '../errors.js';
import { outputsOf } from '../layers/chain.js';
import { describe } from '../config/describe.js';
import { elementCount, typedArrayName, type Tensor } from '../data/tensor.js';
import { valuesByHead, type ByHead } from './byHead.js';
import type { ModelContext } from './context.js';
import { sequencesFor, type SequenceInput } from './modelData.js';
import { placeRows } from './placeRows.js';
import { namedOutputs, outputShapes, type AnyPrediction } from './outputs.js';
import {
  checkStates,
  packStates,
  stateLayouts,
  unpackStates,
  zeroStates,
  type ModelStates,
} from './states.js';
import { weightForm, type WeightForm } from './weightForm.js';
import { wholeBatch, type WholeBatch } from './wholeBatch.js';

/** What `predictSync` takes beside the input. */
export interface PredictSyncOptions<in out Head extends string = never> {
  /** [N], each 1..T; by default all the steps a row came with. */
  readonly seqLengths?: ArrayLike<number> | undefined;
  /** States to start from, as an earlier call returned them; by default zeros. */
  readonly states?: ModelStates | undefined;
  /** Also give the states after each sequence's last step. Default false. */
  readonly returnStates?: boolean | undefined;
  /** Default 'float32'. */
  readonly weights?: WeightForm | undefined;
  /** Where y is written, instead of a new array: N·K or N·T·K numbers. Of a model with heads by head. */
  readonly out?: ByHead<Head, Float32Array> | undefined;
}

const schema = settings({
  seqLengths: field<ArrayLike<number>>(
    'an array of lengths',
    (value) => typeof value === 'object',
  ).optional(),
  states: field<ModelStates>('states, as predict returns them', Array.isArray).optional(),
  returnStates: flag.default(false),
  weights: weightForm.default('float32'),
  out: z.unknown().optional(),
});

export function predictSync(context: ModelContext, x: SequenceInput, options: object): AnyPrediction {
  requireCpu(context, 'predictSync');
  const {
    seqLengths,
    states: given,
    returnStates,
    weights,
    out,
  } = parseOptions(schema, options, 'predictSync');
  const { count, maxLength, batch } = batchOf(context, x, seqLengths);
  const layouts = stateLayouts(context.chain);
  const initial = given && checkStates(given, layouts, count);
  const final = returnStates ? zeroStates(layouts, count) : undefined;
  const y = outputsIn(context, outputShapes(context, count, maxLength), out);
  const packed = initial && packStates(initial, 0, count);
  const after = final && (packed ?? packStates(final, 0, count));
  // A batch is only as wide as its longest sequence.
  const isNarrower = batch.timeSteps < maxLength;
  const computed = y.map(({ data, shape }) =>
    isNarrower && shape.length === 3 ? new Float32Array(count * batch.timeSteps * shape[2]!) : data,
  );
  context.session.predictSync({ ...batch, ...(packed && { states: packed }), weights }, computed, after);
  y.forEach((whole, i) => {
    if (computed[i] === whole.data) return;
    placeRows({ ...whole, data: whole.data.fill(0) }, computed[i]!, 0, count, batch.timeSteps);
  });
  const named = namedOutputs(context, y);
  if (final === undefined) return { y: named };
  unpackStates(after!, final, 0, count);
  return { y: named, states: final };
}

/** The outputs in the arrays that the caller gave for them, or in new ones. */
function outputsIn(
  { chain }: ModelContext,
  shapes: readonly number[][],
  out: unknown,
): Tensor<Float32Array>[] {
  const names = outputsOf(chain).map(({ head }) => head);
  const path = 'predictSync.out';
  const ofHeads = names.length > 1;
  const given =
    ofHeads && out !== undefined ? valuesByHead(out, names as string[], path, 'an array', true) : [out];
  return shapes.map((shape, i) => {
    const array = given[i];
    if (array === undefined) return { data: new Float32Array(elementCount(shape)), shape };
    if (typedArrayName(array) !== 'Float32Array') throw noArray(path, array);
    requireLength(array, elementCount(shape), path);
    return { data: array, shape };
  });
}

function noArray(path: string, value: unknown): ConfigError {
  const expected = 'a Float32Array';
  return new ConfigError(`${path}: expected ${expected}, received ${describe(value)}`, { path, expected });
}

/** The input as one batch. */
function batchOf(
  context: ModelContext,
  x: SequenceInput,
  seqLengths: ArrayLike<number> | undefined,
): WholeBatch {
  const whole = seqLengths === undefined ? wholeBatch(context, x) : undefined;
  if (whole !== undefined) return whole;
  const sequences = sequencesFor(context, x, seqLengths, true);
  const { count, maxLength } = sequences;
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  return { count, maxLength, batch: new BatchGatherer(sequences).gather(rows).batch };
}

/** @throws StateError on a GPU, whose work a thread cannot wait for without standing still. */
export function requireCpu({ device }: ModelContext, operation: string): void {
  const { device: received } = device.info;
  if (received === 'cpu') return;
  const expected = 'a model on the CPU device';
  throw new StateError(`${operation}: expected ${expected}, received one on ${received}`, {
    operation,
    expected,
    received,
  });
}

/** @throws ShapeError unless an array is a Float32Array of `length`. */
export function requireLength(array: unknown, length: number, name: string): asserts array is Float32Array {
  const isFloats = typedArrayName(array) === 'Float32Array';
  if (isFloats && (array as Float32Array).length === length) return;
  const expected = `a Float32Array of ${length}`;
  const received = isFloats ? `one of ${(array as Float32Array).length}` : describe(array);
  throw new ShapeError(`${name}: expected ${expected}, received ${received}`, { name, expected, received });
}
