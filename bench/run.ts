/**
 * Times this package and its peers on the same networks in the same call.
 *
 *   npm run bench -- [--json] [--torch PYTHON] [--suite train-step|predict|latency|streaming] [--shape NAME]
 *                    [--threads N] [--seconds S]
 *   npm run bench -- --breakdown | --scaling | --neighbours  [--json] [--shape NAME] [--threads N]
 *
 * A train step is forward, cross-entropy on the last step's Dense(10), backward, clip by global norm 1, Adam. Peers are
 * PyTorch (--torch) and what is installed in bench/baselines; each one's results are compared with ours first.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { devices } from 'cudnn-lstm';

import { runBreakdown } from './support/breakdown.js';
import { runSuites } from './support/cpuSuites.js';
import { runNeighbours } from './support/neighbours.js';
import { type Environment, processorName } from './support/output.js';
import { runScaling } from './support/scaling.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    torch: { type: 'string' },
    suite: { type: 'string' },
    shape: { type: 'string' },
    threads: { type: 'string' },
    seconds: { type: 'string', default: '2' },
    breakdown: { type: 'boolean', default: false },
    scaling: { type: 'boolean', default: false },
    neighbours: { type: 'boolean', default: false },
  },
});

async function environment(): Promise<Environment> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  const [cpu] = await devices();
  const instructionSet = cpu?.device === 'cpu' ? cpu.instructionSet : 'unknown';
  const date = new Date().toISOString().slice(0, 10);
  return { date, machine: processorName(), instructionSet, 'cudnn-lstm': version, node: process.version };
}

async function main(): Promise<void> {
  const { json, torch, suite, shape, threads, seconds } = options;
  const counts = threads === undefined ? [...new Set([1, availableParallelism()])] : [Number(threads)];
  const settings = { json, torch, suite, shape, threads: counts, seconds: Number(seconds) };
  const where = await environment();
  if (options.breakdown) await runBreakdown(settings, where);
  if (options.scaling) await runScaling(settings, where);
  if (options.neighbours) await runNeighbours(settings, where);
  if (!options.breakdown && !options.scaling && !options.neighbours) await runSuites(settings, where);
}

const [load = 0] = loadavg();
if (load > 0.5) console.error(`load average ${load.toFixed(1)}: other work makes these times unsteady`);
try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
