import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Draft } from '../../support/draft.js';
import { startingConfig } from '../../../src/cli/startingConfig.js';
import { taskNames } from '../../../src/experiment/dataConfig.js';
import { experimentJsonSchema } from '../../../src/experiment/experimentConfig.js';
import {
  ConfigError,
  cosineDecay,
  resolveExperiment,
  warmup,
  type ExperimentConfig,
} from '../../../src/index.js';

const plain = {
  version: 1,
  data: { task: 'textClassification', train: 'texts.csv' },
  model: {
    layers: [
      { kind: 'embedding', size: 8 },
      { kind: 'lstm', hiddenSize: 8, returnSequences: false },
      { kind: 'dense', activation: 'softmax', initializer: { kind: 'orthogonal', gain: 2 } },
    ],
  },
  training: {
    optimizer: {
      kind: 'adam',
      learningRate: warmup({ length: 3, learningRate: cosineDecay({ initial: 1e-3 }) }),
      accumulate: 2,
    },
    metrics: ['accuracy', { kind: 'topK', k: 2 }],
  },
} as const satisfies ExperimentConfig;

type Change = (config: Draft) => void;

function changed(change: Change): ExperimentConfig {
  const config = structuredClone(plain) as Draft;
  change(config);
  return config as unknown as ExperimentConfig;
}

describe('an experiment config', () => {
  it('is given back with defaults filled in, frozen throughout', () => {
    const resolved = resolveExperiment(plain);
    expect(resolved).toMatchObject({
      version: 1,
      seed: 0,
      name: 'model',
      device: { device: 'auto' },
      data: { split: 'random', text: 'text', label: 'label', vocabulary: { kind: 'word', minFrequency: 1 } },
      training: { epochs: 10, batchSize: 32, shuffle: true },
      output: { model: 'model.safetensors', checkpoint: 'checkpoint.safetensors' },
    });
    expect(Object.isFrozen(resolved.data)).toBe(true);
    expect(Object.isFrozen(resolved.model.layers[0])).toBe(true);
  });

  it('has the defaults of what stands inside others, such as an initialiser of a layer', () => {
    const config = changed((c) => delete c['model'].layers[2].initializer.gain);
    expect(resolveExperiment(config).model.layers[2]).toMatchObject({
      initializer: { kind: 'orthogonal', gain: 1 },
    });
  });

  it('is the same when it is resolved again', () => {
    for (const task of taskNames) {
      const config = startingConfig({ task, train: 'data.csv', hiddenSize: 4, epochs: 1 }, './schema.json');
      const once = resolveExperiment(config);
      expect(resolveExperiment(once)).toEqual(once);
    }
  });

  // What each message has to name: the place from the top, what was expected, what came, and the nearest name.
  it.each<[Change, string]>([
    [(c) => (c['trainig'] = {}), "$: no setting 'trainig'; did you mean 'training'?"],
    [
      (c) => (c['version'] = 2),
      '$.version: expected at most 1, as later ones are of a later version of this package',
    ],
    [(c) => (c['version'] = 0), '$.version: expected 1, received 0'],
    [(c) => (c['data'].task = 'textClasification'), "$.data.task: expected 'textClassification' | "],
    [(c) => (c['data'].task = 'textClasification'), "(did you mean 'textClassification'?)"],
    [(c) => delete c['data'].train, '$.data.train: expected the path of a file, received undefined'],
    [(c) => (c['data'].validation = 2), '$.data.validation: expected the path of a file, or a share'],
    [
      (c) => (c['data'].vocabulary = { kind: 'words' }),
      "$.data.vocabulary.kind: expected 'character' | 'word'",
    ],
    [(c) => (c['model'].layers = []), '$.model.layers: expected at least one layer'],
    [
      (c) => (c['model'].layers[1].hiddenSze = 1),
      "$.model.layers[1]: no setting 'hiddenSze'; did you mean 'hiddenSize'?",
    ],
    [
      (c) => (c['model'].layers[1].hiddenSize = '8'),
      '$.model.layers[1].hiddenSize: expected a whole number from 1',
    ],
    [
      (c) => (c['model'].layers[1].projectionSize = 9),
      '$.model.layers[1].projectionSize: expected a whole number below hiddenSize, received 9',
    ],
    [
      (c) => (c['model'].layers[2].initializer.gain = 'x'),
      '$.model.layers[2].initializer.gain: expected a finite number',
    ],
    [(c) => (c['model'].layers[2].kind = 'dens'), "(did you mean 'dense'?), received 'dens'"],
    [(c) => (c['training'].optimizer = 'adm'), "$.training.optimizer: expected 'adam' | 'adamW'"],
    [
      (c) => (c['training'].optimizer.lerningRate = 1),
      "$.training.optimizer: no setting 'lerningRate'; did you mean 'learningRate'?",
    ],
    [
      (c) => (c['training'].optimizer.learningRate.learningRate.initial = 'x'),
      "$.training.optimizer.learningRate.learningRate.initial: expected a number from 0, received 'x'",
    ],
    [
      (c) => (c['training'].loss = { kind: 'quantile', quantiles: [0.5, 0.1] }),
      '$.training.loss.quantiles: expected quantiles that rise',
    ],
    [(c) => (c['training'].metrics = ['acuracy']), "(did you mean 'accuracy'?), received 'acuracy'"],
    [
      (c) => (c['device'] = { device: 'gpu' }),
      "$.device.device: expected 'auto' | 'cpu' | 'cuda' | 'cuda:1'",
    ],
    [
      (c) => (c['data'].split = 'group'),
      "$.data.group: expected the name of a column, as split is 'group', received undefined",
    ],
    [
      (c) => (c['data'].group = 'speaker'),
      "$.data.split: expected 'group', as a column of groups is named, received undefined",
    ],
    [
      (c) => (c['data'].separator = ' '),
      '$.data.columns: expected the names of two columns or more, which separator parts',
    ],
    [
      (c) => Object.assign(c['data'], { columns: ['a', 'b', 'text'], separator: [':'] }),
      '$.data.separator: expected one text, or 2, one for each two of the 3 columns',
    ],
    [
      (c) => Object.assign(c['data'], { columns: ['a', 'text'], separator: ':', format: 'csv' }),
      "$.data.format: expected none beside separator, received 'csv'",
    ],
    [
      (c) => (c['data'] = { task: 'languageModel', train: 'a.txt', lineEnd: '<eos>' }),
      "$.data.lineEnd: expected a token without blanks, beside the vocabulary { kind: 'word', split: 'whitespace' }",
    ],
    [
      (c) => (c['search'] = { space: { seed: [1, 2] }, folds: 1 }),
      '$.search.folds: expected a whole number from 2, received 1',
    ],
    [(c) => (c['search'] = { space: {} }), '$.search.space: expected places of the config'],
  ])('that cannot be is refused with its place (%#)', (change, message) => {
    expect(() => resolveExperiment(changed(change), '$')).toThrow(ConfigError);
    expect(() => resolveExperiment(changed(change), '$')).toThrow(message);
  });

  it.each([null, [], 'config', 1, undefined])('is an object: %o is refused', (value) => {
    expect(() => resolveExperiment(value)).toThrow(ConfigError);
  });
});

describe('the published JSON schema', () => {
  const path = new URL('../../../schema/config.schema.json', import.meta.url);
  const published = JSON.parse(readFileSync(path, 'utf8')) as z.core.JSONSchema.JSONSchema;

  it('is what the schemas give (npm run schema)', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(experimentJsonSchema())));
  });

  // zod's reader of JSON schema knows nothing of the schemas that this one was made from.
  const reader = z.fromJSONSchema(published);

  it('takes the configs that init writes, and one with all kinds of settings', () => {
    for (const task of taskNames) {
      const config = startingConfig({ task, train: 'data.csv', hiddenSize: 4, epochs: 1 }, './schema.json');
      expect(reader.safeParse(config).error).toBe(undefined);
    }
    expect(reader.safeParse(plain).error).toBe(undefined);
  });

  it.each<Change>([
    (c) => (c['foo'] = 1),
    (c) => (c['data'].task = 'other'),
    (c) => delete c['data'].train,
    (c) => (c['model'].layers[1].hiddenSize = 0),
    (c) => (c['model'].layers[1].hiddenSize = 'x'),
    (c) => (c['training'].optimizer.learningRate = -1),
    (c) => (c['training'].optimizer.kind = 'adm'),
    (c) => (c['training'].epochs = 1.5),
    (c) => (c['version'] = 2),
  ])('refuses what the schemas refuse (%#)', (change) => {
    const config = changed(change);
    expect(() => resolveExperiment(config)).toThrow(ConfigError);
    expect(reader.safeParse(config).success).toBe(false);
  });
});
