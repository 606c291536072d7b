import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The compiled command line, as it is published: `npm run build` makes it. */
export const compiled = `${root}dist/cli/main.js`;

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface CommandOptions {
  readonly cwd: string;
  readonly input?: string;
}

/** Runs `cudnn-lstm` with arguments to its end. */
export function cudnnLstm(args: readonly string[], { cwd, input = '' }: CommandOptions): CommandResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiled, ...args], {
    cwd,
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** A command that is under way. */
export class RunningCommand {
  readonly #child: ChildProcess;
  readonly #ended: Promise<CommandResult & { readonly signal: NodeJS.Signals | null }>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], { cwd }: CommandOptions) {
    this.#child = spawn(process.execPath, [compiled, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => void (this.#stdout += text));
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => void (this.#stderr += text));
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (status, signal) =>
        resolve({ status, signal, stdout: this.#stdout, stderr: this.#stderr }),
      );
    });
  }

  /** Waits until what was written so far matches. @throws Error where the command ends before. */
  async until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    let over = false;
    void this.#ended.then(() => (over = true));
    while (!pattern.test(stream === 'stdout' ? this.#stdout : this.#stderr)) {
      if (over) throw new Error(`ended without ${pattern}:\n${this.#stdout}\n${this.#stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  write(text: string): void {
    this.#child.stdin!.write(text);
  }

  endInput(): void {
    this.#child.stdin!.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  ended() {
    return this.#ended;
  }
}
