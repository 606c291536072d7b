import { describe, expect, it } from 'vitest';
import { characterVocabulary, dense, embedding, lstm } from '../../../src/index.js';
import { resolveConfig, resolveSequential } from '../../../src/model/modelConfig.js';

const text = [embedding({ vocabSize: 30, size: 4 }), lstm({ hiddenSize: 3 }), dense({ units: 30 })];
const numbers = [lstm({ hiddenSize: 3 })];

describe('resolveSequential', () => {
  it('takes tokens where an embedding is first, and its vocabulary as input size', () => {
    expect(resolveSequential(text, {}).config).toMatchObject({ input: 'tokens', inputSize: 30, seed: 0 });
  });

  it('takes features otherwise', () => {
    expect(resolveSequential(numbers, { inputSize: 5 }).config).toMatchObject({
      input: 'features',
      inputSize: 5,
    });
  });

  it('gives a config that is frozen JSON and resolves to the same model', () => {
    const { config, chain } = resolveSequential(text, { seed: 3, name: 'writer' });
    expect(Object.isFrozen(config.layers)).toBe(true);
    const again = resolveConfig(JSON.parse(JSON.stringify(config)));
    expect(again.config).toEqual(config);
    expect(again.chain).toEqual(chain);
  });

  it('reads a config written before an LSTM had projectionSize and cellClip', () => {
    const { config } = resolveSequential(text, {});
    const layers = JSON.parse(JSON.stringify(config.layers)) as Record<string, unknown>[];
    for (const layer of layers) delete layer['projectionSize'];
    expect(layers.some((layer) => layer['kind'] === 'lstm')).toBe(true);
    expect(resolveConfig({ ...config, layers }).config).toEqual(config);
  });

  it.each<[string, () => unknown, string]>([
    [
      'features without a size',
      () => resolveSequential(numbers, {}),
      "options.inputSize: expected the number of channels of each time step, for input 'features', received undefined",
    ],
    [
      'an input size beside an embedding of another',
      () => resolveSequential(text, { inputSize: 31 }),
      "options.inputSize: expected 30, the embedding's vocabSize, received 31",
    ],
    [
      'an unknown option',
      () => resolveSequential(text, { sed: 1 } as never),
      "options: no setting 'sed'; did you mean 'seed'?",
    ],
    [
      'a negative seed',
      () => resolveSequential(text, { seed: -1 }),
      'options.seed: expected a whole number from 0, received -1',
    ],
    [
      'more threads than there may be',
      () => resolveSequential(text, { threads: 257 }),
      'options.threads: expected a whole number from 1 to 256, received 257',
    ],
    [
      'an unknown device',
      () => resolveSequential(text, { device: 'gpu' as never }),
      "options.device: expected 'auto' | 'cpu' | 'cuda' | 'cuda:1' (did you mean 'cpu'?), received 'gpu'",
    ],
    [
      'a vocabulary larger than the embedding',
      () =>
        resolveSequential([embedding({ vocabSize: 2, size: 4 })], { vocabulary: characterVocabulary('abc') }),
      "options.vocabulary: expected at most the embedding's 2 ids, received 4 ids",
    ],
    [
      'a config of something else',
      () => resolveConfig({ layers: [] }),
      'config.name: expected a name of letters, digits and _ that does not start with a digit and is not ' +
        "'optimizer', received undefined",
    ],
  ])('refuses %s', (_name, resolve, message) => {
    expect(resolve).toThrow(expect.objectContaining({ code: 'ERR_CONFIG', message }));
  });
});
