import { readFile } from 'node:fs/promises';

import {
  adam,
  createLstm,
  dense,
  type DeviceOptions,
  dropout,
  embedding,
  languageModelStream,
  loadModel,
  lstm,
  type Model,
  sequential,
  torchUniform,
} from 'cudnn-lstm';

import type { Contender, Inputs, Outcome, Unable } from './contender.js';
import type { CudaTrial, WordModel } from './cudaShapes.js';
import { readBatch, stepOptions } from './network.js';

/** What a call over one number of runs gives: milliseconds a run, none read back alone. */
type Run = (repetitions: number) => Promise<number>;

/** This package on the GPU, with steps as CUDA graphs or call by call. */
export class OursOnCuda implements Contender<CudaTrial> {
  readonly name: string;
  readonly #graph: boolean;
  readonly #device: `cuda:${number}`;
  #held: { dispose(): Promise<void> } | undefined;
  #run: Run | undefined;

  constructor(name: string, device: `cuda:${number}`, graph: boolean) {
    this.name = name;
    this.#graph = graph;
    this.#device = device;
  }

  async setUp(trial: CudaTrial, inputs: Inputs): Promise<Outcome | Unable> {
    await this.close();
    switch (trial.suite) {
      case 'train-step':
        return this.#trainStep(trial, inputs);
      case 'update':
        return this.#graph ? this.#update(trial.parameters) : { unable: 'an update alone is no graph' };
      case 'copy':
        return { unable: 'the card copies, not we' };
      case 'fit':
        return this.#fit(trial.words, trial.precision, inputs);
    }
  }

  /** With two steps under way, as `fit` has; every step takes its batch from and gives its loss to JavaScript. */
  async #trainStep(
    { shape, precision }: CudaTrial & { suite: 'train-step' },
    inputs: Inputs,
  ): Promise<Outcome> {
    const model = await loadModel(inputs.weightsPath, this.#options(precision));
    this.#held = model;
    const batch = await readBatch(shape, inputs);
    const step = () => model.trainStep(batch, stepOptions);
    this.#run = twoUnderWay(step);
    return [(await step()).loss, (await step()).loss, (await step()).loss];
  }

  /** An LSTM layer of about so many parameters, whose gradients are zeros; the outcome is nothing to compare. */
  async #update(parameters: number): Promise<Outcome> {
    const hiddenSize = hiddenSizeFor(parameters);
    const drawn = { inputInitializer: torchUniform(), recurrentInitializer: torchUniform() };
    const layer = await createLstm({ inputSize: hiddenSize, hiddenSize, ...drawn }, this.#options('fp32'));
    this.#held = layer;
    this.#run = twoUnderWay(() => layer.step(adam({ clip: { globalNorm: 1 } })));
    return [];
  }

  /** A run is an epoch of `fit`; the outcome is the loss of the first batch without dropout. */
  async #fit(words: WordModel, precision: string, inputs: Inputs): Promise<Outcome> {
    const model = await loadModel(inputs.weightsPath, this.#options(precision));
    this.#held = model;
    const tokens = new Int32Array(new Uint8Array(await readFile(words.tokensPath)).buffer);
    const { batchSize, timeSteps } = words;
    const first = languageModelStream({
      tokens: tokens.subarray(0, batchSize * timeSteps + 1),
      batchSize,
      timeSteps,
    });
    const { loss } = await model.evaluate(first, { loss: 'crossEntropy' });
    const stream = languageModelStream({ tokens, batchSize, timeSteps });
    this.#run = async (epochs) => {
      const start = performance.now();
      await model.fit(stream, { ...stepOptions, epochs, verbose: 'silent' });
      return (performance.now() - start) / epochs;
    };
    return [loss];
  }

  #options(precision: string): DeviceOptions {
    return { device: this.#device, precision, graph: this.#graph } as DeviceOptions;
  }

  async run(repetitions: number): Promise<readonly number[]> {
    return [await this.#run!(repetitions)];
  }

  async close(): Promise<void> {
    await this.#held?.dispose();
    this.#held = undefined;
  }
}

function twoUnderWay(step: () => Promise<unknown>): Run {
  return async (steps) => {
    const start = performance.now();
    let pending = step();
    for (let k = 1; k < steps; k++) {
      const next = step();
      await pending;
      pending = next;
    }
    await pending;
    return (performance.now() - start) / steps;
  };
}

/** H of an LSTM with as many inputs: 8 H² + 8 H parameters. */
export function hiddenSizeFor(parameters: number): number {
  return Math.round(Math.sqrt(parameters / 8 + 0.25) - 0.5);
}

/** The word model on the CPU, with weights drawn from a fixed seed. */
export function wordNetwork({ vocabSize, hiddenSize, numLayers, dropout: rate }: WordModel): Promise<Model> {
  const drawn = { inputInitializer: torchUniform(), recurrentInitializer: torchUniform() };
  const layers = [
    embedding({ vocabSize, size: hiddenSize, initializer: torchUniform() }),
    dropout({ rate }),
    lstm({ hiddenSize, numLayers, dropout: rate, ...drawn }),
    dropout({ rate }),
    dense({ units: vocabSize, initializer: torchUniform() }),
  ];
  return sequential(layers, { device: 'cpu', seed: 1 });
}
