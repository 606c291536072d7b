import { describe } from '../config/describe.js';
import { elementCount, float32Tensor, type NumericInput, type Tensor } from '../data/tensor.js';
import { ShapeError } from '../errors.js';
import type { ChainLink } from '../layers/chain.js';
import { directions, outputSize, type LstmDescriptor } from '../layers/lstm.js';

/** Hidden and cell states of one LSTM layer, layers outermost, forward before reverse. */
export interface LayerStates {
  /** The layer's name. */
  readonly layer: string;
  /** [L·D, N, P], P the projection's size, without one H. */
  readonly h: Tensor<Float32Array>;
  /** [L·D, N, H] */
  readonly c: Tensor<Float32Array>;
}

/** The states of all LSTM layers of a model, in their order. */
export type ModelStates = readonly LayerStates[];

/** Sizes of one LSTM layer's states. */
export interface StateLayout {
  readonly layer: string;
  /** L·D */
  readonly planes: number;
  /** Channels of h and of c. */
  readonly sizes: StateSizes;
}

export interface StateSizes {
  readonly h: number;
  readonly c: number;
}

export function stateSizes(layer: LstmDescriptor): StateSizes {
  return { h: outputSize(layer), c: layer.hiddenSize };
}

export function stateLayouts(chain: readonly ChainLink[]): readonly StateLayout[] {
  return chain.flatMap(({ layer }) =>
    layer.kind === 'lstm'
      ? [{ layer: layer.name, planes: layer.numLayers * directions(layer), sizes: stateSizes(layer) }]
      : [],
  );
}

/** States for `count` sequences, all zero. */
export function zeroStates(layouts: readonly StateLayout[], count: number): ModelStates {
  const zeros = (shape: readonly number[]) => ({ data: new Float32Array(elementCount(shape)), shape });
  return layouts.map(({ layer, planes, sizes }) => ({
    layer,
    h: zeros([planes, count, sizes.h]),
    c: zeros([planes, count, sizes.c]),
  }));
}

/**
 * Checks a user's states.
 *
 * @throws ShapeError, DataError
 */
export function checkStates(value: unknown, layouts: readonly StateLayout[], count: number): ModelStates {
  if (!Array.isArray(value) || value.length !== layouts.length) {
    const expected = `the states of ${layouts.length} LSTM layers, as predict returns them`;
    const received = describe(value);
    throw new ShapeError(`states: expected ${expected}, received ${received}`, {
      name: 'states',
      expected,
      received,
    });
  }
  return layouts.map(({ layer, planes, sizes }, index) => {
    const { h, c } = (value[index] ?? {}) as { h?: NumericInput; c?: NumericInput };
    return {
      layer,
      h: float32Tensor(h, `states[${index}].h`, [planes, count, sizes.h]),
      c: float32Tensor(c, `states[${index}].c`, [planes, count, sizes.c]),
    };
  });
}

/** Sequences `first` to `first + count - 1` of the states, as the addon takes them: h0 and c0 of each layer in turn. */
export function packStates(states: ModelStates, first: number, count: number): Float32Array {
  const parts = states.flatMap(({ h, c }) => [h, c]);
  const packed = new Float32Array(parts.reduce((sum, { shape }) => sum + shape[0]! * count * shape[2]!, 0));
  let at = 0;
  for (const part of parts) {
    for (const [from, to] of planes(part, first, count)) {
      packed.set(part.data.subarray(from, to), at);
      at += to - from;
    }
  }
  return packed;
}

/** Puts what the addon gave for sequences `first` to `first + count - 1` into the states of all. */
export function unpackStates(packed: Float32Array, states: ModelStates, first: number, count: number): void {
  let at = 0;
  for (const part of states.flatMap(({ h, c }) => [h, c])) {
    for (const [from, to] of planes(part, first, count)) {
      part.data.set(packed.subarray(at, at + to - from), from);
      at += to - from;
    }
  }
}

/** Where the chosen sequences lie in each of the L·D planes [N, size]. */
function* planes({ shape }: Tensor, first: number, count: number): Generator<[from: number, to: number]> {
  const [planeCount, sequences, size] = shape as [number, number, number];
  for (let plane = 0; plane < planeCount; plane++) {
    const from = (plane * sequences + first) * size;
    yield [from, from + count * size];
  }
}
