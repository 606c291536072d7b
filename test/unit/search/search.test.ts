import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  AbortError,
  ConfigError,
  draw,
  gridSearch,
  OutOfMemoryError,
  randomSearch,
  StateError,
} from '../../../src/index.js';

const space = { a: [1, 2], group: { b: ['x', 'y', 'z'] } } as const;

describe('gridSearch', () => {
  it('tries every combination in order, the last name varying fastest', async () => {
    const { trials } = await gridSearch({ space, run: ({ a }) => a });
    expect(trials.map(({ config }) => `${config.a}${config.group.b}`)).toEqual([
      '1x',
      '1y',
      '1z',
      '2x',
      '2y',
      '2z',
    ]);
    expect(trials.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('puts the values into the base, beside what is there', async () => {
    const base = { group: { b: 'none', c: 7 }, d: 1 };
    const { best } = await gridSearch({ space, base, run: ({ group, d }) => group.c + d });
    expect(best.config).toEqual({ a: 1, group: { b: 'x', c: 7 }, d: 1 });
    expect(best.value).toBe(8);
  });

  it('gives the best of the values, the smallest or the largest', async () => {
    const run = ({ a }: { a: number }) => (a - 3) ** 2;
    const values = { a: [1, 2, 4, 9] };
    expect((await gridSearch({ space: values, run })).best).toMatchObject({ config: { a: 2 }, value: 1 });
    expect((await gridSearch({ space: values, run, mode: 'max' })).best).toMatchObject({
      config: { a: 9 },
      value: 36,
    });
  });

  it('records a trial that fails with its error, and goes on', async () => {
    const result = await gridSearch({
      space: { a: [0, 1, 2, 3] },
      run: ({ a }) => {
        if (a === 0) throw new RangeError('no zero');
        return a === 1 ? Number.NaN : a;
      },
    });
    expect(result.trials.map(({ state }) => state)).toEqual(['failed', 'failed', 'finished', 'finished']);
    expect(result.trials[0]!.error).toEqual({ name: 'RangeError', message: 'no zero' });
    expect(result.trials[1]!.error!.message).toBe(
      "the trial's value: expected a finite number, received NaN",
    );
    expect(result.best.config.a).toBe(2);
  });

  it('has no best where every trial failed, and says why', async () => {
    const result = await gridSearch({ space: { a: [1] }, run: () => Promise.reject(new Error('broken')) });
    expect(() => result.best).toThrow(StateError);
    expect(() => result.best).toThrow('all 1 trials failed, the first with: broken');
  });

  it('runs as many trials at once as it is told', async () => {
    let running = 0;
    let most = 0;
    await gridSearch({
      space: { a: [1, 2, 3, 4, 5, 6, 7] },
      concurrency: 3,
      run: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return --running;
      },
    });
    expect(most).toBe(3);
  });

  it('begins a trial that found too little memory beside others again, with fewer at once', async () => {
    const beside: number[] = [];
    let running = 0;
    const { trials } = await gridSearch({
      space: { a: [1, 2, 3, 4] },
      concurrency: 4,
      run: async ({ a }) => {
        running++;
        await new Promise((resolve) => setTimeout(resolve, 1));
        beside.push(running);
        const tooMany = running > 2;
        running--;
        if (tooMany) throw new OutOfMemoryError('no room');
        return a;
      },
    });
    expect(trials.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished', 'finished']);
    expect(Math.max(...beside)).toBeGreaterThan(2);
  });

  it('records too little memory as a failure where the trial had it all', async () => {
    const run = () => Promise.reject(new OutOfMemoryError('no room'));
    const { trials } = await gridSearch({ space: { a: [1] }, run });
    expect(trials[0]).toMatchObject({ state: 'failed', error: { code: 'ERR_OUT_OF_MEMORY' } });
  });

  it('ends with AbortError when it is told to', async () => {
    const controller = new AbortController();
    const done: number[] = [];
    const search = gridSearch({
      space: { a: [1, 2, 3] },
      signal: controller.signal,
      run: ({ a }) => {
        done.push(a);
        if (a === 2) controller.abort(new Error('enough'));
        return a;
      },
    });
    await expect(search).rejects.toThrow(AbortError);
    expect(done).toEqual([1, 2]);
  });

  it('refuses spaces that are none, by the place of the fault', async () => {
    const run = () => 0;
    const refused = (bad: object) => gridSearch({ space: bad as { a: number[] }, run });
    await expect(refused({})).rejects.toThrow('gridSearch.space: expected at least one name with values');
    await expect(refused({ a: [] })).rejects.toThrow(
      'gridSearch.space.a: expected a list with at least one value',
    );
    await expect(refused({ a: 3 })).rejects.toThrow('gridSearch.space.a: expected a list, received 3');
    await expect(refused({ a: draw.uniform(0, 1) })).rejects.toThrow(
      'gridSearch.space.a: expected a list of values',
    );
    await expect(refused({ a: [{ b: () => 1 }] })).rejects.toThrow(
      'gridSearch.space.a[0].b: expected a JSON value, received a function',
    );
    const many = Array.from({ length: 1001 }, (_, i) => i);
    await expect(refused({ a: many, b: many })).rejects.toThrow('at most 1000000 combinations');
    await expect(gridSearch({ space: { a: [1] } } as never)).rejects.toThrow('either run or build');
  });

  it('holds the space to the schema of the config before any trial', async () => {
    const schema = z.object({
      learningRate: z.number().positive(),
      layer: z.object({ hiddenSize: z.int() }).optional(),
    });
    let calls = 0;
    const run = () => ++calls;
    await expect(gridSearch({ space: { learningrate: [1] }, schema, run })).rejects.toThrow(
      "gridSearch.space: the config has no 'learningrate'; did you mean 'learningRate'?",
    );
    await expect(
      gridSearch({ space: { learningRate: [1], layer: { hiddensize: [1] } }, schema, run }),
    ).rejects.toThrow("gridSearch.space.layer: the config has no 'hiddensize'; did you mean 'hiddenSize'?");
    await expect(gridSearch({ space: { learningRate: [0.1, -1] }, schema, run })).rejects.toThrow(
      'gridSearch: config of trial 1.learningRate',
    );
    await expect(gridSearch({ space: { layer: { hiddenSize: [2] } }, schema, run })).rejects.toThrow(
      ConfigError,
    );
    expect(calls).toBe(0);
    await gridSearch({ space: { layer: { hiddenSize: [2] } }, base: { learningRate: 1 }, schema, run });
    expect(calls).toBe(1);
  });
});

describe('randomSearch', () => {
  const drawSpace = { rate: draw.logUniform(1e-4, 1), size: draw.integer(1, 9), kind: ['a', 'b'] } as const;
  const run = ({ rate, size }: { rate: number; size: number }) => rate * size;

  it('draws the same trials from the same seed, and others from another', async () => {
    const search = (seed: number) => randomSearch({ space: drawSpace, trials: 8, seed, run });
    const configs = async (seed: number) =>
      (await search(seed)).trials.map(({ config, seed }) => ({ config, seed }));
    const first = await configs(1);
    expect(await configs(1)).toEqual(first);
    expect(await configs(2)).not.toEqual(first);
    expect(new Set(first.map(({ seed }) => seed)).size).toBe(8);
  });

  it('begins with the same trials when there are more of them, run beside each other', async () => {
    const few = await randomSearch({ space: drawSpace, trials: 3, run });
    const more = await randomSearch({ space: drawSpace, trials: 9, concurrency: 4, run });
    expect(more.trials.slice(0, 3).map(({ config }) => config)).toEqual(
      few.trials.map(({ config }) => config),
    );
  });
});

describe('the result of a search', () => {
  it('is a table with the best first and failed trials last', async () => {
    const result = await gridSearch({
      space: { rate: [0.1, 0.01], unit: ['tanh', 'relu'] },
      run: ({ rate, unit }) => {
        if (unit === 'relu' && rate === 0.1) throw new Error('diverged');
        return { value: rate, folds: [rate, rate], metrics: { accuracy: 1 - rate } };
      },
    });
    const lines = result.toTable().split('\n');
    expect(lines[0]).toMatch(/^trial +state +value +sd +rate +unit +accuracy +seconds +error$/);
    expect(lines.slice(2).map((line) => line.trim().split(/\s+/)[0])).toEqual(['2', '3', '0', '1']);
    expect(lines[2]).toMatch(/2 +finished +0\.01 +0 +0\.01 +tanh +0\.99/);
    expect(lines[5]).toContain('diverged');
    expect(result.toCsv().split('\n')[0]).toBe('trial,state,value,sd,rate,unit,accuracy,seconds,error');
  });

  it('is a picture with a panel for the order and one for each name, escaped', async () => {
    const result = await randomSearch({
      space: { rate: draw.logUniform(1e-5, 1), 'a<b': ['<script>', 'plain'] },
      trials: 12,
      run: ({ rate }) => rate,
    });
    const svg = result.toSvg({ title: 'a & b' });
    expect(svg).toContain('a &amp; b');
    expect(svg).not.toContain('<script>');
    expect(svg.match(/class="name"/g)).toHaveLength(3);
    expect(svg.match(/class="best"/g)).toHaveLength(3);
    expect(svg.match(/<circle/g)).toHaveLength(36);
    expect(svg).not.toContain('NaN');
  });

  it('is a picture also where no trial has a value', async () => {
    const result = await gridSearch({ space: { a: [1] }, run: () => Number.NaN });
    expect(result.toSvg()).toContain('no trial has a value');
    expect(result.toTable()).toContain('failed');
  });
});
