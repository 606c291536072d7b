import { readFile } from 'node:fs/promises';

import { adam, dense, loadModel, lstm, type Model, sequential, torchUniform } from 'cudnn-lstm';

import type { Inputs } from './contender.js';
import type { CudaShape, Precision } from './cudaShapes.js';
import { JsonProcess } from './jsonProcess.js';
import { classes } from './shapes.js';

/** One way to take train steps on the GPU. */
export interface CudaContender {
  readonly name: string;
  /** Losses of the first three steps. */
  setUp(shape: CudaShape, precision: Precision, inputs: Inputs): Promise<readonly number[]>;
  /** Milliseconds a step, over so many steps in a row. */
  run(steps: number): Promise<number>;
  close(): Promise<void>;
}

const stepOptions = { loss: 'crossEntropy', optimizer: adam({ clip: { globalNorm: 1 } }) } as const;

/** A network of a shape on the CPU, with weights drawn from a fixed seed. */
export function cudaNetwork({ channels, hiddenSize, numLayers, bidirectional }: CudaShape): Promise<Model> {
  const drawn = { inputInitializer: torchUniform(), recurrentInitializer: torchUniform() };
  const layer = lstm({ hiddenSize, numLayers, bidirectional, returnSequences: false, ...drawn });
  const options = { input: 'features', inputSize: channels, device: 'cpu', seed: 1 } as const;
  return sequential([layer, dense({ units: classes })], options);
}

async function bytesOf(path: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(path)).buffer;
}

/** This package, with two steps under way as `fit` has; every step takes its batch from and gives its loss to JS. */
export class OursOnCuda implements CudaContender {
  readonly name = 'cudnn-lstm';
  #model: Model | undefined;
  #step: (() => Promise<{ readonly loss: number }>) | undefined;

  async setUp(shape: CudaShape, precision: Precision, inputs: Inputs): Promise<readonly number[]> {
    await this.close();
    const model = await loadModel(inputs.weightsPath, { device: 'cuda:0', precision });
    this.#model = model;
    const data = new Float32Array(await bytesOf(inputs.xPath));
    const x = { data, shape: [shape.batchSize, shape.timeSteps, shape.channels] };
    const y = new Int32Array(await bytesOf(inputs.yPath));
    this.#step = () => model.trainStep({ x, y }, stepOptions);
    const losses: number[] = [];
    for (let k = 0; k < 3; k++) losses.push((await this.#step()).loss);
    return losses;
  }

  async run(steps: number): Promise<number> {
    const step = this.#step!;
    const start = performance.now();
    let pending = step();
    for (let k = 1; k < steps; k++) {
      const next = step();
      await pending;
      pending = next;
    }
    await pending;
    return (performance.now() - start) / steps;
  }

  async close(): Promise<void> {
    await this.#model?.dispose();
    this.#model = undefined;
  }
}

/** What PyTorch runs on, in its own words. */
export interface TorchOnCudaInfo {
  readonly torch: string;
  readonly cudnn: number;
  readonly gpu: string;
}

/** PyTorch with the batch on the GPU from the start: step by step, or the whole step as one CUDA graph. */
export class TorchOnCuda implements CudaContender {
  readonly name: string;
  readonly #form: 'eager' | 'graph';
  readonly #process: JsonProcess;

  private constructor(form: 'eager' | 'graph', process: JsonProcess) {
    this.name = `torch-${form}`;
    this.#form = form;
    this.#process = process;
  }

  static async start(python: string, form: 'eager' | 'graph') {
    const { process, greeting } = await JsonProcess.start<TorchOnCudaInfo>(python, 'torchCudaStep.py');
    return { contender: new TorchOnCuda(form, process), info: greeting };
  }

  async setUp(shape: CudaShape, precision: Precision, inputs: Inputs): Promise<readonly number[]> {
    const form = this.#form;
    return (await this.#process.ask({ command: 'setUp', form, shape, precision, inputs })) as number[];
  }

  async run(steps: number): Promise<number> {
    return (await this.#process.ask({ command: 'run', steps })) as number;
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}
