import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { Contender, Inputs, Outcome, Trial } from './contender.js';

const script = fileURLToPath(new URL('../baselines/torchStep.py', import.meta.url));

/** PyTorch on the CPU, in a process that stays and answers one command a line. */
export class Torch implements Contender {
  readonly name = 'torch';
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  private constructor(python: string, threads: number) {
    this.#process = spawn(python, [script, String(threads)], { stdio: ['pipe', 'pipe', 'inherit'] });
    // Without a listener a wrong path would end this process; the missing answer is reported instead.
    this.#process.on('error', () => {});
    this.#lines = createInterface(this.#process.stdout!);
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** Starts the process; `version` is PyTorch's. */
  static async start(python: string, threads: number): Promise<{ torch: Torch; version: string }> {
    const torch = new Torch(python, threads);
    const { version } = (await torch.#read()) as { version: string };
    return { torch, version };
  }

  async setUp({ suite, shape }: Trial, inputs: Inputs): Promise<Outcome> {
    return (await this.#ask({ command: 'setUp', suite, shape, inputs })) as number[];
  }

  async run(repetitions: number): Promise<readonly number[]> {
    return (await this.#ask({ command: 'run', repetitions })) as number[];
  }

  async close(): Promise<void> {
    this.#process.stdin!.end();
    this.#lines.close();
    await new Promise((resolve) => {
      if (this.#process.exitCode === null) this.#process.once('exit', resolve);
      else resolve(undefined);
    });
  }

  #ask(command: object): Promise<unknown> {
    this.#process.stdin!.write(`${JSON.stringify(command)}\n`);
    return this.#read();
  }

  async #read(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done === true)
      throw new Error('PyTorch ended early: does the Python given by --torch have torch and numpy?');
    return JSON.parse(value);
  }
}
