import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointError, ConfigError, draw, gridSearch, randomSearch } from '../../src/index.js';

let folder: string;
const path = () => join(folder, 'trials.jsonl');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'search-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const space = { a: draw.uniform(0, 1) };

describe('a stored search', () => {
  it('has a line for itself and one for each trial, and runs nothing again', async () => {
    let calls = 0;
    const search = (trials: number) =>
      randomSearch({ space, trials, folder, run: ({ a }) => (calls++, { value: a, metrics: { b: 2 } }) });
    const first = await search(4);
    const lines = (await readFile(path(), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines.map((line) => (line as { kind: string }).kind)).toEqual([
      'search',
      ...Array(4).fill('trial'),
    ]);
    expect(lines[2]).toEqual({ kind: 'trial', ...first.trials[1] });
    const again = await search(4);
    expect(calls).toBe(4);
    expect(again.trials).toEqual(first.trials);
    const more = await search(6);
    expect(calls).toBe(6);
    expect(more.trials.slice(0, 4)).toEqual(first.trials);
  });

  it('drops a last line that was torn, with or without its newline, and runs that trial again', async () => {
    const seen: number[] = [];
    const search = () =>
      randomSearch({ space, trials: 3, folder, run: ({ a }, { number }) => (seen.push(number), a) });
    const { trials } = await search();
    const whole = await readFile(path(), 'utf8');
    for (const tail of ['', '\n']) {
      await writeFile(path(), `${whole.trimEnd().slice(0, -20)}${tail}`);
      seen.length = 0;
      const again = await search();
      expect(seen).toEqual([2]);
      expect(again.trials.map(({ config, value }) => ({ config, value }))).toEqual(
        trials.map(({ config, value }) => ({ config, value })),
      );
      expect((await readFile(path(), 'utf8')).split('\n')).toHaveLength(5);
    }
  });

  it('names the line that is no line of a search', async () => {
    const search = () => randomSearch({ space, trials: 2, folder, run: () => 0 });
    await search();
    const [first, ...rest] = (await readFile(path(), 'utf8')).split('\n');
    await writeFile(path(), [first, 'gibberish', ...rest].join('\n'));
    await expect(search()).rejects.toThrow(`${path()}:2: expected a line of a search`);
    await expect(search()).rejects.toThrow(CheckpointError);
  });

  it('refuses the folder of another search, and a file of a newer version', async () => {
    const run = () => 0;
    await gridSearch({ space: { a: [1, 2] }, folder, run });
    await expect(gridSearch({ space: { a: [1, 3] }, folder, run })).rejects.toThrow('space differ from it');
    await expect(gridSearch({ space: { a: [1, 2] }, folder, run, seed: 1, mode: 'max' })).rejects.toThrow(
      'seed, mode differ from it',
    );
    await expect(randomSearch({ space: { a: [1, 2] }, trials: 2, folder, run })).rejects.toThrow(ConfigError);
    const text = await readFile(path(), 'utf8');
    await writeFile(path(), text.replace('"version":1', '"version":2'));
    await expect(gridSearch({ space: { a: [1, 2] }, folder, run })).rejects.toThrow(
      'written by a newer version of this package (format 2, known is 1)',
    );
  });

  it('keeps what was done before it was aborted', async () => {
    const controller = new AbortController();
    const run = ({ a }: { a: number }) => {
      if (a === 3) controller.abort();
      return a;
    };
    const values = { a: [1, 2, 3, 4] };
    await expect(gridSearch({ space: values, folder, run, signal: controller.signal })).rejects.toThrow(
      'aborted',
    );
    const seen: number[] = [];
    await gridSearch({ space: values, folder, run: ({ a }) => (seen.push(a), a) });
    expect(seen).toEqual([3, 4]);
  });

  it('ends with the error of a file that cannot be written', async () => {
    await appendFile(join(folder, 'file'), '');
    await expect(
      randomSearch({ space, trials: 1, folder: join(folder, 'file'), run: () => 0 }),
    ).rejects.toThrow(`${join(folder, 'file')}: cannot be made a search's folder`);
  });
});

const script = fileURLToPath(new URL('../support/searchProcess.mjs', import.meta.url));
const dist = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

/** Runs the search in a process of its own; kills it once its file holds so many lines. */
async function runProcess(
  method: string,
  folder: string,
  killAt = Infinity,
): Promise<{ killed: boolean; text: string }> {
  const log = join(folder, 'calls.log');
  const child = spawn(process.execPath, [script, method, folder, log], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_, signal) => resolve(signal)),
  );
  const poll = setInterval(() => {
    void readFile(join(folder, 'trials.jsonl'), 'utf8').then(
      (text) => text.split('\n').length > killAt && child.kill('SIGKILL'),
      () => {},
    );
  }, 5);
  const signal = await ended;
  clearInterval(poll);
  return { killed: signal === 'SIGKILL', text: Buffer.concat(parts).toString() };
}

// The child process loads the compiled package: `npm run build` makes dist/.
describe.skipIf(!existsSync(dist))('a search that is killed (with dist/ built)', () => {
  it.each(['random', 'asha'])('goes on and comes to what it would have come to: %s', async (method) => {
    const log = join(folder, 'calls.log');
    // The log's path is part of the base, so the search that nobody kills writes to the same.
    const other = await mkdtemp(join(tmpdir(), 'search-'));
    const { searches } = (await import(script)) as {
      searches: Record<
        string,
        (folder: string, log: string, wait: number) => Promise<{ trials: { seconds: number }[] }>
      >;
    };
    const { trials } = await searches[method]!(other, log, 40);
    await rm(other, { recursive: true });
    const calls = (await readFile(log, 'utf8')).trimEnd().split('\n').length;
    await rm(log);
    expect((await runProcess(method, folder, 5)).killed).toBe(true);
    expect((await runProcess(method, folder, 9)).killed).toBe(true);
    await appendFile(path(), '{"kind":"trial","numb');
    const { killed, text } = await runProcess(method, folder);
    expect(killed).toBe(false);
    expect(JSON.parse(text)).toEqual(
      JSON.parse(JSON.stringify(trials.map(({ seconds: _seconds, ...trial }) => trial))),
    );
    // A kill costs at most the trial that was under way.
    const callsKilled = (await readFile(log, 'utf8')).trimEnd().split('\n').length;
    expect(callsKilled).toBeGreaterThanOrEqual(calls);
    expect(callsKilled).toBeLessThanOrEqual(calls + 2);
  });
});
