import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiled, cudnnLstm, RunningCommand } from '../support/commandLine.js';
import type { Draft } from '../support/draft.js';

let folder: string;

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'command-line-tune-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const space = {
  'training.optimizer.learningRate': { kind: 'logUniform', low: 0.001, high: 0.05 },
  'model.layers[1].hiddenSize': [4, 6, 8],
};
const searches = {
  random: { method: 'random', trials: 10, space, concurrency: 2 },
  // One trial at a time: who is promoted is then a function of the seed.
  'asha over folds': { method: 'asha', trials: 6, folds: 2, reductionFactor: 2, space, concurrency: 1 },
} as const;

const start = (name: string, task = 'textClassification') =>
  cudnnLstm(['init', name, '--yes', '--task', task, '--hidden-size', '8', '--epochs', '4'], { cwd: folder });

function change(name: string, edit: (config: Draft) => void): void {
  const path = join(folder, name, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as Draft;
  edit(config);
  writeFileSync(path, JSON.stringify(config));
}

const tune = (name: string) => cudnnLstm(['tune', 'config.json'], { cwd: join(folder, name) });

/** The table without the wall times, and the config that came of it. */
function outcome(name: string) {
  const lines = readFileSync(join(folder, name, 'search/trials.csv'), 'utf8')
    .trim()
    .split('\n');
  const seconds = lines[0]!.split(',').indexOf('seconds');
  const table = lines.map((line) =>
    line
      .split(',')
      .filter((_, column) => column !== seconds)
      .join(),
  );
  return { table, best: readFileSync(join(folder, name, 'best.json'), 'utf8') };
}

/** Results that are on disk. */
const stored = (name: string) =>
  readFileSync(join(folder, name, 'search/trials.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => /^\{"kind":"(trial|report)"/.test(line)).length;

describe.skipIf(!existsSync(compiled)).each(Object.entries(searches))(
  'a search that is stopped (%s)',
  (method, search) => {
    const whole = `whole ${method}`;

    beforeAll(() => {
      start(whole);
      change(whole, (config) => (config['search'] = search));
      cpSync(join(folder, whole), join(folder, `stopped ${method}`), { recursive: true });
      tune(whole);
    });

    it('by Ctrl-C and by kill -9 goes on, runs nothing again that was done, and comes to the same', async () => {
      const name = `stopped ${method}`;
      const cwd = join(folder, name);
      const endings: Awaited<ReturnType<RunningCommand['ended']>>[] = [];
      let before = 0;
      for (const signal of ['SIGINT', 'SIGKILL'] as const) {
        const command = new RunningCommand(['tune', 'config.json'], { cwd });
        while (!existsSync(join(cwd, 'search/trials.jsonl')) || stored(name) < before + 2) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        command.kill(signal);
        endings.push(await command.ended());
        before = stored(name);
      }
      const [interrupted, killed] = endings;
      expect(interrupted).toMatchObject({ status: 130, stdout: '' });
      expect(interrupted!.stderr).toContain('To go on:\n  npx cudnn-lstm tune config.json');
      expect(killed).toMatchObject({ signal: 'SIGKILL', stdout: '' });
      const again = tune(name);
      expect(again.status).toBe(0);
      expect(outcome(name)).toEqual(outcome(whole));
      // Every result came once.
      expect(stored(name)).toBe(stored(whole));
    });
  },
);

describe.skipIf(!existsSync(compiled))('a search over folds', () => {
  it('gives the mean over the folds, with its spread, and a config that trains', () => {
    const name = `whole asha over folds`;
    const lines = readFileSync(join(folder, name, 'search/trials.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const trials = lines
      .map((line) => JSON.parse(line) as { kind: string; value: number; folds?: number[] })
      .filter(({ kind, folds }) => kind === 'trial' && folds !== undefined);
    for (const { value, folds } of trials) {
      expect(folds).toHaveLength(2);
      expect(value).toBeCloseTo((folds![0]! + folds![1]!) / 2, 12);
    }
    const trained = cudnnLstm(['train', 'best.json', '--json'], { cwd: join(folder, name) });
    expect(trained.status).toBe(0);
    expect(JSON.parse(trained.stdout)).toMatchObject({ epoch: 4, valLoss: expect.any(Number) as number });
  });

  it('of a series goes forward in time', () => {
    start('series', 'forecasting');
    change('series', (config) => {
      config['training'].epochs = 1;
      config['search'] = { method: 'grid', folds: 3, space: { 'model.layers[0].hiddenSize': [2, 3] } };
    });
    const { status, stdout } = tune('series');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^trial +state +value +sd/);
  });

  it.each<[string, string, (config: Draft) => void]>([
    [
      'config.json: $.search.folds: expected none beside a file to validate with, $.data.validation, received 3',
      'textClassification',
      (c) => (c['data'].validation = 'texts.csv'),
    ],
    [
      'config.json: $.search.folds: expected none for the task languageModel, whose text is one sequence',
      'languageModel',
      () => {},
    ],
    [
      'texts.csv: class "rare": expected a row for each of 3 folds, received 2',
      'textClassification',
      () => {},
    ],
    [
      "texts.csv:2: expected a column 'speaker', received text, label",
      'textClassification',
      (c) => Object.assign(c['data'], { split: 'group', group: 'speaker' }),
    ],
  ])('that cannot be is refused before any trial: %s', (message, task, edit) => {
    const name = `refused ${task}`;
    if (!existsSync(join(folder, name))) {
      start(name, task);
      if (task === 'textClassification') {
        appendFileSync(join(folder, name, 'texts.csv'), 'odd,rare\nodder,rare\n');
      }
    }
    const original = readFileSync(join(folder, name, 'config.json'), 'utf8');
    change(name, (config) => {
      config['search'] = { folds: 3, space: { 'training.epochs': [1, 2] } };
      edit(config);
    });
    const { status, stdout, stderr } = tune(name);
    writeFileSync(join(folder, name, 'config.json'), original);
    expect(stderr).toContain(message);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(existsSync(join(folder, name, 'search'))).toBe(false);
  });
});

describe.skipIf(!existsSync(compiled))('a search', () => {
  it('without anything to judge by, or without its data, is refused before any trial', () => {
    start('nothing');
    change('nothing', (config) => {
      delete config['data'].validation;
      config['search'] = { space: { 'training.epochs': [1, 2] } };
    });
    expect(tune('nothing').stderr).toContain(
      "$.data.validation: expected what 'valLoss' is measured on: a file or a share, or $.search.folds, received none",
    );
    change('nothing', (config) => Object.assign(config['data'], { validation: 0.2, train: 'none.csv' }));
    expect(tune('nothing').stderr).toContain('none.csv: expected a source that can be read');
    expect(existsSync(join(folder, 'nothing/search'))).toBe(false);
  });

  it('is the same search from whatever folder it is called', () => {
    start('called');
    change('called', (config) => {
      config['training'].epochs = 1;
      const space = { 'model.layers[1].hiddenSize': [2, 3] };
      config['search'] = { method: 'grid', space, best: 'found/best.json' };
    });
    expect(tune('called').status).toBe(0);
    const above = cudnnLstm(['tune', 'called/config.json'], { cwd: folder });
    expect(above.status).toBe(0);
    expect(above.stderr).not.toMatch(/^trial /m);
    // The config that came of it means the same files from its own folder.
    const best = JSON.parse(readFileSync(join(folder, 'called/found/best.json'), 'utf8')) as Draft;
    expect([best['data'].train, best['output'].model]).toEqual(['../texts.csv', '../model.safetensors']);
    expect(cudnnLstm(['train', 'called/found/best.json'], { cwd: folder }).status).toBe(0);
    expect(existsSync(join(folder, 'called/model.safetensors'))).toBe(true);
  });
});
