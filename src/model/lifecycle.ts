import { BusyError, DisposedError } from '../errors.js';

/** Which calls an object takes now: none once disposed, only some while one of them has it for itself. */
export class Lifecycle {
  readonly #owner: string;
  #running: string | undefined;
  #disposed = false;

  /** @param owner For messages: `model`. */
  constructor(owner: string) {
    this.#owner = owner;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** @throws DisposedError */
  requireAlive(operation: string): void {
    if (!this.#disposed) return;
    throw new DisposedError(`${operation}: the ${this.#owner} is disposed`, { operation });
  }

  /** @throws DisposedError, BusyError while another call has the object for itself. */
  requireIdle(operation: string): void {
    this.requireAlive(operation);
    if (this.#running === undefined) return;
    throw new BusyError(`${operation}: the ${this.#owner} is busy with ${this.#running}; await that first`, {
      operation,
      running: this.#running,
    });
  }

  /**
   * Runs an operation that no other of its kind may meet.
   *
   * @throws DisposedError, BusyError
   */
  async exclusively<T>(operation: string, run: () => Promise<T>): Promise<T> {
    this.requireIdle(operation);
    this.#running = operation;
    try {
      return await run();
    } finally {
      this.#running = undefined;
    }
  }

  dispose(): void {
    this.#disposed = true;
  }
}
