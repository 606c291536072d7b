import type { Shape } from './shapes.js';

/** One size of the network that the CUDA bench trains: LSTM layers, then a Dense(10) on each direction's last state. */
export interface CudaShape extends Shape {
  readonly bidirectional: boolean;
}

const rows = [
  ['tiny', 50, 32, 64, 128, 1, false],
  ['keras3x50', 100, 32, 50, 50, 3, false],
  ['ptb-small', 35, 20, 200, 200, 2, false],
  ['ptb-medium', 35, 20, 650, 650, 2, false],
  ['ptb-large', 35, 20, 1500, 1500, 2, false],
  ['bi-tagger', 64, 64, 256, 512, 2, true],
  ['wide', 128, 128, 1024, 1024, 2, false],
  ['long', 1024, 16, 768, 768, 1, false],
] as const;

export const cudaShapes: readonly CudaShape[] = rows.map(
  ([name, timeSteps, batchSize, channels, hiddenSize, numLayers, bidirectional]) => ({
    name,
    timeSteps,
    batchSize,
    channels,
    hiddenSize,
    numLayers,
    bidirectional,
  }),
);

export const precisions = ['fp32', 'tf32'] as const;
export type Precision = (typeof precisions)[number];

/** Floating-point operations of a train step's matrix products: twice the multiply-adds, forward and both backward. */
export function stepFlop({
  timeSteps,
  batchSize,
  channels,
  hiddenSize,
  numLayers,
  bidirectional,
}: CudaShape) {
  const directions = bidirectional ? 2 : 1;
  let total = 0;
  for (let layer = 0; layer < numLayers; layer++) {
    const inputs = layer === 0 ? channels : directions * hiddenSize;
    total += 2 * timeSteps * batchSize * directions * 4 * hiddenSize * (inputs + hiddenSize);
  }
  return 3 * total;
}
