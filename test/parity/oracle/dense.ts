import type { Row } from './batch.js';

export type Activation = 'linear' | 'relu' | 'tanh' | 'sigmoid' | 'softmax';

export interface DenseInputs {
  readonly rows: readonly Row[];
  readonly inputSize: number;
  readonly units: number;
  readonly activation: Activation;
  /** [all rows, inputSize] */
  readonly x: Float64Array;
  /** [units, inputSize] */
  readonly weight: Float64Array;
  /** [units] */
  readonly bias?: Float64Array;
}

/** y = activation(x weightᵀ + bias) on every live row; 0 on the others. */
export function dense({ rows, inputSize, units, activation, x, weight, bias }: DenseInputs) {
  const y = new Float64Array((x.length / inputSize) * units);
  for (const { at } of rows) {
    const out = y.subarray(at * units, (at + 1) * units);
    for (let u = 0; u < units; u++) {
      let sum = bias?.[u] ?? 0;
      for (let c = 0; c < inputSize; c++) sum += weight[u * inputSize + c]! * x[at * inputSize + c]!;
      out[u] = sum;
    }
    activate(activation, out);
  }
  return { y, backward };

  function backward(dy: Float64Array) {
    const dx = new Float64Array(x.length);
    const dWeight = new Float64Array(weight.length);
    const dBias = new Float64Array(units);
    for (const { at } of rows) {
      const dz = activationGradient(
        activation,
        y.subarray(at * units, (at + 1) * units),
        dy.subarray(at * units, (at + 1) * units),
      );
      for (let u = 0; u < units; u++) {
        dBias[u]! += dz[u]!;
        for (let c = 0; c < inputSize; c++) {
          dWeight[u * inputSize + c]! += dz[u]! * x[at * inputSize + c]!;
          dx[at * inputSize + c]! += dz[u]! * weight[u * inputSize + c]!;
        }
      }
    }
    return { dx, dWeight, dBias };
  }
}

/** In place, on one row. */
export function activate(activation: Activation, row: Float64Array): void {
  if (activation === 'softmax') {
    const largest = row.reduce((a, b) => Math.max(a, b));
    row.forEach((z, u) => (row[u] = Math.exp(z - largest)));
    const sum = row.reduce((a, b) => a + b);
    row.forEach((e, u) => (row[u] = e / sum));
    return;
  }
  const one = { linear: (z: number) => z, relu: (z: number) => Math.max(z, 0), tanh: Math.tanh, sigmoid };
  row.forEach((z, u) => (row[u] = one[activation](z)));
}

export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** The gradient before the activation, from one row of the output and of its gradient. */
function activationGradient(activation: Activation, y: Float64Array, dy: Float64Array): Float64Array {
  switch (activation) {
    case 'linear':
      return dy.slice();
    case 'relu':
      return dy.map((d, u) => (y[u]! > 0 ? d : 0));
    case 'tanh':
      return dy.map((d, u) => d * (1 - y[u]! ** 2));
    case 'sigmoid':
      return dy.map((d, u) => d * y[u]! * (1 - y[u]!));
    case 'softmax': {
      const mean = dy.reduce((sum, d, u) => sum + d * y[u]!, 0);
      return dy.map((d, u) => y[u]! * (d - mean));
    }
  }
}
