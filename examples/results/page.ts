import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';

import { chart } from '../../bench/chart.js';
import { processorName } from '../../bench/support/output.js';
import { horizonChart } from './horizonChart.js';
import type { RunRecord } from './records.js';
import { sources } from './sources.js';
import type { Spread } from './statistics.js';
import { summarise, type Summary } from './summary.js';
import type { Score } from './tasks.js';

/** Writes `results.md` and its pictures to a folder. */
export async function writePage(records: readonly RunRecord[], folder: string): Promise<void> {
  const summaries = summarise(records);
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const style = await resolveConfig(import.meta.filename);
  write('results.md', await format(page(summaries, records), { ...style, parser: 'markdown' }));
  write('results-time.svg', timeChart(summaries));
  write('results-etth1.svg', horizonChart(summaries));
}

function page(summaries: readonly Summary[], records: readonly RunRecord[]): string {
  const versions = (side: 'ours' | 'torch'): string =>
    [...new Set(records.filter((one) => one.side === side).map(({ version }) => version))].join(', ');
  const timed = records.filter((one) => one.timed).map((one) => one.threads);
  const threads = timed.length === 0 ? '' : `, times with ${Math.max(...timed)} threads`;
  return `# Results on the classic tasks

Written by \`npm run examples\`; every number is computed from the lines of [results.jsonl](results.jsonl), one a run.
The examples are [examples/](../examples/README.md), the same models in PyTorch [bench/baselines/tasks/](../bench/baselines/tasks/).

**What is the same on both sides:** data, split and ids, layers, loss, optimizer, clipping, batch size, epochs, choice of the epoch, the
parameters that training starts from and the order of the rows (the example writes them all, PyTorch's script reads them); numbers of
parameters and steps are checked. **What differs:** rounding and, where there is dropout, its masks. So without dropout a seed gives the
same score on both sides but for rows on the edge, as far as rounding does not grow over training, and with dropout means over seeds
agree. "PyTorch, own start" starts from parameters and orders of PyTorch's own.

Mean ± standard deviation over seeds (their number in brackets). "Difference" is ours less PyTorch's of the same seed, above 0 where ours
is better, ± its standard error. Scores are those of the test part, which chose nothing.

CPU, ${processorName()}${threads}; node ${versions('ours')}, torch ${versions('torch')}.

${table(
  ['task', 'score', 'ours', 'PyTorch', 'difference', 'PyTorch, own start', 'simpler methods'],
  summaries.map(scoreRow),
)}

Rounding grows over training where the rate is high or epochs are many. On indoor-movement both sides' losses are the same to three digits
for ten epochs, on pendigits to four in the first (mnist-rows has its rate and more steps an epoch); then they part, and what is between
the sides is what is between two runs. Linear least squares is better than the LSTM, ours and PyTorch's, on airline and at every horizon
of ETTh1.

## Training time

Seconds of the training steps alone, validation and preparation of the data left out; of each side's fastest run with the machine to itself. PyTorch
reads padded batches with its fused Adam (packed ones where the LSTM is bidirectional), we read lengths.

![PyTorch's training time by ours](results-time.svg)

${table(
  ['task', 'ours, s', 'PyTorch, s', 'ratio'],
  summaries
    .filter(({ seconds }) => seconds.ours !== undefined)
    .map(({ task, seconds }) => [task.name, time(seconds.ours), time(seconds.torch), ratio(seconds)]),
)}

## ETTh1 by horizon

Squared error of the standardised oil temperature. LSTMa is the LSTM of Informer's tables. "A day before" repeats the last 24 hours,
"linear" is least squares from the same 96 hours.

![MSE by horizon](results-etth1.svg)

## What is what

${table(
  ['task', 'model and training', 'parameters', 'split', 'others'],
  summaries.map(({ task, parameters }) => [
    `${task.name}: ${task.title}`,
    task.model,
    String(parameters),
    task.split,
    task.known ?? '',
  ]),
)}

## Data and licences

The data sets are not part of the package, nor of this repository; [examples/README.md](../examples/README.md) says how their files
look.

${table(['folder', 'source', 'licence'], sources)}
`;
}

function scoreRow({ task, scores, advantage, baselines }: Summary): string[] {
  const { score } = task;
  const number = (value: number): string => (value * score.factor).toFixed(score.digits);
  const simpler = Object.entries(baselines).map(([name, value]) => `${name} ${number(value)}`);
  return [
    task.name,
    score.label,
    spreadText(scores.ours, score),
    spreadText(scores.torch, score),
    advantage === undefined
      ? ''
      : `${advantage.value > 0 ? '+' : ''}${number(advantage.value)}${advantage.error >= 0 ? ` ± ${number(advantage.error)}` : ''}`,
    spreadText(scores.torchDefaults, score),
    simpler.join(', '),
  ];
}

function spreadText(spread: Spread | undefined, { factor, digits }: Score): string {
  if (spread === undefined) return '';
  const { mean, deviation, count } = spread;
  const number = (value: number): string => (value * factor).toFixed(digits);
  return `${number(mean)}${count > 1 ? ` ± ${number(deviation)}` : ''} (${count})`;
}

function time(seconds: number | undefined): string {
  if (seconds === undefined) return '';
  return seconds.toFixed(seconds < 10 ? 2 : 1);
}

function ratio({ ours, torch }: Summary['seconds']): string {
  return ours === undefined || torch === undefined ? '' : `${(torch / ours).toFixed(2)}×`;
}

function timeChart(summaries: readonly Summary[]): string {
  const bars = summaries.flatMap(({ task, seconds }) =>
    seconds.ours === undefined || seconds.torch === undefined
      ? []
      : [{ label: task.name, series: 'PyTorch', ratio: seconds.torch / seconds.ours }],
  );
  return chart("PyTorch's training time by ours", [{ title: 'Training time by ours', bars }]);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
