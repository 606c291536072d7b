import { shapeText } from '../config/describe.js';
import { nonNegative, settings } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { checkTensor, type Tensor } from '../data/tensor.js';
import { ShapeError } from '../errors.js';
import type { FittedSeries, WindowData } from './fittedSeries.js';
import type { ForecastModel } from './forecast.js';

/** What {@link leastSquares} takes beside the windows. */
export interface LeastSquaresOptions {
  /** λ of λ * rows added to the squares of the weights, the intercept left out. Default 1e-6. */
  readonly ridge?: number | undefined;
  /** What the windows were cut by, for {@link forecast}. */
  readonly series?: FittedSeries | undefined;
}

const schema = settings({ ridge: nonNegative.default(1e-6) });

/**
 * The linear baseline: every output a weighted sum of all numbers of the window and an intercept, fitted at once by least
 * squares (normal equations in float64, Cholesky). `forecast` takes it as it takes a model.
 *
 * Time grows with rows * F² and memory with F², F being timeSteps * inputSize.
 *
 * @throws ConfigError, ShapeError
 * @example
 * ```ts
 * const linear = leastSquares(train, { series });
 * const { y, actual } = await forecast(linear, table, places.test);
 * ```
 */
export function leastSquares(
  { x, y }: WindowData,
  options: LeastSquaresOptions = {},
): ForecastModel & { predict(x: Tensor): Promise<{ readonly y: Tensor<Float32Array> }> } {
  const { series, ...rest } = options;
  const { ridge } = parseOptions(schema, rest, 'leastSquares');
  const [rows, features] = flatShape(x, 'x');
  const [targetRows, outputs] = flatShape(y, 'y');
  if (targetRows !== rows) throw wrongShape('y', `${rows} rows`, y.shape);
  // The intercept is what is left of the means, so that the penalty does not reach it.
  const [meanX, meanY] = [columnMeans(x.data, rows, features), columnMeans(y.data, rows, outputs)];
  const gram = new Float64Array(features * features);
  const moments = new Float64Array(features * outputs);
  const [row, target] = [new Float64Array(features), new Float64Array(outputs)];
  for (let n = 0; n < rows; n++) {
    for (let i = 0; i < features; i++) row[i] = x.data[n * features + i]! - meanX[i]!;
    for (let k = 0; k < outputs; k++) target[k] = y.data[n * outputs + k]! - meanY[k]!;
    for (let i = 0; i < features; i++) {
      const value = row[i]!;
      if (value === 0) continue;
      for (let j = 0; j <= i; j++) gram[i * features + j]! += value * row[j]!;
      for (let k = 0; k < outputs; k++) moments[i * outputs + k]! += value * target[k]!;
    }
  }
  // What keeps columns that never change from making the system singular.
  const least = 1e-12 * gram.reduce((most, value) => Math.max(most, value), 1e-300);
  for (let i = 0; i < features; i++) gram[i * (features + 1)]! += ridge * rows + least;
  solveInPlace(gram, moments, features, outputs);
  return Object.freeze({
    series,
    predict(input: Tensor) {
      const [count, width] = flatShape(input, 'x');
      if (width !== features) throw wrongShape('x', `${features} numbers a row`, input.shape);
      const out = new Float32Array(count * outputs);
      for (let n = 0; n < count; n++) {
        target.set(meanY);
        for (let i = 0; i < features; i++) {
          const value = input.data[n * features + i]! - meanX[i]!;
          for (let k = 0; k < outputs; k++) target[k]! += value * moments[i * outputs + k]!;
        }
        out.set(target, n * outputs);
      }
      return Promise.resolve({ y: { data: out, shape: [count, outputs] } });
    },
  });
}

/** Solves G w = m for w by Cholesky's factors of the symmetric G [F, F], whose lower half is read; w takes m's place. */
function solveInPlace(gram: Float64Array, moments: Float64Array, features: number, outputs: number): void {
  for (let i = 0; i < features; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = gram[i * features + j]!;
      for (let k = 0; k < j; k++) sum -= gram[i * features + k]! * gram[j * features + k]!;
      gram[i * features + j] = i === j ? Math.sqrt(sum) : sum / gram[j * features + j]!;
    }
  }
  const subtract = (from: number, factor: number, row: number): void => {
    for (let k = 0; k < outputs; k++) moments[from * outputs + k]! -= factor * moments[row * outputs + k]!;
  };
  const divide = (row: number): void => {
    for (let k = 0; k < outputs; k++) moments[row * outputs + k]! /= gram[row * (features + 1)]!;
  };
  for (let i = 0; i < features; i++) {
    for (let j = 0; j < i; j++) subtract(i, gram[i * features + j]!, j);
    divide(i);
  }
  for (let i = features - 1; i >= 0; i--) {
    for (let j = i + 1; j < features; j++) subtract(i, gram[j * features + i]!, j);
    divide(i);
  }
}

function columnMeans(data: ArrayLike<number>, rows: number, width: number): Float64Array {
  const means = new Float64Array(width);
  for (let n = 0; n < rows; n++) for (let i = 0; i < width; i++) means[i]! += data[n * width + i]! / rows;
  return means;
}

/** Rows, and numbers in each. */
function flatShape(tensor: Tensor, name: string): [rows: number, width: number] {
  const { shape } = checkTensor(tensor, name);
  if (shape.length < 2 || shape.includes(0)) throw wrongShape(name, 'at least one row of numbers', shape);
  return [shape[0]!, shape.slice(1).reduce((a, b) => a * b, 1)];
}

function wrongShape(name: string, expected: string, received: readonly number[]): ShapeError {
  return new ShapeError(`${name}: expected ${expected}, received ${shapeText(received)}`, {
    name,
    expected,
    received,
  });
}
