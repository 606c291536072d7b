import type { Windows } from './windows.js';

/**
 * Forecasts [N, horizon] for `test` by the linear function of the known values and 1 that has the least squared error on
 * `train`, with a small penalty on its weights: (XᵀX + λI) W = XᵀY, λ = 1e-4·N, solved by Cholesky's factors.
 */
export function linearForecast(train: Windows, test: Windows): Float64Array {
  const [count, inputs] = train.x.shape as [number, number];
  const horizon = train.y.shape[1]!;
  const size = inputs + 1;
  const gram = new Float64Array(size * size);
  const sides = new Float64Array(size * horizon);
  for (let n = 0; n < count; n++) {
    const row = knownAndOne(train, n);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) gram[i * size + j]! += row[i]! * row[j]!;
      for (let h = 0; h < horizon; h++) sides[i * horizon + h]! += row[i]! * train.y.data[n * horizon + h]!;
    }
  }
  for (let i = 0; i < size; i++) gram[i * size + i]! += 1e-4 * count;
  const weights = solve(gram, sides, size, horizon);
  const forecast = new Float64Array(test.x.shape[0]! * horizon);
  for (let n = 0; n < test.x.shape[0]!; n++) {
    const row = knownAndOne(test, n);
    for (let i = 0; i < size; i++) {
      for (let h = 0; h < horizon; h++) forecast[n * horizon + h]! += row[i]! * weights[i * horizon + h]!;
    }
  }
  return forecast;
}

function knownAndOne({ x }: Windows, n: number): number[] {
  const inputs = x.shape[1]!;
  return [...Array.from(x.data.subarray(n * inputs, (n + 1) * inputs)), 1];
}

/** Solves A W = B for a symmetric positive definite A [size, size] of which the lower half is read; B is [size, columns]. */
function solve(a: Float64Array, b: Float64Array, size: number, columns: number): Float64Array {
  const l = a.slice();
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = l[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * size + k]! * l[j * size + k]!;
      l[i * size + j] = i === j ? Math.sqrt(sum) : sum / l[j * size + j]!;
    }
  }
  const w = b.slice();
  for (let column = 0; column < columns; column++) {
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < i; k++) w[i * columns + column]! -= l[i * size + k]! * w[k * columns + column]!;
      w[i * columns + column]! /= l[i * size + i]!;
    }
    for (let i = size - 1; i >= 0; i--) {
      for (let k = i + 1; k < size; k++)
        w[i * columns + column]! -= l[k * size + i]! * w[k * columns + column]!;
      w[i * columns + column]! /= l[i * size + i]!;
    }
  }
  return w;
}
