import { loadModel, type Model, type ModelStates } from 'cudnn-lstm';

import type { Contender, Inputs, Outcome, Unable } from './contender.js';
import { readBatch, stepOptions } from './network.js';
import type { CpuTrial } from './shapes.js';
import { OursInStep } from './oursInStep.js';

/** This package, through its public names, a promise a call. */
export class Ours implements Contender<CpuTrial> {
  readonly name = 'cudnn-lstm';
  #model: Model | undefined;
  #once: (() => Promise<unknown>) | undefined;

  async setUp({ suite, shape, threads }: CpuTrial, inputs: Inputs): Promise<Outcome | Unable> {
    await this.close();
    const model = await loadModel(inputs.weightsPath, { device: 'cpu', threads });
    this.#model = model;
    const { x, y } = await readBatch(shape, inputs);
    switch (suite) {
      case 'train-step': {
        const once = () => model.trainStep({ x, y }, stepOptions);
        this.#once = once;
        return [(await once()).loss, (await once()).loss, (await once()).loss];
      }
      case 'predict':
      case 'latency': {
        const options = { batchSize: shape.batchSize };
        this.#once = () => model.predict(x, options);
        return [...(await model.predict(x, options)).y.data];
      }
      case 'streaming':
        return this.#stream(model, x.data, shape.timeSteps, shape.channels);
    }
  }

  async #stream(model: Model, x: Float32Array, timeSteps: number, channels: number): Promise<Outcome> {
    const steps = Array.from({ length: timeSteps }, (_, t) => ({
      data: x.slice(t * channels, (t + 1) * channels),
      shape: [1, 1, channels],
    }));
    let states: ModelStates | undefined;
    let index = 0;
    const once = async () => {
      const result = await model.predict(steps[index]!, { states, returnStates: true });
      states = result.states;
      index = (index + 1) % timeSteps;
      return result.y.data;
    };
    this.#once = once;
    const outcome: number[] = [];
    for (let t = 0; t < timeSteps; t++) outcome.push(...(await once()));
    return outcome;
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

/** Every form of this package; where one cannot do a trial the next one's results are what peers are compared with. */
export function ownContenders(): Contender<CpuTrial>[] {
  return [new OursInStep('float32'), new Ours(), new OursInStep('bfloat16'), new OursInStep('int8')];
}
