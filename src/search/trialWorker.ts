// A worker thread of a search: imports the trial function's module once, then calls it as it is told.
import { parentPort, workerData } from 'node:worker_threads';
import { failureOf, makeTrial, type Trial, type TrialFunction } from './trial.js';
import type { FromWorker, ToWorker } from './trialMessages.js';

const port = parentPort!;
// A search that is aborted ends the thread.
const { signal } = new AbortController();
const decisions: ((goOn: boolean) => void)[] = [];
const tell = (message: FromWorker) => port.postMessage(message);

function reporter(number: number): Trial['report'] {
  return (resource, value) =>
    new Promise((resolve) => {
      tell({ kind: 'report', number, resource, value });
      decisions.push(resolve);
    });
}

async function callTrial(run: TrialFunction<never>, { config, facts }: Extract<ToWorker, { kind: 'call' }>) {
  try {
    // What cannot be sent is a failure as well.
    tell({
      kind: 'ended',
      value: await run(config as never, makeTrial(facts, signal, reporter(facts.number))),
    });
  } catch (error) {
    tell({ kind: 'failed', failure: failureOf(error) });
  }
}

async function importTrial(): Promise<TrialFunction<never>> {
  const { default: run } = (await import(workerData as string)) as { default?: unknown };
  if (typeof run !== 'function') throw new TypeError('the module has no function as its default export');
  return run as TrialFunction<never>;
}

try {
  const run = await importTrial();
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'call') void callTrial(run, message);
    else decisions.shift()?.(message.goOn);
  });
  tell({ kind: 'ready' });
} catch (error) {
  tell({ kind: 'broken', failure: failureOf(error) });
}
