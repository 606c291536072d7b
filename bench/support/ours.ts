import { readFile } from 'node:fs/promises';

import { adam, dense, loadModel, lstm, type Model, sequential } from 'cudnn-lstm';

import type { Contender, Inputs, Outcome, Trial } from './contender.js';
import { classes, type Shape } from './shapes.js';

const stepOptions = { loss: 'crossEntropy', optimizer: adam({ clip: { globalNorm: 1 } }) } as const;

/** A new network of a shape, with weights drawn from a fixed seed. */
export function network({ channels, hiddenSize, numLayers }: Shape, threads: number): Promise<Model> {
  return sequential([lstm({ hiddenSize, numLayers, returnSequences: false }), dense({ units: classes })], {
    input: 'features',
    inputSize: channels,
    device: 'cpu',
    threads,
    seed: 1,
  });
}

async function bytesOf(path: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(path)).buffer;
}

/** This package, through its public names. */
export class Ours implements Contender {
  readonly name = 'cudnn-lstm';
  #model: Model | undefined;
  #once: (() => Promise<unknown>) | undefined;

  async setUp({ suite, shape, threads }: Trial, inputs: Inputs): Promise<Outcome> {
    await this.close();
    const model = await loadModel(inputs.weightsPath, { device: 'cpu', threads });
    this.#model = model;
    const { batchSize, timeSteps, channels } = shape;
    const x = {
      data: new Float32Array(await bytesOf(inputs.xPath)),
      shape: [batchSize, timeSteps, channels],
    };
    const y = new Int32Array(await bytesOf(inputs.yPath));
    if (suite === 'predict') {
      const options = { batchSize };
      this.#once = () => model.predict(x, options);
      return [...(await model.predict(x, options)).y.data];
    }
    this.#once = () => model.trainStep({ x, y }, stepOptions);
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) losses.push((await model.trainStep({ x, y }, stepOptions)).loss);
    return losses;
  }

  async run(repetitions: number): Promise<readonly number[]> {
    const times: number[] = [];
    for (let k = 0; k < repetitions; k++) {
      const start = performance.now();
      await this.#once?.();
      times.push(performance.now() - start);
    }
    return times;
  }

  async close(): Promise<void> {
    await this.#model?.dispose();
    this.#model = undefined;
  }
}
