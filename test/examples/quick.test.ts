/** Every example on a small part of its data, each in a process of its own, as `npm run examples -- --quick` runs them. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { runExample } from '../../examples/results/runTask.js';
import { oneAnExample } from '../../examples/results/tasks.js';
import type { ExampleResult } from '../../examples/support/run.js';

const data = process.env.CUDNN_LSTM_DATA ?? resolve(import.meta.dirname, '../../../shared/data');

describe('an example on a small part of its data', () => {
  for (const task of oneAnExample) {
    const missing = !existsSync(join(data, task.dataSet));
    const skipped = missing ? ` (skipped: no ${task.dataSet} in ${data})` : '';
    it.skipIf(missing)(
      `${task.name} trains and is scored beside simpler methods${skipped}`,
      async () => {
        const line = await runExample(task, { data, seed: 1, threads: 2, quick: true });
        const { scores, baselines, steps, parameters } = JSON.parse(line) as ExampleResult;
        expect(scores[task.score.name]).toBeGreaterThan(0);
        expect(scores[task.score.name]).toBeLessThan(1e4);
        for (const value of Object.values(baselines)) expect(Number.isFinite(value)).toBe(true);
        expect(Object.keys(baselines).length).toBeGreaterThan(0);
        expect(steps).toBeGreaterThan(0);
        expect(parameters).toBeGreaterThan(1000);
      },
      120_000,
    );
  }
});
