/** One size of the network that all suites run: LSTM layers, then a Dense(10) on the last step. */
export interface Shape {
  readonly name: string;
  readonly timeSteps: number;
  readonly batchSize: number;
  readonly channels: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
}

export const classes = 10;

export const shapes: readonly Shape[] = [
  { name: 'tiny', timeSteps: 50, batchSize: 32, channels: 64, hiddenSize: 128, numLayers: 1 },
  { name: 'keras3x50', timeSteps: 100, batchSize: 32, channels: 50, hiddenSize: 50, numLayers: 3 },
  { name: 'ptb-small', timeSteps: 35, batchSize: 20, channels: 200, hiddenSize: 200, numLayers: 2 },
  { name: 'ptb-medium', timeSteps: 35, batchSize: 20, channels: 650, hiddenSize: 650, numLayers: 2 },
  { name: 'wide512', timeSteps: 64, batchSize: 64, channels: 512, hiddenSize: 512, numLayers: 1 },
];

export const suites = ['train-step', 'predict'] as const;
export type Suite = (typeof suites)[number];

/**
 * Floating-point operations of the LSTM's products: 2·T·N·4H·(in + H) a layer, three times that for a step
 * (forward, gradients of the inputs, gradients of the weights). What is elementwise is not counted.
 */
export function flop({ timeSteps, batchSize, channels, hiddenSize, numLayers }: Shape, suite: Suite): number {
  let total = 0;
  for (let layer = 0; layer < numLayers; layer++) {
    const inputs = layer === 0 ? channels : hiddenSize;
    total += 2 * timeSteps * batchSize * 4 * hiddenSize * (inputs + hiddenSize);
  }
  return suite === 'train-step' ? 3 * total : total;
}
