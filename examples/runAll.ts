/**
 * Runs every example, beside the same model in PyTorch where there is a Python with torch, and writes docs/results.md.
 *
 *   npm run examples -- [--data FOLDER] [--torch PYTHON] [--defaults] [--seeds 1,2,3,4,5] [--only NAME,NAME] [--threads 2]
 *                       [--results docs/results.jsonl] [--again] [--untimed] [--page-only]
 *   npm run examples -- --quick [--data FOLDER] [--only NAME,NAME]
 *
 * Each run that ends is a line of the results file, and one that is there is not run again but with --again, so a run that was
 * stopped goes on. --defaults also runs PyTorch from parameters of its own. --untimed: other work runs on this machine, so
 * times are no measurement. --quick runs every example on a small part
 * of its data and writes nothing. The data folder is by default $CUDNN_LSTM_DATA, or shared/data beside the clone;
 * examples whose data set is not there are left out by name.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { Records, sides, type Side } from './results/records.js';
import { runExample, runSides } from './results/runTask.js';
import { oneAnExample, tasks, type Task } from './results/tasks.js';
import { writePage } from './results/page.js';

const root = resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: process.env.CUDNN_LSTM_DATA ?? resolve(root, '../shared/data') },
    torch: { type: 'string' },
    defaults: { type: 'boolean', default: false },
    seeds: { type: 'string', default: '1,2,3,4,5' },
    only: { type: 'string' },
    threads: { type: 'string', default: '2' },
    results: { type: 'string', default: join(root, 'docs/results.jsonl') },
    again: { type: 'boolean', default: false },
    untimed: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    'page-only': { type: 'boolean', default: false },
  },
});
const threads = Number(options.threads);

if (options.quick) await runQuick();
else {
  const records = new Records(options.results);
  if (!options['page-only']) await runEverything(records);
  await writePage(records.all, join(root, 'docs'));
}

async function runQuick(): Promise<void> {
  for (const task of chosenTasks(oneAnExample)) {
    const result = await runExample(task, { data: options.data, seed: 1, threads, quick: true });
    console.log(`${task.name}: ${result}`);
  }
}

async function runEverything(records: Records): Promise<void> {
  const chosen = chosenTasks(tasks);
  for (const seed of options.seeds.split(',').map(Number)) {
    for (const task of chosen) {
      const wanted = wantedSides().filter((side) => options.again || !records.has(task.name, side, seed));
      if (wanted.length === 0) continue;
      for await (const record of runSides(
        task,
        wanted,
        { data: options.data, seed, threads, timed: !options.untimed },
        options.torch ?? '',
      )) {
        records.add(record);
        const { side, scores, trainSeconds } = record;
        console.log(
          `${task.name}, seed ${seed}, ${side}: ${JSON.stringify(scores)}, ${trainSeconds.toFixed(1)} s`,
        );
      }
    }
  }
}

function wantedSides(): readonly Side[] {
  if (options.torch === undefined) return ['ours'];
  return options.defaults ? sides : ['ours', 'torch'];
}

function chosenTasks(of: readonly Task[]): readonly Task[] {
  const names = options.only?.split(',');
  const chosen = of.filter(({ name }) => names?.includes(name) ?? true);
  const missing = chosen.filter(({ dataSet }) => !existsSync(join(options.data, dataSet)));
  for (const { name, dataSet } of missing) console.log(`${name}: skipped, no ${dataSet} in ${options.data}`);
  return chosen.filter((task) => !missing.includes(task));
}
