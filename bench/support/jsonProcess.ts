import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A Python script of `bench/baselines` that stays and answers one JSON command a line. */
export class JsonProcess {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  private constructor(python: string, script: string, args: readonly string[]) {
    const path = fileURLToPath(new URL(`../baselines/${script}`, import.meta.url));
    this.#process = spawn(python, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    // Without a listener a wrong path would end this process; the missing answer is reported instead.
    this.#process.on('error', () => {});
    this.#lines = createInterface(this.#process.stdout!);
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** Starts the script and gives its greeting. */
  static async start<T>(python: string, script: string, args: readonly string[] = []) {
    const process = new JsonProcess(python, script, args);
    return { process, greeting: (await process.#read()) as T };
  }

  ask(command: object): Promise<unknown> {
    this.#process.stdin!.write(`${JSON.stringify(command)}\n`);
    return this.#read();
  }

  async close(): Promise<void> {
    this.#process.stdin!.end();
    this.#lines.close();
    await new Promise((resolve) => {
      if (this.#process.exitCode === null) this.#process.once('exit', resolve);
      else resolve(undefined);
    });
  }

  async #read(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done === true)
      throw new Error('PyTorch ended early: does the Python given by --torch have torch and numpy?');
    return JSON.parse(value);
  }
}
