import { elementCount, type Tensor } from '../data/tensor.js';
import { outputsOf } from '../layers/chain.js';
import type { ResolvedModel } from './modelConfig.js';
import type { ModelStates } from './states.js';

/** What `predict` gives, of any model. */
export interface AnyPrediction {
  readonly y: Tensor<Float32Array> | Readonly<Record<string, Tensor<Float32Array>>>;
  readonly states?: ModelStates;
}

/** The outputs by head, or the only one. */
export function namedOutputs<T>(
  { chain }: ResolvedModel,
  values: readonly T[],
): T | Readonly<Record<string, T>> {
  const outputs = outputsOf(chain);
  if (outputs.length === 1) return values[0]!;
  return Object.fromEntries(outputs.map(({ head }, i) => [head!, values[i]!]));
}

/** Zeros for `count` sequences. */
export function emptyOutputs(model: ResolvedModel, count: number, maxLength: number): Tensor<Float32Array>[] {
  return outputShapes(model, count, maxLength).map((shape) => ({
    data: new Float32Array(elementCount(shape)),
    shape,
  }));
}

/** The shapes of the outputs for `count` sequences. */
export function outputShapes({ chain }: ResolvedModel, count: number, maxLength: number): number[][] {
  return outputsOf(chain).map(({ link: { output } }) =>
    output.kind === 'sequence' ? [count, maxLength, output.size] : [count, output.size],
  );
}
