import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import type { ExampleResult } from '../support/run.js';
import type { RunRecord, Side } from './records.js';
import type { Task } from './tasks.js';

const root = resolve(import.meta.dirname, '../..');
const tsx = createRequire(import.meta.url).resolve('tsx/cli');

export interface RunOptions {
  readonly data: string;
  readonly seed: number;
  readonly threads: number;
  readonly quick?: boolean;
  /** Nothing else runs beside. Default true. */
  readonly timed?: boolean;
}

/** An example with `--json`, in a process of its own. */
export async function runExample(task: Task, options: RunOptions, extra: readonly string[] = []) {
  const { data, seed, threads, quick = false } = options;
  const path = join(root, 'examples', `${task.example}.ts`);
  const common = ['--json', '--data', data, '--seed', String(seed), '--threads', String(threads)];
  const args = [
    tsx,
    '--tsconfig',
    join(root, 'tsconfig.build.json'),
    path,
    ...common,
    ...task.args,
    ...extra,
  ];
  return lastLine(process.execPath, quick ? [...args, '--quick'] : args);
}

/** One task and seed on the sides asked for, as each ends. */
export async function* runSides(
  task: Task,
  wanted: readonly Side[],
  options: RunOptions,
  python: string,
): AsyncGenerator<RunRecord> {
  const { seed, threads, timed = true } = options;
  const folder = mkdtempSync(join(tmpdir(), 'cudnn-lstm-task-'));
  const base = { task: task.name, seed, threads, timed };
  try {
    if (wanted.includes('ours')) {
      const result = JSON.parse(await runExample(task, options, ['--export', folder])) as ExampleResult;
      yield { ...base, side: 'ours', ...result, version: process.version };
    } else await runExample(task, options, ['--export', folder, '--export-only']);
    for (const side of wanted) {
      if (side === 'ours') continue;
      const script = join(root, 'bench/baselines/tasks', `${task.example}.py`);
      const start = side === 'torch' ? 'example' : 'torch';
      const settings = ['--seed', String(seed), '--threads', String(threads), '--start', start];
      const line = await lastLine(python, [script, folder, ...settings]);
      yield { ...base, side, ...(JSON.parse(line) as Omit<RunRecord, keyof typeof base | 'side'>) };
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws Error with the last words of a program that fails. */
async function lastLine(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status === 0) return output.trimEnd().split('\n').at(-1)!;
  throw new Error(`${args.join(' ')}: ended with ${status}\n${complaints.slice(-2000)}`);
}
