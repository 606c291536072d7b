import { describe } from '../config/describe.js';
import { field, flag, settings } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { elementCount, float32Tensor, type NumericInput, type Tensor } from '../data/tensor.js';
import { DataError, ShapeError, StateError } from '../errors.js';
import type { NativeBatch, NativeParameter } from '../native/binding.js';
import type { Session } from '../native/session.js';
import type { Lifecycle } from './lifecycle.js';
import type { StateSizes } from './states.js';

/** What `forward` takes beside x. */
export interface LstmForwardOptions {
  /** [L·D, N, P], P the projection's size, without one H; by default zeros. */
  readonly h0?: NumericInput | undefined;
  /** [L·D, N, H]; by default zeros. */
  readonly c0?: NumericInput | undefined;
  /** [N], each 1..T; by default T. */
  readonly seqLengths?: ArrayLike<number> | undefined;
  /** Draw dropout and keep what `backward` needs. Default false. */
  readonly training?: boolean | undefined;
}

/** What `forward` gives. */
export interface LstmOutput {
  /** [N, T, D·P], zero beyond each length. */
  readonly y: Tensor<Float32Array>;
  /** [L·D, N, P] after each sequence's last step. */
  readonly hn: Tensor<Float32Array>;
  /** [L·D, N, H] after each sequence's last step. */
  readonly cn: Tensor<Float32Array>;
}

/** Gradients at the outputs of the last training `forward`; those left out are zero. */
export interface LstmOutputGradients {
  readonly dy?: NumericInput | undefined;
  readonly dhn?: NumericInput | undefined;
  readonly dcn?: NumericInput | undefined;
}

/** Gradients at the inputs, with the shapes of x, h0 and c0. */
export interface LstmInputGradients {
  readonly dx: Tensor<Float32Array>;
  readonly dh0: Tensor<Float32Array>;
  readonly dc0: Tensor<Float32Array>;
}

/** An LSTM layer's inside: what its methods share. */
export interface LayerContext {
  readonly session: Session;
  /** As a model's. */
  optimizerState: string | undefined;
  readonly lifecycle: Lifecycle;
  /** As users name them: without the layer's prefix. */
  readonly parameters: readonly NativeParameter[];
  readonly inputSize: number;
  readonly outputSize: number;
  /** L·D */
  readonly planes: number;
  /** Channels of h and of c. */
  readonly sizes: StateSizes;
  /** N and T of the last training forward that no backward has used yet. */
  pending: { readonly batchSize: number; readonly timeSteps: number } | undefined;
}

const forwardSettings = settings({
  h0: field<NumericInput>('a tensor [L·D, N, P]', isData).optional(),
  c0: field<NumericInput>('a tensor [L·D, N, H]', isData).optional(),
  seqLengths: field<ArrayLike<number>>('an array of lengths [N]', isData).optional(),
  training: flag.default(false),
});
const backwardSettings = settings({
  dy: field<NumericInput>('a tensor like y', isData).optional(),
  dhn: field<NumericInput>('a tensor like hn', isData).optional(),
  dcn: field<NumericInput>('a tensor like cn', isData).optional(),
});

/** See `LstmLayer.forward`. */
export async function forward(
  context: LayerContext,
  x: NumericInput,
  options: LstmForwardOptions,
): Promise<LstmOutput> {
  const { h0, c0, seqLengths, training } = parseOptions(forwardSettings, options, 'forward');
  const { data, shape } = float32Tensor(x, 'x');
  const [batchSize, timeSteps] = checkFeatures(shape, context.inputSize);
  const states = joinStates(context, batchSize, h0, c0, ['h0', 'c0']);
  const batch: NativeBatch = {
    batchSize,
    timeSteps,
    features: data,
    ...(seqLengths && { seqLengths: checkLengths(seqLengths, batchSize, timeSteps) }),
    ...(states && { states }),
  };
  const computed = context.session.forward(batch, training);
  if (training) context.pending = { batchSize, timeSteps };
  const result = await computed;
  const [hn, cn] = splitStates(context, batchSize, result.states);
  return { y: { data: result.y, shape: [batchSize, timeSteps, context.outputSize] }, hn, cn };
}

/** See `LstmLayer.backward`. */
export async function backward(
  context: LayerContext,
  gradients: LstmOutputGradients,
): Promise<LstmInputGradients> {
  const { dy, dhn, dcn } = parseOptions(backwardSettings, gradients, 'backward');
  if (context.pending === undefined) {
    throw new StateError('backward: expected a forward with training: true before it, received none', {
      operation: 'backward',
    });
  }
  const { batchSize, timeSteps } = context.pending;
  const shape = [batchSize, timeSteps, context.outputSize];
  const outputGradient =
    dy === undefined ? new Float32Array(elementCount(shape)) : float32Tensor(dy, 'dy', shape).data;
  const stateGradients = joinStates(context, batchSize, dhn, dcn, ['dhn', 'dcn']);
  context.pending = undefined;
  const result = await context.session.backward(outputGradient, stateGradients);
  const [dh0, dc0] = splitStates(context, batchSize, result.dStates);
  return { dx: { data: result.dx, shape: [batchSize, timeSteps, context.inputSize] }, dh0, dc0 };
}

/** The addon takes h and c back to back, or neither. */
function joinStates(
  { planes, sizes }: LayerContext,
  batchSize: number,
  h: NumericInput | undefined,
  c: NumericInput | undefined,
  names: readonly [string, string],
): Float32Array | undefined {
  if (h === undefined && c === undefined) return undefined;
  const hShape = [planes, batchSize, sizes.h];
  const cShape = [planes, batchSize, sizes.c];
  const start = elementCount(hShape);
  const joined = new Float32Array(start + elementCount(cShape));
  if (h !== undefined) joined.set(float32Tensor(h, names[0], hShape).data, 0);
  if (c !== undefined) joined.set(float32Tensor(c, names[1], cShape).data, start);
  return joined;
}

function splitStates(
  { planes, sizes }: LayerContext,
  batchSize: number,
  states: Float32Array,
): [Tensor<Float32Array>, Tensor<Float32Array>] {
  const start = planes * batchSize * sizes.h;
  return [
    { data: states.slice(0, start), shape: [planes, batchSize, sizes.h] },
    { data: states.slice(start), shape: [planes, batchSize, sizes.c] },
  ];
}

function checkFeatures(shape: readonly number[], inputSize: number): readonly [number, number] {
  const [batchSize, timeSteps, channels] = shape;
  if (shape.length === 3 && batchSize! > 0 && timeSteps! > 0 && channels === inputSize) {
    return [batchSize!, timeSteps!];
  }
  const expected = `shape [N, T, ${inputSize}] with N and T from 1`;
  throw new ShapeError(`x: expected ${expected}, received [${shape.join(', ')}]`, {
    name: 'x',
    expected,
    received: shape,
  });
}

function checkLengths(lengths: ArrayLike<number>, batchSize: number, timeSteps: number): Int32Array {
  if (lengths.length !== batchSize) {
    throw new ShapeError(`seqLengths: expected ${batchSize} lengths, received ${lengths.length}`, {
      name: 'seqLengths',
      expected: batchSize,
      received: lengths.length,
    });
  }
  return Int32Array.from(lengths, (length, row) => {
    if (Number.isInteger(length) && length >= 1 && length <= timeSteps) return length;
    const expected = `a whole number from 1 to ${timeSteps}`;
    throw new DataError(`seqLengths[${row}]: expected ${expected}, received ${describe(length)}`, {
      name: 'seqLengths',
      row,
      expected,
      received: length,
    });
  });
}

function isData(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
