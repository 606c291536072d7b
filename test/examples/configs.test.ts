/** The command line's config of every classic task, built on its data: the layers of the example of the same name. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { buildExperiment, type ExperimentConfig } from '../../src/index.js';

const data = process.env.CUDNN_LSTM_DATA ?? resolve(import.meta.dirname, '../../../shared/data');
const folder = resolve(import.meta.dirname, '../../examples/configs');

type Sizes = Readonly<Record<string, number>>;

/** Two biases of 4H each, as in PyTorch. */
const lstm = (inputs: number, hidden: number) => 4 * hidden * (inputs + hidden + 2);
const dense = (inputs: number, units: number) => inputs * units + units;

// Layers and sizes of the examples, by hand; what a vocabulary has depends on the part that is trained on.
const parameters: Readonly<Record<string, (sizes: Sizes) => number>> = {
  'japanese-vowels': () => lstm(12, 50) + 2 * lstm(50, 50) + dense(50, 9),
  'indoor-movement': () => lstm(4, 32) + dense(32, 1),
  pendigits: () => lstm(2, 128) + lstm(128, 128) + dense(128, 10),
  'sms-spam': ({ vocabulary }) => vocabulary! * 32 + lstm(32, 128) + dense(128, 1),
  trec: ({ vocabulary }) => vocabulary! * 100 + lstm(100, 128) + dense(128, 6),
  clinc150: ({ vocabulary }) => vocabulary! * 100 + lstm(100, 128) + dense(128, 150),
  sst2: ({ vocabulary }) => vocabulary! * 100 + lstm(100, 64) + dense(64, 1),
  'ud-ewt': ({ vocabulary }) => vocabulary! * 64 + 2 * lstm(64, 64) + dense(128, 17),
  'tiny-shakespeare': ({ vocabulary }) => vocabulary! * 64 + lstm(64, 128) + dense(128, vocabulary!),
  // The dense layer has the embedding's table and a bias of its own.
  'wikitext-2': ({ vocabulary }) => vocabulary! * 200 + 2 * lstm(200, 200) + vocabulary!,
  airline: () => lstm(1, 32) + dense(32, 1),
  'daily-temperatures': () => lstm(1, 32) + dense(32, 1),
  'etth1-24': () => lstm(1, 64) + dense(64, 24),
};

/** The config with its data in the data folder. */
function configOf(name: string): ExperimentConfig {
  const text = readFileSync(join(folder, `${name}.json`), 'utf8');
  return JSON.parse(text.replaceAll('"data/', `"${data}/`)) as ExperimentConfig;
}

describe('the config of the command line', () => {
  for (const [name, count] of Object.entries(parameters)) {
    const config = configOf(name);
    const missing = !existsSync(config.data.train);
    const skipped = missing ? ` (skipped: no ${config.data.train})` : '';
    it.skipIf(missing)(`for ${name} makes the example's model${skipped}`, async () => {
      const { model, summary } = await buildExperiment(config, { folder });
      await using _ = model;
      expect(model.parameterCount).toBe(count(summary));
    });
  }
});
