import { describe, expect, it } from 'vitest';
import { chart } from '../../../bench/chart.js';
import { compare } from '../../../bench/support/compare.js';
import type { Contender, Outcome, Unable } from '../../../bench/support/contender.js';
import { blocks, table } from '../../../bench/support/tables.js';

const inputs = { weightsPath: '', xPath: '', yPath: '' };
const method = { turns: 3, secondsEach: 0.03, warmRuns: 2, tolerance: 1e-3 };

/** Takes `ms` a run, by its own word. */
function contender(
  name: string,
  answer: Outcome | Unable,
  ms: number,
  runs: number[] = [],
): Contender<string> {
  return {
    name,
    setUp: () => Promise.resolve(answer),
    run: (repetitions) => {
      runs.push(repetitions);
      return Promise.resolve(new Array<number>(repetitions).fill(ms));
    },
    close: () => Promise.resolve(),
  };
}

describe('compare()', () => {
  it("gives medians, and a peer's by ours", async () => {
    const all = [contender('ours', [1, 2], 2), contender('theirs', [1, 2.001], 5)];
    const [ours, theirs] = await compare(all, 'trial', inputs, method, 'title');
    expect(ours).toEqual({ contender: 'ours', minMs: 2, medianMs: 2, spreadMs: 0 });
    expect(theirs).toMatchObject({ contender: 'theirs', medianMs: 5, ratio: 2.5 });
  });

  it.each([
    ['one value is off by more than the tolerance', [1, 2.01]],
    ['one is not a number', [1, Number.NaN]],
    ['there are more values than ours', [1, 2, 3]],
    ['there is but the first loss', [1]],
  ])('times nothing when %s', async (_, theirs) => {
    const runs: number[] = [];
    const all = [contender('ours', [1, 2], 1, runs), contender('theirs', theirs, 1, runs)];
    await expect(compare(all, 'trial', inputs, method, 'title')).rejects.toThrow(
      'title: theirs computes something else',
    );
    expect(runs).toEqual([]);
  });

  it('leaves out who cannot do the trial', async () => {
    const all = [contender('a', { unable: 'no' }, 1), contender('b', [1, 2], 4), contender('c', [1, 2], 2)];
    const results = await compare(all, 'trial', inputs, method, 'title');
    expect(results.map(({ contender: name, ratio }) => [name, ratio])).toEqual([
      ['b', undefined],
      ['c', 0.5],
    ]);
  });

  it('gives each the same time, and a slow one three runs', async () => {
    const [fast, slow]: [number[], number[]] = [[], []];
    await compare([contender('a', [1], 2, fast), contender('b', [1], 500, slow)], 't', inputs, method, 't');
    // 30 ms in 3 turns, 2 ms a run; the first two calls are warm ones.
    expect(fast).toEqual([1, 2, 5, 5, 5]);
    expect(slow).toEqual([1, 1, 1, 1]);
  });
});

describe('chart()', () => {
  const bars = [
    { label: 'tiny', series: 'a & b', ratio: 1 },
    { label: 'tiny', series: 'c', ratio: 2 },
    { label: 'wide', series: 'c', ratio: 4 },
  ];
  const svg = chart('x < y', [{ title: 'panel', bars }]);

  it('draws bars on a logarithmic axis: 4 is twice as long as 2', () => {
    const widths = [...svg.matchAll(/<rect x="[\d.]+" y="\d+" width="([\d.]+)" height="11" fill/g)];
    const [one, two, four] = widths.map(([, width]) => Number(width));
    expect(one).toBeLessThan(2);
    expect(four! / two!).toBeCloseTo(2, 1);
  });

  it('is well-formed whatever the names are', () => {
    expect(svg).toContain('x &lt; y');
    expect(svg).toContain('a &amp; b');
    expect(svg).not.toMatch(/&(?!amp;|lt;|quot;)/);
    expect(svg.match(/<text/g)).toHaveLength(svg.match(/<\/text>/g)!.length);
  });
});

describe('tables', () => {
  it('have columns as wide as their longest cell, as the formatter leaves them', () => {
    expect(table(['a', 'long head'], [['1.50×', 'b']])).toBe(
      ['| a     | long head |', '| ----- | --------- |', '| 1.50× | b         |'].join('\n'),
    );
  });

  it('are made for the suites that there are results of, each place once', () => {
    const row = { suite: 'predict', shape: 'tiny', threads: 2, machine: 'm', date: 'd', instructionSet: 'i' };
    const rows = [
      { ...row, contender: 'cudnn-lstm', medianMs: 2, gflopPerS: 10 },
      { ...row, contender: 'torch', medianMs: 3, ratio: 1.5 },
    ];
    const made = blocks(rows);
    expect(made.map(({ name }) => name)).toEqual(['machine', 'predict']);
    expect(made[1]!.text).toContain('| tiny  | 2.00     | 10      | 3.00      | 1.50× |');
  });
});
