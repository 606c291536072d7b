import { elementCount, isTensor, typedArrayName, type Tensor } from '../data/tensor.js';
import type { NativeBatch } from '../native/binding.js';
import type { SequenceInput } from './modelData.js';
import type { ResolvedModel } from './modelConfig.js';

/** An input that is one batch. */
export interface WholeBatch {
  /** N */
  readonly count: number;
  /** T the input came with. */
  readonly maxLength: number;
  readonly batch: NativeBatch;
}

/**
 * A tensor that has the addon's own layout, as a batch: neither copied nor looked at here, since the addon copies what a
 * call is given and checks its numbers. Undefined for every other input, and for a wrong one.
 */
export function wholeBatch({ input }: ResolvedModel, x: SequenceInput): WholeBatch | undefined {
  const isTokens = input.kind === 'tokens';
  const inner = isTokens ? [] : [input.size];
  if (!isTensor(x) || !isPlain(x, isTokens ? 'Int32Array' : 'Float32Array', inner)) return undefined;
  const [count, maxLength] = x.shape as [number, number];
  const data = isTokens ? { tokens: x.data as Int32Array } : { features: x.data as Float32Array };
  return { count, maxLength, batch: { batchSize: count, timeSteps: maxLength, ...data } };
}

function isPlain({ data, shape }: Tensor, type: string, inner: readonly number[]): boolean {
  return (
    typedArrayName(data) === type &&
    data.buffer instanceof ArrayBuffer &&
    Array.isArray(shape) &&
    shape.length === 2 + inner.length &&
    inner.every((size, axis) => shape[2 + axis] === size) &&
    shape.every((size) => Number.isSafeInteger(size) && size >= 1) &&
    elementCount(shape) === data.length
  );
}
