/** A typed array with a shape, as the package takes and gives it. */
export interface ShapedFloats {
  readonly data: Float32Array;
  readonly shape: number[];
}

/** The float32 twin of the oracle's numbers. */
export function toTensor(values: ArrayLike<number>, shape: readonly number[]): ShapedFloats {
  return { data: Float32Array.from(values), shape: [...shape] };
}

/** Named arrays with their shapes. */
export function toTensors(
  values: Readonly<Record<string, Float64Array>>,
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, ShapedFloats> {
  return Object.fromEntries(
    Object.entries(values).map(([name, array]) => [name, toTensor(array, shapes[name]!)]),
  );
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** The numbers of named tensors. */
export function dataOf(
  tensors: Readonly<Record<string, { readonly data: Float32Array }>>,
): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));
}
