import { Worker } from 'node:worker_threads';
import { ConfigError, InternalError } from '../errors.js';
import type { TrialCall, TrialRunner } from './runner.js';
import type { TrialFailure } from './trial.js';
import type { FromWorker, ToWorker } from './trialMessages.js';

/** What a trial in another thread failed with. */
class RemoteError extends Error {
  readonly code: string | undefined;

  constructor({ name, message, code }: TrialFailure) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

interface Current {
  readonly call: TrialCall;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** One thread with one trial at a time. */
class TrialThread {
  readonly #worker: Worker;
  readonly ready: Promise<void>;
  #current: Current | undefined;
  ended = false;

  constructor(module: string) {
    this.#worker = new Worker(new URL('./trialWorker.js', import.meta.url), { workerData: module });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') resolve();
        else if (message.kind === 'broken') this.#end(brokenModule(module, message.failure), reject);
        else void this.#hear(message);
      });
      this.#worker.once('error', (error) => this.#end(error, reject));
      this.#worker.once('exit', (code) =>
        this.#end(new InternalError(`the trial's thread ended with code ${code}`), reject),
      );
    });
    // Whoever waits for it hears of it as well.
    this.ready.catch(() => {});
  }

  call(call: TrialCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#current = { call, resolve, reject };
      this.tell({ kind: 'call', config: call.config, facts: call.facts });
    });
  }

  tell(message: ToWorker): void {
    // A worker thread has no origin.
    // oxlint-disable-next-line require-post-message-target-origin
    if (!this.ended) this.#worker.postMessage(message);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  async #hear(message: Extract<FromWorker, { kind: 'report' | 'ended' | 'failed' }>): Promise<void> {
    const current = this.#current;
    // A report that its trial did not wait for may come when another trial is under way.
    if (message.kind === 'report' && message.number !== current?.call.facts.number) {
      this.tell({ kind: 'decision', goOn: false });
    } else if (current === undefined) return;
    else if (message.kind === 'ended') current.resolve(message.value);
    else if (message.kind === 'failed') current.reject(new RemoteError(message.failure));
    else this.tell({ kind: 'decision', goOn: await current.call.report(message.resource, message.value) });
  }

  #end(error: unknown, reject: (error: unknown) => void): void {
    this.ended = true;
    reject(error);
    this.#current?.reject(error);
  }
}

/** Calls a module's default export in threads of their own, which are kept from trial to trial. */
export class WorkerPool implements TrialRunner {
  readonly #module: string;
  readonly #idle: TrialThread[] = [];
  readonly #all = new Set<TrialThread>();

  private constructor(module: string) {
    this.#module = module;
  }

  /**
   * Starts the first thread, so that a module that cannot be used is known before any trial.
   *
   * @throws ConfigError
   */
  static async open(module: string): Promise<WorkerPool> {
    const pool = new WorkerPool(module);
    const first = pool.#start();
    try {
      await first.ready;
    } catch (error) {
      await pool.close();
      throw error;
    }
    pool.#idle.push(first);
    return pool;
  }

  async call(call: TrialCall): Promise<unknown> {
    const thread = this.#next();
    try {
      await thread.ready;
      return await thread.call(call);
    } finally {
      if (thread.ended) this.#all.delete(thread);
      else this.#idle.push(thread);
    }
  }

  abort(): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((thread) => thread.terminate()));
  }

  #next(): TrialThread {
    for (let thread = this.#idle.pop(); thread !== undefined; thread = this.#idle.pop()) {
      if (!thread.ended) return thread;
    }
    return this.#start();
  }

  #start(): TrialThread {
    const thread = new TrialThread(this.#module);
    this.#all.add(thread);
    return thread;
  }
}

function brokenModule(module: string, { message }: TrialFailure): ConfigError {
  const expected = 'a module whose default export is a trial function';
  return new ConfigError(`run: expected ${expected}, received ${module}: ${message}`, {
    path: 'run',
    expected,
    received: module,
  });
}
