import { loadModel, type Model } from 'cudnn-lstm';

import type { Contender, Inputs, Outcome, Unable } from './contender.js';
import { readBatch } from './network.js';
import type { CpuTrial } from './shapes.js';

type WeightForm = 'float32' | 'bfloat16' | 'int8';

/** The calls that compute on the caller's thread. */
interface SynchronousModel {
  predictSync(x: unknown, options: { weights: WeightForm; out: Float32Array }): unknown;
  stream(options: { weights: WeightForm }): { step(x: Float32Array): Float32Array };
}

/** How far results with rounded weights may lie from float32's, as a share of the largest: 8 bits of mantissa, or 8 in all. */
const tolerances = { bfloat16: 0.02, int8: 0.03 };

/** This package without a promise: one sequence, or one time step after the other, on the caller's thread. */
export class OursInStep implements Contender<CpuTrial> {
  readonly name: string;
  readonly tolerance: number | undefined;
  readonly #weights: WeightForm;
  #model: Model | undefined;
  #once: (() => unknown) | undefined;

  constructor(weights: WeightForm) {
    this.name = weights === 'float32' ? 'cudnn-lstm sync' : `cudnn-lstm sync ${weights}`;
    this.#weights = weights;
    this.tolerance = weights === 'float32' ? undefined : tolerances[weights];
  }

  async setUp({ suite, shape, threads }: CpuTrial, inputs: Inputs): Promise<Outcome | Unable> {
    await this.close();
    if (suite !== 'latency' && suite !== 'streaming') return { unable: 'for one sequence alone' };
    this.#model = await loadModel(inputs.weightsPath, { device: 'cpu', threads });
    if (!('predictSync' in this.#model)) return { unable: 'this version has no synchronous calls' };
    const model = this.#model as unknown as SynchronousModel;
    const weights = this.#weights;
    const { x } = await readBatch(shape, inputs);
    if (suite === 'latency') {
      const out = new Float32Array(10);
      this.#once = () => model.predictSync(x, { weights, out });
      this.#once();
      return [...out];
    }
    const { timeSteps, channels } = shape;
    const steps = Array.from({ length: timeSteps }, (_, t) => x.data.slice(t * channels, (t + 1) * channels));
    const stream = model.stream({ weights });
    let index = 0;
    this.#once = () => {
      stream.step(steps[index]!);
      index = (index + 1) % timeSteps;
    };
    return steps.flatMap((step) => [...stream.step(step)]);
  }

  run(repetitions: number): Promise<readonly number[]> {
    const times: number[] = [];
    for (let k = 0; k < repetitions; k++) {
      const start = performance.now();
      this.#once?.();
      times.push(performance.now() - start);
    }
    return Promise.resolve(times);
  }

  async close(): Promise<void> {
    await this.#model?.dispose();
    this.#model = undefined;
  }
}
