import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A script of `bench/baselines` that stays and answers one JSON command a line. */
export class LineProcess {
  readonly #script: string;
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  private constructor(interpreter: readonly string[], script: string, args: readonly string[]) {
    this.#script = script;
    const path = fileURLToPath(new URL(`../baselines/${script}`, import.meta.url));
    const [command = '', ...before] = interpreter;
    this.#process = spawn(command, [...before, path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    // Without a listener a wrong path would end this process; the missing answer is reported instead.
    this.#process.on('error', () => {});
    this.#lines = createInterface(this.#process.stdout!);
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** Starts the script and gives its greeting. `interpreter` is a Python's path, or 'node': this one, with its loaders. */
  static async start<T>(interpreter: string, script: string, args: readonly string[] = []) {
    const command = interpreter === 'node' ? [process.execPath, ...process.execArgv] : [interpreter];
    const started = new LineProcess(command, script, args);
    return { process: started, greeting: (await started.#read()) as T };
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
    if (done === true) throw new Error(`${this.#script} ended early; its own words are above`);
    return JSON.parse(value);
  }
}
