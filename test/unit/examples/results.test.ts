import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { writePage } from '../../../examples/results/page.js';
import { Records, type RunRecord } from '../../../examples/results/records.js';
import { spreadOf } from '../../../examples/results/statistics.js';
import { summarise } from '../../../examples/results/summary.js';

const run = (
  side: RunRecord['side'],
  seed: number,
  rmse: number,
  more: Partial<RunRecord> = {},
): RunRecord => ({
  task: 'airline',
  side,
  seed,
  threads: 2,
  timed: true,
  scores: { rmse },
  baselines: { linear: 15 },
  parameters: 4513,
  steps: 900,
  trainSeconds: 2 + seed,
  version: 'v1',
  ...more,
});

describe('the summary of runs', () => {
  it('has means and deviations with n - 1', () => {
    expect(spreadOf([1, 2, 3])).toEqual({ count: 3, mean: 2, deviation: 1 });
  });

  it('says how much better we are, lower errors being better', () => {
    const records = [run('ours', 1, 10), run('ours', 2, 12), run('torch', 1, 14), run('torch', 2, 18)];
    const [summary] = summarise([...records, run('torch', 3, 1)]);
    // Of the differences 4 and 6: their deviation is sqrt(2), over sqrt(2) seeds.
    expect(summary!.advantage).toEqual({ value: 5, error: expect.closeTo(1, 12) as number });
    expect(summary!.seconds).toMatchObject({ ours: 3, torch: 3 });
    expect(summary!.baselines).toEqual({ linear: 15 });
  });

  it('counts a run that was repeated once, and times of an undisturbed machine alone', () => {
    const again = run('ours', 1, 20, { trainSeconds: 1 });
    const [summary] = summarise([run('ours', 1, 10, { timed: false, trainSeconds: 0.5 }), again]);
    expect(summary!.scores.ours).toMatchObject({ count: 1, mean: 20 });
    expect(summary!.seconds.ours).toBe(1);
  });

  it('refuses to compare different models, or different numbers of steps', () => {
    const records = [run('ours', 1, 10), run('torch', 1, 10, { parameters: 4512 })];
    expect(() => summarise(records)).toThrow('airline, seed 1: expected one model');
    expect(() => summarise([run('ours', 1, 10), run('torch', 1, 10, { steps: 901 })])).toThrow('901 steps');
  });
});

describe('the results file', () => {
  it('goes on after a line that was cut off', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'results-')), 'results.jsonl');
    writeFileSync(path, `${JSON.stringify(run('ours', 1, 10))}\n{"task":"airl`);
    const records = new Records(path);
    expect(records.has('airline', 'ours', 1)).toBe(true);
    expect(records.has('airline', 'torch', 1)).toBe(false);
    records.add(run('torch', 1, 11));
    expect(new Records(path).all.map(({ side }) => side)).toEqual(['ours', 'torch']);
  });
});

describe('the page', () => {
  it('has a row a task, and pictures without a missing number', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'results-'));
    await writePage(
      [run('ours', 1, 10), run('ours', 2, 12), run('torch', 1, 14), run('torch', 2, 16)],
      folder,
    );
    const page = readFileSync(join(folder, 'results.md'), 'utf8');
    expect(page).toContain('11.00 ± 1.41 (2)');
    expect(page).toContain('+4.00 ± 0.00');
    for (const name of ['results-time.svg', 'results-etth1.svg']) {
      expect(readFileSync(join(folder, name), 'utf8')).not.toContain('NaN');
    }
  });
});
