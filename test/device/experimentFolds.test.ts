import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExperiment, type ExperimentConfig } from '../../src/index.js';

let folder: string;

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'experiment-folds-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const data = (config: ExperimentConfig['data']) => config;

/** What a fold's model learnt of its training part before the first step. */
async function learnt(config: ExperimentConfig, index: number, folds: number) {
  const { model, train, fit } = await buildExperiment(config, { folder, fold: { index, folds } });
  await using _ = model;
  return { model, train: train as never as Rows, validation: fit.validationData as never as Rows };
}

/** What the model file keeps of the data. */
interface Kept {
  readonly channels: number;
  readonly scalers: readonly { readonly center: number; readonly scale: number }[];
}

interface Rows {
  readonly x: readonly ArrayLike<unknown>[];
  readonly y: readonly number[];
}

describe('a fold of an experiment', () => {
  it('has the words of its training part alone', async () => {
    // A word of its own in each row: what is validated with must be unknown.
    const rows = Array.from({ length: 9 }, (_, row) => `word${row} common,${row % 2 === 0 ? 'a' : 'b'}`);
    write('texts.csv', `text,label\n${rows.join('\n')}\n`);
    const config: ExperimentConfig = {
      device: { device: 'cpu' },
      data: data({ task: 'textClassification', train: 'texts.csv', validation: 0.5 }),
      model: {
        layers: [
          { kind: 'embedding', size: 2 },
          { kind: 'lstm', hiddenSize: 2, returnSequences: false },
          { kind: 'dense', activation: 'softmax' },
        ],
      },
    };
    for (const index of [0, 1, 2]) {
      const { model, train, validation } = await learnt(config, index, 3);
      expect([train.x.length, validation.x.length]).toEqual([6, 3]);
      expect(model.vocabulary!.size).toBe(1 + 1 + 6);
      const unknown = model.vocabulary!.unknownId;
      for (const ids of validation.x) expect(Array.from(ids)[0]).toBe(unknown);
      for (const ids of train.x) expect(Array.from(ids)[0]).not.toBe(unknown);
    }
  });

  it('has the scale of its training part alone, and its groups whole', async () => {
    const rows = [1, 2, 3].flatMap((who) =>
      [0, 1].flatMap((n) =>
        [0, 1].map((t) => `${who}${n},${t},${who * 10 + t},s${who},${n === 0 ? 'a' : 'b'}`),
      ),
    );
    write('sequences.csv', `id,time,value,speaker,label\n${rows.join('\n')}\n`);
    const config: ExperimentConfig = {
      device: { device: 'cpu' },
      data: data({
        task: 'sequenceClassification',
        train: 'sequences.csv',
        time: 'time',
        split: 'group',
        group: 'speaker',
        scaler: 'minMax',
      }),
      model: {
        layers: [
          { kind: 'lstm', hiddenSize: 2, returnSequences: false },
          { kind: 'dense', activation: 'softmax' },
        ],
      },
    };
    const kept = { 1: [20, 31], 2: [10, 31], 3: [10, 21] } as const;
    const seen = new Set<number>();
    for (const index of [0, 1, 2]) {
      const { model, train, validation } = await learnt(config, index, 3);
      // The speaker is no input.
      const { experiment } = model.metadata as unknown as { experiment: Kept };
      expect(experiment.channels).toBe(1);
      const { center, scale } = experiment.scalers[0]!;
      const values = (part: Rows) =>
        part.x.flatMap((steps) => Array.from(steps as number[][], ([value]) => value! * scale + center));
      const left = ([1, 2, 3] as const).find((who) =>
        values(validation).every((value) => Math.round(value / 10) === who),
      )!;
      seen.add(left);
      const own = values(train);
      expect([Math.min(...own), Math.max(...own)].map((value) => Math.round(value))).toEqual(kept[left]);
      // Of the training part the least is 0 and the most 1; of what is left out that need not hold.
      const scaledTrain = train.x.flatMap((steps) => (steps as number[][]).map(([value]) => value!));
      expect([Math.min(...scaledTrain), Math.max(...scaledTrain)]).toEqual([0, 1]);
    }
    expect(seen.size).toBe(3);
  });

  it("of a series is scaled by what lies before it, the test part being no fold's", async () => {
    // Values that rise with time: a scaler that saw later ones would have a larger maximum.
    write('series.csv', `time,value\n${Array.from({ length: 50 }, (_, t) => `${t},${t}`).join('\n')}\n`);
    const config: ExperimentConfig = {
      device: { device: 'cpu' },
      data: data({
        task: 'forecasting',
        train: 'series.csv',
        targets: 'value',
        lookBack: 2,
        horizon: 1,
        scaler: 'minMax',
        test: 10,
      }),
      model: { layers: [{ kind: 'lstm', hiddenSize: 2, returnSequences: false }, { kind: 'dense' }] },
    };
    // 40 steps before the test part, 3 folds of floor(40 / 4): training ends at 10, 20, 30.
    for (const index of [0, 1, 2]) {
      const { model, validation } = await learnt(config, index, 3);
      const { center, scale } = model.series!.columns['value']!.scaler;
      expect([center, center + scale]).toEqual([0, 10 * (index + 1) - 1]);
      const { y } = validation as unknown as { y: { data: Float32Array } };
      expect(Array.from(y.data, (value) => Math.round(value * scale + center))).toEqual(
        Array.from({ length: 10 }, (_, step) => 10 * (index + 1) + step),
      );
    }
  });
});

describe('metrics of an experiment', () => {
  const build = async (training: ExperimentConfig['training']) => {
    write('series.csv', `time,value\n${Array.from({ length: 50 }, (_, t) => `${t},${t % 7}`).join('\n')}\n`);
    const { model, fit } = await buildExperiment(
      {
        device: { device: 'cpu' },
        data: data({ task: 'forecasting', train: 'series.csv', targets: 'value', lookBack: 2, horizon: 1 }),
        model: { layers: [{ kind: 'lstm', hiddenSize: 2, returnSequences: false }, { kind: 'dense' }] },
        training,
      },
      { folder },
    );
    await model.dispose();
    return fit.metrics;
  };

  it("are the task's beside a loss of one's own, where they can be measured beside it", async () => {
    expect(await build({})).toEqual(['mae']);
    expect(await build({ loss: 'huber' })).toEqual(['mae']);
    expect(await build({ loss: { kind: 'quantile', quantiles: [0.1, 0.5, 0.9] } })).toEqual(['mae']);
    // No median, so nothing that an absolute error is of.
    expect(await build({ loss: { kind: 'quantile', quantiles: [0.1, 0.9] } })).toEqual([]);
    expect(await build({ loss: 'huber', metrics: [] })).toEqual([]);
    expect(await build({ loss: 'huber', metrics: ['rmse'] })).toEqual(['rmse']);
  });
});
