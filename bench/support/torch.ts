import type { Contender, Inputs, Outcome, Trial } from './contender.js';
import { JsonProcess } from './jsonProcess.js';

/** PyTorch on the CPU. */
export class Torch implements Contender {
  readonly name = 'torch';
  readonly #process: JsonProcess;

  private constructor(process: JsonProcess) {
    this.#process = process;
  }

  /** Starts the process; `version` is PyTorch's. */
  static async start(python: string, threads: number): Promise<{ torch: Torch; version: string }> {
    const { process, greeting } = await JsonProcess.start<{ version: string }>(python, 'torchStep.py', [
      String(threads),
    ]);
    return { torch: new Torch(process), version: greeting.version };
  }

  async setUp({ suite, shape }: Trial, inputs: Inputs): Promise<Outcome> {
    return (await this.#process.ask({ command: 'setUp', suite, shape, inputs })) as number[];
  }

  async run(repetitions: number): Promise<readonly number[]> {
    return (await this.#process.ask({ command: 'run', repetitions })) as number[];
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}
