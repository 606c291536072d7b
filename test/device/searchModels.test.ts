import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  adam,
  asha,
  dense,
  draw,
  dropout,
  gridSearch,
  kFold,
  loadModel,
  lstm,
  randomSearch,
  selectRows,
  sequential,
  type ModelPlan,
  type Trial,
  type TrainingControl,
} from '../../src/index.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('search');
const count = 24;
const x = { data: Float32Array.from(draws.uniform(count * 5 * 2)), shape: [count, 5, 2] };
const y = Array.from({ length: count }, (_, i) => i % 3);
const data = { x, y };

const build = ({ hiddenSize, rate = 0.05 }: { hiddenSize: number; rate?: number }): ModelPlan => ({
  layers: [
    lstm({ hiddenSize, returnSequences: false }),
    dropout({ rate: 0.2 }),
    dense({ units: 3, activation: 'softmax' }),
  ],
  options: { inputSize: 2, device: 'cpu' },
  fit: {
    loss: 'crossEntropy',
    metrics: ['accuracy'],
    optimizer: adam({ learningRate: rate }),
    batchSize: 8,
    epochs: 3,
  },
});

/** The losses on the validation rows after each of so many epochs, trained in one go. */
async function lossesOf(
  plan: ModelPlan,
  trial: { seed: number },
  epochs: number,
  rows: { train: Uint32Array; validation: Uint32Array },
) {
  await using model = await sequential(plan.layers, { ...plan.options, seed: trial.seed });
  const validationData = selectRows(data, rows.validation);
  const fit = { ...plan.fit, epochs, validationData, verbose: 'silent', seed: trial.seed } as const;
  const history = await model.fit(selectRows(data, rows.train), fit);
  return history.epochs.map(({ valLoss }) => valLoss);
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'search-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a search over models', () => {
  it('gives the mean over the folds of what each model comes to by itself', async () => {
    const folds = { kind: 'stratified', folds: 3, seed: 1 } as const;
    const { trials } = await gridSearch({ space: { hiddenSize: [4, 8] }, data, folds, build });
    for (const trial of trials) {
      const losses = [];
      for (const fold of kFold(data, folds)) {
        losses.push((await lossesOf(build(trial.config), trial, 3, fold)).at(-1)!);
      }
      expect(trial.folds).toEqual(losses);
      expect(trial.value).toBeCloseTo((losses[0]! + losses[1]! + losses[2]!) / 3, 12);
      expect(Object.keys(trial.metrics!)).toEqual(['loss', 'accuracy', 'valLoss', 'valAccuracy']);
    }
  });

  it('searches upwards where the monitor is to rise, and trains the best config in the end', async () => {
    const [rows] = kFold(data, { kind: 'plain', folds: 4 });
    const result = await gridSearch({
      space: { hiddenSize: [2, 12], rate: [1e-6, 0.05] },
      data,
      folds: [rows!],
      monitor: 'valAccuracy',
      build,
    });
    expect(result.mode).toBe('max');
    expect(result.best.value).toBe(Math.max(...result.trials.map(({ value }) => value!)));
    const { layers, options, fit } = build(result.best.config);
    await using model = await sequential(layers, options);
    await model.fit(data, { ...fit, verbose: 'silent' });
  });

  it('takes the best epoch where it is told to', async () => {
    const rows = kFold(data, { kind: 'plain', folds: 4 })[0]!;
    const plan = (config: { hiddenSize: number }) => build({ ...config, rate: 0.5 });
    const search = { space: { hiddenSize: [6] }, data, folds: [rows], build: plan } as const;
    const { best } = await gridSearch({ ...search, take: 'best' });
    const losses = await lossesOf(plan({ hiddenSize: 6 }), best, 3, rows);
    expect(best.value).toBe(Math.min(...losses.map((loss) => loss!)));
  });

  it('records a config that is no model, and goes on', async () => {
    const { trials } = await gridSearch({
      space: { hiddenSize: [-1, 4] },
      data,
      split: { by: 'tail', validation: 0.25 },
      build,
    });
    expect(trials.map(({ state }) => state)).toEqual(['failed', 'finished']);
    expect(trials[0]!.error).toMatchObject({ code: 'ERR_CONFIG' });
    expect(trials[0]!.error!.message).toContain('hiddenSize');
  });

  it('refuses data with two ways to validate', async () => {
    const both = { data, validationData: data, split: { by: 'tail', validation: 0.5 } } as never;
    const { trials } = await randomSearch({
      space: { hiddenSize: [4] },
      trials: 1,
      build,
      ...(both as object),
    } as never);
    expect(trials[0]!.error!.message).toContain(
      'validationData, split, folds: expected one of them, received 2',
    );
  });
});

describe('asha over models', () => {
  const search = {
    space: { hiddenSize: draw.integer(2, 8), rate: draw.logUniform(1e-3, 0.2) },
    trials: 4,
    seed: 6,
    maxResource: 4,
    reductionFactor: 2,
    data,
    folds: kFold(data, { kind: 'plain', folds: 2 }),
    build,
  } as const;

  it('comes in memory and by checkpoints to the bits of training in one go', async () => {
    const inMemory = await asha(search);
    const stored = await asha({ ...search, folder });
    const plain = (result: typeof inMemory) => result.trials.map(({ seconds: _seconds, ...trial }) => trial);
    expect(plain(stored)).toEqual(plain(inMemory));
    const { best } = inMemory;
    expect(best.resource).toBe(4);
    const plan = build(best.config);
    const [a, b] = [
      await lossesOf(plan, best, 4, search.folds[0]!),
      await lossesOf(plan, best, 4, search.folds[1]!),
    ];
    const means = [1, 2, 4].map((epoch) => (a[epoch - 1]! + b[epoch - 1]!) / 2);
    expect(best.reports!.map(({ value }) => value)).toEqual(means);
    // The newest checkpoint of each fold is what is left.
    const files = await readdir(join(folder, `trial-${best.number}`));
    expect(files.sort()).toEqual(['fold-0-epoch-4.safetensors', 'fold-1-epoch-4.safetensors']);
  });

  it('does not promote a model whose own callback ended its training', async () => {
    const stopping = (config: { hiddenSize: number; rate: number }) => {
      const { fit, ...plan } = build(config);
      return {
        ...plan,
        fit: {
          ...fit,
          callbacks: [{ onEpochEnd: (_: unknown, control: TrainingControl) => control.stop() }],
        },
      };
    };
    const { trials } = await asha({ ...search, minResource: 2, build: stopping });
    expect(trials.map(({ state, resource }) => ({ state, resource }))).toEqual(
      Array.from({ length: 4 }, () => ({ state: 'finished', resource: 2 })),
    );
  });

  it('lets a function of one’s own report by a callback of fit, and go on from its checkpoint', async () => {
    const rows = kFold(data, { kind: 'plain', folds: 4 })[0]!;
    const run = async (config: { hiddenSize: number; rate: number }, trial: Trial) => {
      const { layers, options, fit } = build(config);
      const file = trial.folder && join(trial.folder, 'model.safetensors');
      const model =
        trial.reached > 0 && file !== undefined && existsSync(file)
          ? await loadModel(file, { device: 'cpu' })
          : await sequential(layers, { ...options, seed: trial.seed });
      const history = await model.fit(selectRows(data, rows.train), {
        ...fit,
        seed: trial.seed,
        verbose: 'silent',
        epochs: trial.rungs.at(-1)!,
        initialEpoch: file === undefined ? 0 : trial.reached,
        validationData: selectRows(data, rows.validation),
        callbacks: [trial.callback()],
      });
      await model.dispose();
      return history.epochs.at(-1)!.valLoss!;
    };
    const { space, trials, seed, maxResource, reductionFactor } = search;
    const own = { space, trials, seed, maxResource, reductionFactor, run } as const;
    const reports = async (result: ReturnType<typeof asha>) =>
      (await result).trials.map(({ reports }) => reports);
    const expected = await reports(asha({ ...search, folds: [rows] }));
    expect(await reports(asha(own))).toEqual(expected);
    expect(await reports(asha({ ...own, folder }))).toEqual(expected);
  });
});
