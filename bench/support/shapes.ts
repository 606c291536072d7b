/** One size of the network that all suites run: LSTM layers, then a Dense(10) on the last step. */
export interface Shape {
  readonly name: string;
  readonly timeSteps: number;
  readonly batchSize: number;
  readonly channels: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  /** Default false. */
  readonly bidirectional?: boolean;
}

export const classes = 10;

export const shapes: readonly Shape[] = [
  { name: 'tiny', timeSteps: 50, batchSize: 32, channels: 64, hiddenSize: 128, numLayers: 1 },
  { name: 'keras3x50', timeSteps: 100, batchSize: 32, channels: 50, hiddenSize: 50, numLayers: 3 },
  { name: 'ptb-small', timeSteps: 35, batchSize: 20, channels: 200, hiddenSize: 200, numLayers: 2 },
  { name: 'ptb-medium', timeSteps: 35, batchSize: 20, channels: 650, hiddenSize: 650, numLayers: 2 },
  { name: 'wide512', timeSteps: 64, batchSize: 64, channels: 512, hiddenSize: 512, numLayers: 1 },
];

/** One sequence at once. */
const oneSequence: Shape = {
  name: 'one-sequence',
  timeSteps: 50,
  batchSize: 1,
  channels: 64,
  hiddenSize: 128,
  numLayers: 1,
};

/** One time step of one sequence after the other, with carried states; T counts the steps that are checked first. */
const streaming: Shape = {
  name: 'streaming',
  timeSteps: 3,
  batchSize: 1,
  channels: 256,
  hiddenSize: 256,
  numLayers: 2,
};

export const suites = ['train-step', 'predict', 'latency', 'streaming'] as const;
export type Suite = (typeof suites)[number];

export const shapesOf: Readonly<Record<Suite, readonly Shape[]>> = {
  'train-step': shapes,
  predict: shapes,
  latency: [oneSequence],
  streaming: [streaming],
};

/** What is timed on the CPU: a suite at a shape with a number of threads. */
export interface CpuTrial {
  readonly suite: Suite;
  readonly shape: Shape;
  readonly threads: number;
}

/**
 * Floating-point operations of the LSTM's products: 2·T·N·D·4H·(in + H) a layer, three times that for a step
 * (forward, gradients of the inputs, gradients of the weights). What is elementwise is not counted.
 */
export function flop(shape: Shape, suite: Suite): number {
  const { batchSize, channels, hiddenSize, numLayers, bidirectional = false } = shape;
  const timeSteps = suite === 'streaming' ? 1 : shape.timeSteps;
  const directions = bidirectional ? 2 : 1;
  let total = 0;
  for (let layer = 0; layer < numLayers; layer++) {
    const inputs = layer === 0 ? channels : directions * hiddenSize;
    total += 2 * timeSteps * batchSize * directions * 4 * hiddenSize * (inputs + hiddenSize);
  }
  return suite === 'train-step' ? 3 * total : total;
}
