import { readFile } from 'node:fs/promises';

import {
  adam,
  dense,
  type DeviceOptions,
  lstm,
  type Model,
  sequential,
  type Tensor,
  torchUniform,
} from 'cudnn-lstm';

import type { Inputs } from './contender.js';
import { classes, type Shape } from './shapes.js';

/** A train step is forward, this loss, backward, clip, update. */
export const stepOptions = { loss: 'crossEntropy', optimizer: adam({ clip: { globalNorm: 1 } }) } as const;

/** A new network of a shape, on the CPU unless told, with weights drawn from a fixed seed. */
export function network(shape: Shape, device: DeviceOptions = { device: 'cpu', threads: 1 }): Promise<Model> {
  const { channels, hiddenSize, numLayers, bidirectional = false } = shape;
  const drawn = { inputInitializer: torchUniform(), recurrentInitializer: torchUniform() };
  const layer = lstm({ hiddenSize, numLayers, bidirectional, returnSequences: false, ...drawn });
  const options = { input: 'features', inputSize: channels, seed: 1, ...device } as const;
  return sequential([layer, dense({ units: classes })], options);
}

/** x [N, T, C] and y [N] of the files. */
export async function readBatch({ batchSize, timeSteps, channels }: Shape, inputs: Inputs) {
  const x: Tensor<Float32Array> = {
    data: new Float32Array(await bytesOf(inputs.xPath)),
    shape: [batchSize, timeSteps, channels],
  };
  return { x, y: new Int32Array(await bytesOf(inputs.yPath)) };
}

async function bytesOf(path: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(path)).buffer;
}

/** A batch of a shape without files: the same numbers every time; `seqLengths` for unequal ones. */
export function makeBatch({ batchSize, timeSteps, channels }: Shape, seqLengths?: Int32Array) {
  const numbers = uniform();
  const data = new Float32Array(batchSize * timeSteps * channels).map(() => 2 * numbers.next().value - 1);
  const y = new Int32Array(batchSize).map(() => Math.floor(classes * numbers.next().value));
  const x = { data, shape: [batchSize, timeSteps, channels] };
  return seqLengths === undefined ? { x, y } : { x, y, seqLengths };
}

/** A small generator for inputs that are the same everywhere: Park and Miller, CACM 31 (1988). */
export function* uniform(): Generator<number, never> {
  for (let state = 1; ; state = (state * 48_271) % 0x7fff_ffff) yield state / 0x7fff_ffff;
}
