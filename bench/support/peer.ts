import type { Contender, Inputs, Outcome, Unable } from './contender.js';
import type { LineProcess } from './lineProcess.js';

/** A contender in a process of its own: a script of `bench/baselines`. */
export class Peer<Trial extends object> implements Contender<Trial> {
  readonly name: string;
  readonly #process: LineProcess;

  constructor(name: string, process: LineProcess) {
    this.name = name;
    this.#process = process;
  }

  async setUp(trial: Trial, inputs: Inputs): Promise<Outcome | Unable> {
    return (await this.#process.ask({ command: 'setUp', ...trial, inputs })) as Outcome | Unable;
  }

  async run(repetitions: number): Promise<readonly number[]> {
    return (await this.#process.ask({ command: 'run', repetitions })) as number[];
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}
