import { exitCode } from './exitCode.js';
import { say } from './output.js';

/**
 * Ctrl-C in a terminal reaches npx as well, which passes it on: what comes so soon after the first signal is the same one.
 */
const sameSignalMs = 500;

/**
 * Ctrl-C, and SIGTERM: the first asks the command to stop, which saves what there is to save; the second ends the process
 * at once.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #message: string;
  #firstMs = 0;
  readonly #onSignal = (): void => {
    if (this.#controller.signal.aborted) {
      if (performance.now() - this.#firstMs >= sameSignalMs) process.exit(exitCode.interrupted);
      return;
    }
    this.#firstMs = performance.now();
    say(this.#message);
    this.#controller.abort();
  };

  /** @param message Said at the first signal. */
  constructor(message: string) {
    this.#message = message;
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
  }
}
