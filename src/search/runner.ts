import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { makeTrial, type Trial, type TrialFacts, type TrialFunction } from './trial.js';

/** One call of the trial function. */
export interface TrialCall {
  readonly config: unknown;
  readonly facts: TrialFacts;
  /** Never rejects. */
  readonly report: Trial['report'];
}

/** Where trial functions are called. */
export interface TrialRunner {
  /** What the function gave; rejects with what it threw. */
  call(call: TrialCall): Promise<unknown>;
  /** Ends the trials that are under way, or tells them to end. */
  abort(reason: unknown): void | Promise<void>;
  close(): Promise<void>;
}

/** Calls the function on this thread. */
export function inProcessRunner(run: TrialFunction<never>): TrialRunner {
  const controller = new AbortController();
  return {
    call: async ({ config, facts, report }) =>
      run(config as never, makeTrial(facts, controller.signal, report)),
    abort: (reason) => controller.abort(reason),
    close: async () => {},
  };
}

/** The URL of a module that was named by a URL or a path from the working directory. */
export function moduleUrl(module: URL | string): string {
  if (module instanceof URL) return module.href;
  return module.startsWith('file:') ? module : pathToFileURL(resolve(module)).href;
}
