import { exitCode } from './exitCode.js';
import { say } from './output.js';

/**
 * Ctrl-C, and SIGTERM: the first asks the command to stop, which saves what there is to save; the second ends the process
 * at once.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #message: string;
  readonly #onSignal = (): void => {
    if (this.#controller.signal.aborted) process.exit(exitCode.interrupted);
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
