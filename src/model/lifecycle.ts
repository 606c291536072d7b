import { BusyError, DisposedError } from '../errors.js';

/** Which calls an object takes now: none once disposed, only some while one of them has it for itself. */
export class Lifecycle {
  readonly #owner: string;
  #running: string | undefined;
  #disposed = false;
  /** No call at all may start. */
  #closed = false;
  readonly #underWay = new Set<Promise<unknown>>();

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
   * Runs one call of the object.
   *
   * @throws DisposedError, BusyError while another call has the object all for itself.
   */
  async call<T>(operation: string, run: () => Promise<T>): Promise<T> {
    this.requireAlive(operation);
    if (this.#closed) this.requireIdle(operation);
    const result = run();
    this.#underWay.add(result);
    try {
      return await result;
    } finally {
      this.#underWay.delete(result);
    }
  }

  /**
   * Runs one call that is over when it returns.
   *
   * @throws DisposedError, BusyError while another call has the object all for itself.
   */
  callSync<T>(operation: string, run: () => T): T {
    this.requireAlive(operation);
    if (this.#closed) this.requireIdle(operation);
    return run();
  }

  /**
   * Runs an operation that no other call may meet: waits for those that are under way, and lets none start until it
   * has ended.
   *
   * @throws DisposedError, BusyError
   */
  alone<T>(operation: string, run: () => Promise<T>): Promise<T> {
    return this.exclusively(operation, async () => {
      this.#closed = true;
      try {
        await Promise.allSettled(this.#underWay);
        this.requireAlive(operation);
        return await run();
      } finally {
        this.#closed = false;
      }
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
