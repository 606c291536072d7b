import { BusyError, DisposedError } from '../errors.js';

/** An operation that has the object for itself. */
interface Exclusive {
  readonly operation: string;
  /** Operations that may run inside it. */
  readonly inside: readonly string[];
}

/** Which calls an object takes now: none once disposed, only some while one of them has it for itself. */
export class Lifecycle {
  readonly #owner: string;
  /** The outermost first. */
  readonly #running: Exclusive[] = [];
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
    const running = this.#running.at(-1)?.operation;
    if (running === undefined) return;
    throw new BusyError(`${operation}: the ${this.#owner} is busy with ${running}; await that first`, {
      operation,
      running,
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
   * @param inside Operations that may run, one at a time, before it has ended: parts of its own work.
   * @throws DisposedError, BusyError
   */
  async exclusively<T>(operation: string, run: () => Promise<T>, inside: readonly string[] = []): Promise<T> {
    if (this.#running.at(-1)?.inside.includes(operation)) this.requireAlive(operation);
    else this.requireIdle(operation);
    const own = { operation, inside };
    this.#running.push(own);
    try {
      return await run();
    } finally {
      this.#running.splice(this.#running.indexOf(own), 1);
    }
  }

  dispose(): void {
    this.#disposed = true;
  }
}
