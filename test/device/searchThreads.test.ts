import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as Package from '../../src/index.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const dist = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const module = new URL('../support/countingTrial.mjs', import.meta.url);

let folder: string;
let log: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'search-'));
  log = join(folder, 'calls.log');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function calls(): Promise<number[][]> {
  return (await readFile(log, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
}

// Worker threads load the compiled package: `npm run build` makes dist/.
describe.skipIf(!existsSync(dist))('a search in worker threads (with dist/ built)', async () => {
  const { asha, ConfigError, draw, gridSearch, randomSearch } = (await import(dist)) as typeof Package;

  it('runs trials side by side, in threads that are kept, to the same values as on this thread', async () => {
    const space = { a: draw.uniform(0, 6) };
    const beside = await randomSearch({
      space,
      base: { log, wait: 30 },
      trials: 8,
      concurrency: 3,
      run: module,
    });
    const { default: run } = (await import(module.href)) as { default: () => number };
    const here = await randomSearch({ space, trials: 8, run });
    expect(beside.trials.map(({ value }) => value)).toEqual(here.trials.map(({ value }) => value));
    const threads = new Set((await calls()).map(([, , thread]) => thread));
    expect(threads.size).toBe(3);
    expect(threads.has(0)).toBe(false);
  });

  it('promotes as trials do that wait in memory, calling each again from the rung it had reached', async () => {
    const result = await asha({
      space: { a: draw.uniform(0, 6) },
      base: { log },
      trials: 6,
      seed: 2,
      maxResource: 4,
      reductionFactor: 2,
      concurrency: 1,
      run: fileURLToPath(module),
    });
    const { default: run } = (await import(module.href)) as { default: () => number };
    const waiting = await asha({
      space: { a: draw.uniform(0, 6) },
      trials: 6,
      seed: 2,
      maxResource: 4,
      reductionFactor: 2,
      run,
    });
    const plain = (trials: readonly { reports?: unknown; state: string }[]) =>
      trials.map(({ reports, state }) => ({ reports, state }));
    expect(plain(result.trials)).toEqual(plain(waiting.trials));
    const again = (await calls()).filter(([, reached]) => reached! > 0);
    expect(again.length).toBe(result.trials.reduce((sum, { reports }) => sum + reports!.length - 1, 0));
    expect(again.length).toBeGreaterThan(2);
  });

  it('records what fails in a thread, a thread that ends included, and goes on', async () => {
    const { trials } = await gridSearch({
      space: { fail: ['throw', 'exit', 'unsendable', 'no'], a: [1] },
      concurrency: 2,
      run: module,
    });
    expect(trials.map(({ state }) => state)).toEqual(['failed', 'failed', 'failed', 'finished']);
    expect(trials[0]!.error).toEqual({ name: 'RangeError', message: 'told to fail' });
    expect(trials[1]!.error!.message).toBe("the trial's thread ended with code 3");
    expect(trials[2]!.error!.name).toBe('DataCloneError');
  });

  it('refuses a module that is none before any trial', async () => {
    const missing = gridSearch({ space: { a: [1] }, run: join(folder, 'missing.mjs') });
    await expect(missing).rejects.toThrow(ConfigError);
    await expect(missing).rejects.toThrow('missing.mjs');
    const wrong = gridSearch({
      space: { a: [1] },
      run: new URL('../support/memoryGrowth.txt.mjs', import.meta.url),
    });
    await expect(wrong).rejects.toThrow('expected a module whose default export is a trial function');
  });

  it('ends its threads when it is aborted', async () => {
    const controller = new AbortController();
    const search = gridSearch({
      space: { a: [1, 2] },
      base: { wait: 1e6 },
      concurrency: 2,
      run: module,
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 300);
    await expect(search).rejects.toThrow('gridSearch was aborted');
  });
});
