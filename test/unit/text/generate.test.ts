import { describe, expect, it } from 'vitest';

import { ConfigError, DataError } from '../../../src/errors.js';
import { generate, type TextModel } from '../../../src/text/generate.js';
import { characterVocabulary } from '../../../src/text/vocabulary.js';

const vocabulary = characterVocabulary('abcd');

/** Goes round the alphabet, one letter further each time; its state counts the tokens read. */
class RoundModel implements TextModel<number> {
  readonly vocabulary = vocabulary;
  readonly config: { layers: object[] };
  readonly calls: { tokens: number[]; states: number | undefined }[] = [];

  constructor(layers: object[] = [{ kind: 'dense', activation: 'linear' }]) {
    this.config = { layers };
  }

  async predict(x: { data: Int32Array; shape: readonly number[] }, options: { states?: number }) {
    this.calls.push({ tokens: [...x.data], states: options.states });
    const steps = x.data.length;
    const data = new Float32Array(steps * vocabulary.size);
    x.data.forEach((token, step) => {
      data[step * vocabulary.size + (token % 4) + 1] = 50;
    });
    return { y: { data, shape: [1, steps, vocabulary.size] }, states: (options.states ?? 0) + steps };
  }
}

describe('generate', () => {
  it('gives the new text without the prompt', async () => {
    expect(await generate(new RoundModel(), { prompt: 'ab', length: 5 })).toBe('cdabc');
  });

  it('reads the prompt once, then each token with the states the one before left', async () => {
    const model = new RoundModel();
    await generate(model, { prompt: 'abc', length: 3 });
    expect(model.calls).toEqual([
      { tokens: [1, 2, 3], states: undefined },
      { tokens: [4], states: 3 },
      { tokens: [1], states: 4 },
    ]);
  });

  it('writes nothing for a length of 0', async () => {
    expect(await generate(new RoundModel(), { prompt: 'a', length: 0 })).toBe('');
  });

  it('takes the outputs of a softmax as probabilities', async () => {
    class Uneven extends RoundModel {
      override async predict(
        x: { data: Int32Array; shape: readonly number[] },
        options: { states?: number },
      ) {
        const result = await super.predict(x, options);
        // Two ids with probabilities that a second softmax would make nearly equal.
        result.y.data.fill(0).set([0, 0.001, 0.999, 0, 0], result.y.data.length - vocabulary.size);
        return result;
      }
    }
    const text = await generate(new Uneven([{ activation: 'softmax' }]), { prompt: 'a', length: 200 });
    expect(text.replaceAll('b', '').length).toBeLessThan(5);
  });

  it.each([
    ['a negative length', { length: -1 }],
    ['a fraction of a length', { length: 1.5 }],
    ['a negative temperature', { temperature: -1 }],
    ['NaN as temperature', { temperature: Number.NaN }],
    ['0 as topK', { topK: 0 }],
    ['a negative seed', { seed: -1 }],
  ])('refuses %s', async (_, options) => {
    await expect(generate(new RoundModel(), { prompt: 'a', length: 1, ...options })).rejects.toThrow(
      ConfigError,
    );
  });

  it('refuses an empty prompt', async () => {
    await expect(generate(new RoundModel(), { prompt: '', length: 1 })).rejects.toThrow(DataError);
  });

  it('refuses a model without a vocabulary', async () => {
    const model = Object.assign(new RoundModel(), { vocabulary: undefined });
    await expect(generate(model, { prompt: 'a', length: 1 })).rejects.toThrow(
      'expected one with a vocabulary',
    );
  });

  it('refuses a model that reads backwards', async () => {
    const model = new RoundModel([{ kind: 'lstm', bidirectional: true }, { activation: 'linear' }]);
    await expect(generate(model, { prompt: 'a', length: 1 })).rejects.toThrow('forwards');
  });

  it('refuses a model whose output is no distribution over tokens', async () => {
    const model = new RoundModel([{ activation: 'tanh' }]);
    await expect(generate(model, { prompt: 'a', length: 1 })).rejects.toThrow(ConfigError);
  });
});
