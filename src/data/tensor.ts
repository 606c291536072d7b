import { describe, shapeText } from '../config/describe.js';
import { DataError, ShapeError } from '../errors.js';

/** Sizes of the axes, outermost first. */
export type Shape = readonly number[];

/** The typed arrays that a tensor may be given in. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/**
 * A typed array with a shape, row-major: the last axis varies fastest. Results of this package are
 * `Tensor<Float32Array>`.
 *
 * @example
 * ```ts
 * const x: Tensor = { data: new Float32Array(2 * 3), shape: [2, 3] };
 * ```
 */
export interface Tensor<A extends TensorData = TensorData> {
  readonly data: A;
  readonly shape: Shape;
}

/** Tensors by name, such as a model's weights by parameter. */
export type NamedTensors = Readonly<Record<string, Tensor<Float32Array>>>;

/** Numbers in arrays in arrays; one level an axis. */
export type NestedNumbers = readonly number[] | readonly NestedNumbers[];

/** Numbers as a user hands them in: a typed array with a shape, or nested arrays. */
export type NumericInput = Tensor | NestedNumbers;

/** Deeper nesting is no data of this package; the bound also ends an array that holds itself. */
const maxRank = 8;

const dataTypes = new Set([
  'Float32Array',
  'Float64Array',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
]);

const typedArrayPrototype = Object.getPrototypeOf(Int8Array.prototype) as Int8Array;
// The built-in getter tells the true element type, whatever the object's own properties pretend.
const typeTag = Object.getOwnPropertyDescriptor(typedArrayPrototype, Symbol.toStringTag)?.get;

/** The name of a typed array's type, such as `Float32Array`; undefined for everything else. */
export function typedArrayName(value: unknown): string | undefined {
  return typeTag?.call(value) as string | undefined;
}

/** Whether a value is meant as a tensor: an object with `data` and `shape`. */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'data' in value && 'shape' in value;
}

/** The number of elements of a shape. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * Checks that a value is a typed array of numbers whose memory can be read and is not shared between threads.
 *
 * @throws ShapeError for another type, and for a buffer that is detached, shrunk or shared.
 */
export function checkTypedArray(value: unknown, name: string): TensorData {
  const type = typedArrayName(value);
  if (type === undefined || !dataTypes.has(type)) {
    throw new ShapeError(`${name}: expected a typed array of numbers, received ${describe(value)}`, {
      name,
      expected: 'a typed array of numbers',
      received: describe(value),
    });
  }
  const array = value as TensorData;
  if (isShared(array.buffer)) {
    throw unusableMemory(name, 'lies in a SharedArrayBuffer, which another thread may change');
  }
  if (isDetached(array.buffer)) throw unusableMemory(name, 'is detached: its buffer was transferred');
  if (isOutOfBounds(array)) throw unusableMemory(name, 'is out of bounds: its buffer was made smaller');
  return array;
}

/**
 * Checks a tensor: a readable typed array, a shape of whole numbers, and as many elements as the shape says.
 *
 * @throws ShapeError
 */
export function checkTensor(value: unknown, name: string): Tensor {
  if (!isTensor(value)) {
    throw new ShapeError(
      `${name}: expected a tensor {data, shape} or nested arrays, received ${describe(value)}`,
      { name, expected: 'a tensor or nested arrays', received: describe(value) },
    );
  }
  const data = checkTypedArray(value.data, `${name}.data`);
  const shape = checkShape(value.shape, `${name}.shape`);
  const expected = elementCount(shape);
  if (data.length !== expected) {
    throw new ShapeError(
      `${name}: expected ${expected} elements for shape ${shapeText(shape)}, received ${data.length}`,
      { name, expected, received: data.length, shape },
    );
  }
  return { data, shape };
}

/**
 * A tensor or rectangular nested arrays as float32, its shape checked where one is given. Float32 data is passed on,
 * not copied.
 *
 * @throws ShapeError for another or a ragged shape, DataError for NaN and infinities.
 */
export function float32Tensor(value: unknown, name: string, expectedShape?: Shape): Tensor<Float32Array> {
  const { data, shape } = Array.isArray(value) ? flatten(value, name) : checkTensor(value, name);
  if (expectedShape !== undefined) requireShape(shape, expectedShape, name);
  const floats = typedArrayName(data) === 'Float32Array' ? (data as Float32Array) : Float32Array.from(data);
  requireFinite(floats, name);
  return { data: floats, shape };
}

/** @throws ShapeError where two shapes differ. */
export function requireShape(shape: Shape, expected: Shape, name: string): void {
  if (shape.length === expected.length && shape.every((size, axis) => size === expected[axis])) return;
  throw new ShapeError(`${name}: expected shape ${shapeText(expected)}, received ${shapeText(shape)}`, {
    name,
    expected,
    received: shape,
  });
}

function requireFinite(data: Float32Array, name: string): void {
  for (let index = 0; index < data.length; index++) {
    if (!Number.isFinite(data[index]!)) {
      throw new DataError(`${name}: expected finite numbers, received ${data[index]} at element ${index}`, {
        name,
        index,
        received: data[index],
      });
    }
  }
}

function checkShape(value: unknown, name: string): Shape {
  const sizes = Array.isArray(value) ? (value as unknown[]) : undefined;
  if (sizes === undefined || !sizes.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)) {
    const received = sizes === undefined ? describe(value) : shapeText(sizes.map(describe));
    throw new ShapeError(`${name}: expected an array of whole numbers from 0, received ${received}`, {
      name,
      expected: 'an array of whole numbers from 0',
      received,
    });
  }
  return Object.freeze([...sizes]) as Shape;
}

function flatten(nested: readonly unknown[], name: string): Tensor<Float64Array> {
  const shape: number[] = [];
  for (let level: unknown = nested; Array.isArray(level); level = level[0]) {
    if (shape.push(level.length) > maxRank) throw wrongElement(name, `at most ${maxRank} axes`, level);
  }
  const data = new Float64Array(elementCount(shape));
  let next = 0;
  const visit = (value: unknown, axis: number, place: string): void => {
    if (axis === shape.length) {
      if (typeof value !== 'number') throw wrongElement(place, 'a number', value);
      data[next++] = value;
      return;
    }
    if (!Array.isArray(value) || value.length !== shape[axis]) {
      throw wrongElement(place, `an array of length ${shape[axis]}`, value);
    }
    for (let index = 0; index < value.length; index++) visit(value[index], axis + 1, `${place}[${index}]`);
  };
  visit(nested, 0, name);
  return { data, shape };
}

function wrongElement(name: string, expected: string, value: unknown): ShapeError {
  const received = describe(value);
  return new ShapeError(`${name}: expected ${expected}, received ${received}`, { name, expected, received });
}

function unusableMemory(name: string, fact: string): ShapeError {
  return new ShapeError(`${name}: expected readable memory of its own; the array ${fact}`, {
    name,
    expected: 'readable memory of its own',
    received: fact,
  });
}

function isShared(buffer: ArrayBufferLike): boolean {
  return Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
}

// A view can be made on every buffer but a detached one; `ArrayBuffer.prototype.detached` is younger than Node 20.
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer, 0, 0).byteLength !== 0;
  } catch {
    return true;
  }
}

// Methods of typed arrays refuse an array that its buffer no longer covers; properties only say 0.
function isOutOfBounds(array: TensorData): boolean {
  try {
    typedArrayPrototype.at.call(array, 0);
    return false;
  } catch {
    return true;
  }
}
